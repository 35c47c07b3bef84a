package dev.serval.engine.quantize;

/**
 * The numbers of MXFP4: E2M1 codes that share an E8M0 scale (OCP microscaling formats). As in ggml,
 * codes stand for doubled values, so that they are integers, and scales are halved.
 */
final class Mxfp4 {

  /** Number of codes. */
  static final int CODES = 16;

  /** Code 8 would be minus zero, which ggml has as zero (ggml-common.h, kvalues_mxfp4). */
  private static final int[] DOUBLED = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

  /** Bits of 2^-128, the halved scale of exponent 0. */
  private static final int LEAST_SCALE_BITS = 0x0020_0000;

  private Mxfp4() {}

  /** Twice the value of a code. */
  static int doubled(int code) {
    return DOUBLED[code];
  }

  /** Half the scale of an exponent byte: 2^(e − 128), subnormal for 0 and 1. */
  static float scale(int e) {
    return Float.intBitsToFloat(e < 2 ? LEAST_SCALE_BITS << e : (e - 1) << 23);
  }
}
