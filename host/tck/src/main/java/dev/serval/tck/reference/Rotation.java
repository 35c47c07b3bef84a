package dev.serval.tck.reference;

import dev.serval.api.attention.RopeSpec;

/** Rotates heads in double precision; see {@link RopeSpec}. */
final class Rotation {

  private final RopeSpec spec;
  private final double[] frequencies;

  Rotation(RopeSpec spec, WeightReader weights) {
    this.spec = spec;
    frequencies = spec.inverseFrequencies();
    spec.frequencyFactors()
        .ifPresent(f -> {
          float[] factors = weights.all(f);
          for (int p = 0; p < frequencies.length; p++) {
            frequencies[p] /= factors[p];
          }
        });
  }

  /**
   * Rotates one head in place.
   *
   * @param position how far, in positions
   * @param magnitude factor of both rotated parts
   */
  void turn(double[] head, int position, double magnitude) {
    boolean neox = spec.style() == RopeSpec.Style.NEOX;
    for (int p = 0; p < frequencies.length; p++) {
      double angle = position * frequencies[p];
      double c = magnitude * Math.cos(angle);
      double s = magnitude * Math.sin(angle);
      int i = neox ? p : 2 * p;
      int j = i + (neox ? frequencies.length : 1);
      double a = head[i];
      double b = head[j];
      head[i] = a * c - b * s;
      head[j] = a * s + b * c;
    }
  }
}
