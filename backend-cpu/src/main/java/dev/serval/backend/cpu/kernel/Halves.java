package dev.serval.backend.cpu.kernel;

/**
 * Conversions between F32 and the short number formats, by bit arithmetic on ints: the vector
 * kernels do the same on int lanes.
 */
final class Halves {

  /** Exponent difference of F16 and F32 as a factor: 2^(127 − 15). */
  static final float REBIAS = 0x1p112f;

  /** F32 bits of the smallest normal F16, 2^−14. */
  static final int MIN_NORMAL = 0x38800000;

  /** F32 bits of 65520, the smallest number that rounds to an infinite F16. */
  static final int OVERFLOW = 0x477ff000;

  /** F32 bits of +∞; larger magnitudes are NaN. */
  static final int INFINITY = 0x7f800000;

  /** F32 bits of 0.5: its last place is that of a subnormal F16, 2^−24. */
  static final int HALF_ONE = 0x3f000000;

  /** Exponent rebias from F32 to F16 plus all but one of the rounding bits. */
  static final int ROUND = ((15 - 127) << 23) + 0xfff;

  private Halves() {}

  /** The value of an F16, exact; {@code half} in 0..65535. */
  static float fromHalf(int half) {
    int magnitude = (half & 0x7fff) << 13;
    int bits = Float.floatToRawIntBits(Float.intBitsToFloat(magnitude) * REBIAS);
    if (magnitude >= 0x7c00 << 13) {
      bits |= INFINITY;
    }
    return Float.intBitsToFloat(bits | ((half & 0x8000) << 16));
  }

  /** The F16 nearest to x, ties to even, in 0..65535; NaN stays NaN. */
  static int toHalf(float x) {
    int bits = Float.floatToRawIntBits(x);
    int magnitude = bits & 0x7fffffff;
    int half;
    if (magnitude > INFINITY) {
      half = 0x7e00;
    } else if (magnitude >= OVERFLOW) {
      half = 0x7c00;
    } else if (magnitude < MIN_NORMAL) {
      half = Float.floatToRawIntBits(Float.intBitsToFloat(magnitude) + 0.5f) - HALF_ONE;
    } else {
      half = (magnitude + ROUND + ((magnitude >>> 13) & 1)) >>> 13;
    }
    return half | ((bits >>> 16) & 0x8000);
  }

  /** The value of a BF16, exact. */
  static float fromBrain(int brain) {
    return Float.intBitsToFloat(brain << 16);
  }

  /** The scale of an MXFP4 block: 2^(e − 128), for doubled elements (llama.cpp ggml-impl.h). */
  static float mxScale(int e) {
    return Float.intBitsToFloat(e < 2 ? (e + 1) << 21 : (e - 1) << 23);
  }

  /** Twice the value of an E2M1 code 0..15; code 8 is +0 (spec: OCP MX; doubled as in ggml). */
  static int mxElement(int code) {
    int magnitude = code & 7;
    int twice = magnitude < 4 ? magnitude : (2 | (magnitude & 1)) << ((magnitude >> 1) - 1);
    return (code & 8) == 0 ? twice : -twice;
  }
}
