package dev.serval.tck.weights;

import dev.serval.api.tensor.DataType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.EnumSet;
import java.util.Set;

/**
 * Encodes F32 numbers, one block after the other. The types with a plain rounding rule are encoded
 * in binary32 without fused operations, as llama.cpp's reference quantizers ({@code ggml-quants.c})
 * do; the others get the scale that just reaches the largest number, and the nearest code. For
 * tests only: no search for better scales.
 */
public final class Quantizers {

  private static final ValueLayout.OfShort U16 =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt U32 =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfFloat F32 =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private static final Set<DataType> TYPES =
      EnumSet.of(
          DataType.F32,
          DataType.F16,
          DataType.BF16,
          DataType.Q8_0,
          DataType.Q4_0,
          DataType.Q4_1,
          DataType.Q5_0,
          DataType.Q5_1,
          DataType.IQ4_NL,
          DataType.MXFP4,
          DataType.Q2_K,
          DataType.Q3_K,
          DataType.Q4_K,
          DataType.Q5_K,
          DataType.Q6_K,
          DataType.IQ4_XS);

  private static final int[] E2M1_DOUBLED = {
    0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12
  };

  /** Values of the codes of IQ4_NL and IQ4_XS (llama.cpp {@code ggml-common.h}). */
  static final int[] NON_LINEAR = {
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113
  };

  private Quantizers() {}

  /** The types that can be encoded. */
  public static Set<DataType> types() {
    return EnumSet.copyOf(TYPES);
  }

  /**
   * Encodes consecutive elements.
   *
   * @param type one of {@link #types}
   * @param x finite numbers, a whole number of blocks
   * @param target receives {@code type.bytes(x.length)} bytes
   * @throws IllegalArgumentException if the type is not one of {@link #types} or a number is not
   *     finite
   */
  public static void encode(DataType type, float[] x, MemorySegment target) {
    if (!TYPES.contains(type)) {
      throw new IllegalArgumentException("no quantizer for " + type + ", only for " + TYPES);
    }
    for (float v : x) {
      if (!Float.isFinite(v)) {
        throw new IllegalArgumentException("not finite: " + v);
      }
    }
    int blocks = (int) (type.bytes(x.length) / type.blockBytes());
    for (int b = 0; b < blocks; b++) {
      block(type, x, b * type.blockLength(), target, (long) b * type.blockBytes());
    }
  }

  private static void block(DataType type, float[] x, int from, MemorySegment s, long at) {
    switch (type) {
      case F32 -> s.set(F32, at, x[from]);
      case F16 -> s.set(U16, at, Float.floatToFloat16(x[from]));
      case BF16 -> s.set(U16, at, bf16(x[from]));
      case Q8_0 -> q8(x, from, s, at);
      case Q4_0, Q5_0 -> signed(type == DataType.Q4_0 ? 4 : 5, x, from, s, at);
      case Q4_1, Q5_1 -> withMinimum(type == DataType.Q4_1 ? 4 : 5, x, from, s, at);
      case MXFP4 -> mxfp4(x, from, s, at);
      case IQ4_NL -> nonLinear(x, from, s, at);
      case Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, IQ4_XS -> SuperBlockQuantizer.encode(type, x, from, s, at);
      default -> throw new IllegalStateException("no quantizer for " + type);
    }
  }

  /** Nearest, ties to even. */
  private static short bf16(float v) {
    int bits = Float.floatToRawIntBits(v);
    return (short) ((bits + 0x7FFF + ((bits >>> 16) & 1)) >>> 16);
  }

  static float inverse(float d) {
    return d != 0 ? 1 / d : 0;
  }

  private static void q8(float[] x, int from, MemorySegment s, long at) {
    float d = Math.abs(largest(x, from, 32)) / 127;
    float id = inverse(d);
    s.set(U16, at, Float.floatToFloat16(d));
    for (int j = 0; j < 32; j++) {
      float v = x[from + j] * id;
      // half away from zero
      double q = Math.copySign(Math.floor(Math.abs((double) v) + 0.5), v);
      s.set(ValueLayout.JAVA_BYTE, at + 2 + j, (byte) q);
    }
  }

  /** The element of largest magnitude, sign included, the first of equal ones. */
  static float largest(float[] x, int from, int n) {
    float max = 0;
    for (int j = 0; j < n; j++) {
      max = Math.abs(x[from + j]) > Math.abs(max) ? x[from + j] : max;
    }
    return max;
  }

  /** Q4_0 and Q5_0: the middle code is 0, the lowest the largest element. */
  private static void signed(int bits, float[] x, int from, MemorySegment s, long at) {
    int middle = 1 << (bits - 1);
    float d = largest(x, from, 32) / -middle;
    float id = inverse(d);
    s.set(U16, at, Float.floatToFloat16(d));
    int[] q = new int[32];
    for (int j = 0; j < 32; j++) {
      q[j] = Math.min(2 * middle - 1, (int) (x[from + j] * id + (middle + 0.5f)));
    }
    codes(bits, q, s, at + 2);
  }

  /** Q4_1 and Q5_1: code 0 is the smallest element. */
  private static void withMinimum(int bits, float[] x, int from, MemorySegment s, long at) {
    float min = x[from];
    float max = x[from];
    for (int j = 1; j < 32; j++) {
      min = Math.min(min, x[from + j]);
      max = Math.max(max, x[from + j]);
    }
    int top = (1 << bits) - 1;
    float d = (max - min) / top;
    float id = inverse(d);
    s.set(U16, at, Float.floatToFloat16(d));
    s.set(U16, at + 2, Float.floatToFloat16(min));
    int[] q = new int[32];
    for (int j = 0; j < 32; j++) {
      q[j] = Math.min(top, (int) ((x[from + j] - min) * id + 0.5f));
    }
    codes(bits, q, s, at + 4);
  }

  /** Writes 32 codes: fifth bits first if there are any, then 16 bytes of halves. */
  private static void codes(int bits, int[] q, MemorySegment s, long at) {
    long quants = at;
    if (bits == 5) {
      int high = 0;
      for (int j = 0; j < 32; j++) {
        high |= (q[j] >> 4) << j;
      }
      s.set(U32, at, high);
      quants += 4;
    }
    for (int j = 0; j < 16; j++) {
      s.set(ValueLayout.JAVA_BYTE, quants + j, (byte) ((q[j] & 15) | ((q[j + 16] & 15) << 4)));
    }
  }

  /** IQ4_NL: code 0, the farthest from 0, is the largest element. */
  private static void nonLinear(float[] x, int from, MemorySegment s, long at) {
    float d = largest(x, from, 32) / NON_LINEAR[0];
    float id = inverse(d);
    s.set(U16, at, Float.floatToFloat16(d));
    int[] q = new int[32];
    for (int j = 0; j < 32; j++) {
      q[j] = nearestNonLinear(x[from + j] * id);
    }
    codes(4, q, s, at + 2);
  }

  /** The IQ4 code whose value is nearest, the lowest of equally near ones. */
  static int nearestNonLinear(float v) {
    int best = 0;
    for (int i = 1; i < NON_LINEAR.length; i++) {
      best = Math.abs(NON_LINEAR[i] - v) < Math.abs(NON_LINEAR[best] - v) ? i : best;
    }
    return best;
  }

  private static void mxfp4(float[] x, int from, MemorySegment s, long at) {
    float amax = Math.abs(largest(x, from, 32));
    int e = amax > 0 ? Math.max(0, Math.getExponent(amax) - 2 + 127) : 0;
    float h = e < 2 ? Float.intBitsToFloat(0x00200000 << e) : Float.intBitsToFloat((e - 1) << 23);
    s.set(ValueLayout.JAVA_BYTE, at, (byte) e);
    int[] q = new int[32];
    for (int j = 0; j < 32; j++) {
      for (int i = 1; i < 16; i++) {
        float error = Math.abs(E2M1_DOUBLED[i] * h - x[from + j]);
        q[j] = error < Math.abs(E2M1_DOUBLED[q[j]] * h - x[from + j]) ? i : q[j];
      }
    }
    codes(4, q, s, at + 1);
  }
}
