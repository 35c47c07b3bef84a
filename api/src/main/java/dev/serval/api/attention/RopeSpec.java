package dev.serval.api.attention;

import dev.serval.api.tensor.TensorView;
import java.util.Optional;

/**
 * Rotary position embedding of the first {@code nRot} elements of each head. For pair {@code p = 0
 * .. nRot/2 − 1} at position {@code pos}, with {@code f_p = theta^(−2p/nRot)} and the optional
 * frequency factor {@code ff_p}:
 *
 * <pre>
 * θ = pos · f_p / ff_p ;  φ = θ / factor
 * with YaRN:  φ = (θ / factor)·(1 − ramp_p) + θ·ramp_p ,  both rotated parts times m
 * </pre>
 *
 * Angles are computed in double precision, reduced modulo 2π, then rounded. Source: Su et al.,
 * arXiv 2104.09864; linear scaling and YaRN as in llama.cpp {@code ggml.c} (arXiv 2309.00071).
 *
 * @param style which elements form a pair
 * @param nRot rotated elements of each head, even
 * @param theta frequency base
 * @param factor frequency divisor of linear scaling, 1 for none
 * @param yarn YaRN blending of scaled and unscaled frequencies
 * @param frequencyFactors divisors of the frequencies, [nRot / 2]
 */
public record RopeSpec(
    Style style,
    int nRot,
    double theta,
    double factor,
    Optional<Yarn> yarn,
    Optional<TensorView> frequencyFactors) {

  /** Which two elements are rotated together. */
  public enum Style {
    /** Elements {@code p} and {@code p + nRot/2}. */
    NEOX,
    /** Elements {@code 2p} and {@code 2p + 1}. */
    NORM
  }

  /**
   * Parameters of YaRN.
   *
   * @param originalContext context length before scaling, in tokens
   * @param betaFast rotations at the original context above which a pair keeps its frequency
   * @param betaSlow rotations below which a pair is scaled fully
   * @param attentionFactor factor of the magnitude besides {@code 1 + 0.1 ln(factor)}
   * @param truncate whether the correction range is rounded outwards to whole pairs (ggml) or not
   */
  public record Yarn(
      int originalContext,
      double betaFast,
      double betaSlow,
      double attentionFactor,
      boolean truncate) {

    /** Checks that all numbers are positive and finite. */
    public Yarn {
      if (originalContext <= 0
          || !positive(betaFast)
          || !positive(betaSlow)
          || !positive(attentionFactor)) {
        throw new IllegalArgumentException(
            "YaRN parameters must be positive: originalContext="
                + originalContext
                + ", betaFast="
                + betaFast
                + ", betaSlow="
                + betaSlow
                + ", attentionFactor="
                + attentionFactor);
      }
    }
  }

  /** Checks that {@code nRot} is even and numbers are positive and finite. */
  public RopeSpec {
    if (nRot <= 0 || nRot % 2 != 0) {
      throw new IllegalArgumentException("nRot must be positive and even: " + nRot);
    }
    if (!positive(theta) || !positive(factor)) {
      throw new IllegalArgumentException(
          "theta and factor must be positive: theta=" + theta + ", factor=" + factor);
    }
    if (frequencyFactors.isPresent() && frequencyFactors.get().shape().elements() != nRot / 2) {
      throw new IllegalArgumentException(
          "frequency factors must hold nRot/2 values: "
              + frequencyFactors.get()
              + ", nRot="
              + nRot);
    }
  }

  /** Neox pairs with optional linear scaling, no YaRN, no frequency factors. */
  public static RopeSpec neox(int nRot, double theta, double factor) {
    return new RopeSpec(Style.NEOX, nRot, theta, factor, Optional.empty(), Optional.empty());
  }

  /** The same with YaRN. */
  public RopeSpec withYarn(Yarn parameters) {
    return new RopeSpec(style, nRot, theta, factor, Optional.of(parameters), frequencyFactors);
  }

  /** The same with frequency factors. */
  public RopeSpec withFrequencyFactors(TensorView factors) {
    return new RopeSpec(style, nRot, theta, factor, yarn, Optional.of(factors));
  }

  /**
   * Radians per position of each pair, without frequency factors: {@code φ / pos}.
   *
   * @return [nRot / 2]
   */
  public double[] inverseFrequencies() {
    int pairs = nRot / 2;
    double[] out = new double[pairs];
    double low = 0;
    double high = 0;
    if (yarn.isPresent()) {
      Yarn y = yarn.get();
      low = correction(y.betaFast(), y.originalContext());
      high = correction(y.betaSlow(), y.originalContext());
      if (y.truncate()) {
        low = Math.floor(low);
        high = Math.ceil(high);
      }
      low = Math.max(0, low);
      high = Math.min(nRot - 1, high);
    }
    for (int p = 0; p < pairs; p++) {
      double f = Math.pow(theta, -2.0 * p / nRot);
      if (yarn.isPresent()) {
        double ramp = 1 - Math.clamp((p - low) / Math.max(0.001, high - low), 0.0, 1.0);
        out[p] = f / factor * (1 - ramp) + f * ramp;
      } else {
        out[p] = f / factor;
      }
    }
    return out;
  }

  /** The factor {@code m} of both rotated parts: 1 without YaRN. */
  public double magnitude() {
    return yarn.map(y -> y.attentionFactor() * (1 + 0.1 * Math.log(factor))).orElse(1.0);
  }

  private double correction(double rotations, int originalContext) {
    return nRot * Math.log(originalContext / (rotations * 2 * Math.PI)) / (2 * Math.log(theta));
  }

  private static boolean positive(double x) {
    return x > 0 && Double.isFinite(x);
  }
}
