package dev.serval.api.attention;

import dev.serval.api.tensor.TensorView;
import java.util.Optional;

/**
 * What an attention computes. For token {@code i} and query head {@code h}, with key/value head
 * {@code g = h / (nHeads / nKvHeads)}:
 *
 * <pre>
 * z_j = scale · q_h·k_g,j ;  z_j = cap · tanh(z_j / cap) if cap > 0
 * out = Σ exp(z_j − M) v_g,j / (Σ exp(z_j − M) + exp(s_h − M)) over the visible j
 * </pre>
 *
 * where {@code s_h} is the head's sink, an extra logit without a value, present only if {@code
 * sinks} is. A row that sees nothing is 0.
 *
 * @param nHeads query heads
 * @param nKvHeads key and value heads; divides {@code nHeads}
 * @param keyDim width of a query and key head
 * @param valueDim width of a value head
 * @param scale factor of the scores
 * @param softCap cap of the scaled scores; 0 for none
 * @param mask which positions are visible
 * @param sinks one logit per query head, [nHeads]
 */
public record AttentionSpec(
    int nHeads,
    int nKvHeads,
    int keyDim,
    int valueDim,
    float scale,
    float softCap,
    MaskKind mask,
    Optional<TensorView> sinks) {

  /** Checks the divisibility of heads and that numbers are usable. */
  public AttentionSpec {
    if (nKvHeads <= 0 || nHeads <= 0 || nHeads % nKvHeads != 0) {
      throw new IllegalArgumentException(
          "nHeads must be a multiple of nKvHeads: nHeads=" + nHeads + ", nKvHeads=" + nKvHeads);
    }
    if (keyDim <= 0 || valueDim <= 0) {
      throw new IllegalArgumentException(
          "head widths must be positive: keyDim=" + keyDim + ", valueDim=" + valueDim);
    }
    if (!Float.isFinite(scale) || !(softCap >= 0) || Float.isInfinite(softCap)) {
      throw new IllegalArgumentException("scale=" + scale + ", softCap=" + softCap);
    }
    if (sinks.isPresent() && sinks.get().shape().elements() != nHeads) {
      throw new IllegalArgumentException(
          "sinks must hold one value per head: " + sinks.get() + ", nHeads=" + nHeads);
    }
  }

  /** A specification without soft cap and sinks, keys and values equally wide. */
  public AttentionSpec(int nHeads, int nKvHeads, int headDim, float scale, MaskKind mask) {
    this(nHeads, nKvHeads, headDim, headDim, scale, 0, mask, Optional.empty());
  }

  /** The same with a soft cap on the scaled scores. */
  public AttentionSpec withSoftCap(float cap) {
    return new AttentionSpec(nHeads, nKvHeads, keyDim, valueDim, scale, cap, mask, sinks);
  }

  /** The same with one sink logit per head. */
  public AttentionSpec withSinks(TensorView sinkLogits) {
    return new AttentionSpec(
        nHeads, nKvHeads, keyDim, valueDim, scale, softCap, mask, Optional.of(sinkLogits));
  }
}
