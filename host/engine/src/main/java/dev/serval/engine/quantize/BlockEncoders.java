package dev.serval.engine.quantize;

import dev.serval.api.tensor.DataType;

/**
 * {@link Encoder}s of types with blocks of 32. The scale that is stored is rounded to a half, the
 * quants are computed with the unrounded one.
 */
final class BlockEncoders {

  private static final int BLOCK = 32;
  private static final int HALF = BLOCK / 2;

  /** Exponent bias of binary32 and of E8M0. */
  private static final int BIAS = 127;

  /** The largest E2M1 value is 1.5 · 2^2: what the largest element's exponent is lowered by. */
  private static final int E2M1_MAX_EXPONENT = 2;

  /** Exponent of the least subnormal binary32. */
  private static final int LEAST_EXPONENT = -149;

  private BlockEncoders() {}

  /** d = max|x| / 127 in F16, then x / d, rounded half away from zero, in signed bytes. */
  static int q8(float[] values, int n, byte[] target) {
    int at = 0;
    for (int start = 0; start < n; start += BLOCK) {
      float most = Math.abs(values[largest(values, start)]);
      float d = most / 127;
      short half = Float.floatToFloat16(d);
      if (isInfinite(half)) {
        return largest(values, start);
      }
      float inverse = inverse(d);
      LittleEndian.putInt16(target, at, half);
      for (int j = 0; j < BLOCK; j++) {
        target[at + 2 + j] = (byte) roundHalfAway(values[start + j] * inverse);
      }
      at += DataType.Q8_0.blockBytes();
    }
    return Encoder.FITS;
  }

  /** d = m / −8 in F16 with m the element of largest magnitude, then x / d + 8 in nibbles. */
  static int q4(float[] values, int n, byte[] target) {
    int at = 0;
    for (int start = 0; start < n; start += BLOCK) {
      int largest = largest(values, start);
      float d = values[largest] / -8;
      short half = Float.floatToFloat16(d);
      if (isInfinite(half)) {
        return largest;
      }
      float inverse = inverse(d);
      LittleEndian.putInt16(target, at, half);
      for (int j = 0; j < HALF; j++) {
        int low = nibble(values[start + j] * inverse);
        int high = nibble(values[start + HALF + j] * inverse);
        target[at + 2 + j] = (byte) (low | (high << 4));
      }
      at += DataType.Q4_0.blockBytes();
    }
    return Encoder.FITS;
  }

  /**
   * A scale 2^(e−127) that lets the largest element reach the codes 4 to 6, then the nearest code.
   */
  static int mxfp4(float[] values, int n, byte[] target) {
    int at = 0;
    for (int start = 0; start < n; start += BLOCK) {
      float most = Math.abs(values[largest(values, start)]);
      // below 2^-125 the exponent would be negative: the smallest scale has to do
      int e = most > 0 ? Math.max(0, exponent(most) - E2M1_MAX_EXPONENT + BIAS) : 0;
      float scale = Mxfp4.scale(e);
      target[at] = (byte) e;
      for (int j = 0; j < HALF; j++) {
        int low = nearest(values[start + j], scale);
        int high = nearest(values[start + HALF + j], scale);
        target[at + 1 + j] = (byte) (low | (high << 4));
      }
      at += DataType.MXFP4.blockBytes();
    }
    return Encoder.FITS;
  }

  /** Index of the first element of largest magnitude in a block. */
  private static int largest(float[] values, int start) {
    int at = start;
    float most = Math.abs(values[start]);
    for (int i = start + 1; i < start + BLOCK; i++) {
      float a = Math.abs(values[i]);
      if (a > most) {
        most = a;
        at = i;
      }
    }
    return at;
  }

  /**
   * 1 / d, or 0 where that is not finite. C leaves the conversion of infinity to an integer
   * undefined; such a scale is zero as a half, so that every quant means zero.
   */
  private static float inverse(float d) {
    float inverse = 1 / d;
    return Float.isFinite(inverse) ? inverse : 0;
  }

  private static boolean isInfinite(short half) {
    return (half & 0x7FFF) == 0x7C00;
  }

  private static int roundHalfAway(float x) {
    int whole = (int) x;
    float rest = x - whole;
    if (rest >= 0.5f) {
      return whole + 1;
    }
    return rest <= -0.5f ? whole - 1 : whole;
  }

  private static int nibble(float x) {
    return Math.min(15, (int) (x + 8.5f));
  }

  /** floor(log2(x)) of a positive finite number, exact at powers of two. */
  private static int exponent(float x) {
    if (x >= Float.MIN_NORMAL) {
      return Math.getExponent(x);
    }
    int highestBit = 31 - Integer.numberOfLeadingZeros(Float.floatToRawIntBits(x));
    return highestBit + LEAST_EXPONENT;
  }

  /** The lowest code of those whose value is nearest. */
  private static int nearest(float x, float scale) {
    int best = 0;
    float least = Math.abs(x);
    for (int i = 1; i < Mxfp4.CODES; i++) {
      float error = Math.abs(Mxfp4.doubled(i) * scale - x);
      if (error < least) {
        least = error;
        best = i;
      }
    }
    return best;
  }
}
