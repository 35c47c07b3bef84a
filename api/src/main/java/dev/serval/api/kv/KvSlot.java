package dev.serval.api.kv;

import dev.serval.api.attention.MaskKind;
import dev.serval.api.attention.RopeSpec;
import java.util.Optional;

/**
 * One cache of keys and values that a graph declares, usually one per layer. A row holds one token:
 * all key heads one after the other, then all value heads.
 *
 * @param index number of the slot in its graph, from 0
 * @param nKvHeads key and value heads
 * @param keyDim width of a key head
 * @param valueDim width of a value head
 * @param mask which positions the attention over this slot may see; slots of equal mask share cells
 * @param rotation how stored keys are rotated, needed to move them to other positions; empty if
 *     keys carry no position
 */
public record KvSlot(
    int index, int nKvHeads, int keyDim, int valueDim, MaskKind mask, Optional<RopeSpec> rotation) {

  /** Checks that sizes are positive, the rotation fits a key, and the mask is causal. */
  public KvSlot {
    if (index < 0 || nKvHeads <= 0 || keyDim <= 0 || valueDim <= 0) {
      throw new IllegalArgumentException(
          "slot "
              + index
              + ": nKvHeads="
              + nKvHeads
              + ", keyDim="
              + keyDim
              + ", valueDim="
              + valueDim);
    }
    if (rotation.isPresent() && rotation.get().nRot() > keyDim) {
      throw new IllegalArgumentException(
          "slot " + index + ": nRot=" + rotation.get().nRot() + " exceeds keyDim=" + keyDim);
    }
    if (!mask.isCausal()) {
      throw new IllegalArgumentException(
          "slot " + index + ": a cache needs a causal mask, got " + mask);
    }
  }

  /** Elements of a key row: {@code nKvHeads · keyDim}. */
  public int keyWidth() {
    return nKvHeads * keyDim;
  }

  /** Elements of a value row: {@code nKvHeads · valueDim}. */
  public int valueWidth() {
    return nKvHeads * valueDim;
  }
}
