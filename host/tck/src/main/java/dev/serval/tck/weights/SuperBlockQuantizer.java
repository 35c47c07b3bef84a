package dev.serval.tck.weights;

import dev.serval.api.tensor.DataType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Encodes blocks of 256 numbers: each group of 16 or 32 gets the scale, and where the type has one
 * the minimum, that just covers its numbers; these are rounded to small multiples of one F16 per
 * block, then the numbers to the nearest codes. Layouts: llama.cpp {@code ggml-common.h}.
 */
final class SuperBlockQuantizer {

  private static final int LENGTH = 256;

  private static final ValueLayout.OfByte U8 = ValueLayout.JAVA_BYTE;
  private static final ValueLayout.OfShort U16 =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final int group;
  private final int[] scales;
  private final int[] minima;
  private final int[] codes = new int[LENGTH];

  private SuperBlockQuantizer(int group) {
    this.group = group;
    this.scales = new int[LENGTH / group];
    this.minima = new int[LENGTH / group];
  }

  /** Encodes the block of numbers from {@code from} on at byte {@code at}. */
  static void encode(DataType type, float[] x, int from, MemorySegment s, long at) {
    switch (type) {
      case Q2_K -> new SuperBlockQuantizer(16).q2(x, from, s, at);
      case Q3_K -> new SuperBlockQuantizer(16).q3(x, from, s, at);
      case Q4_K, Q5_K ->
          new SuperBlockQuantizer(32).q45(type == DataType.Q5_K ? 5 : 4, x, from, s, at);
      case Q6_K -> new SuperBlockQuantizer(16).q6(x, from, s, at);
      case IQ4_XS -> new SuperBlockQuantizer(32).iq4(x, from, s, at);
      default -> throw new IllegalStateException("not a block of 256: " + type);
    }
  }

  /**
   * Codes between 0 and {@code top}, a minimum that is not positive per group.
   *
   * @param most largest integer for a scale or minimum
   * @param d byte of the F16 scale; that of the minima follows
   */
  private void withMinima(int top, int most, float[] x, int from, MemorySegment s, long d) {
    float[] scale = new float[scales.length];
    float[] minimum = new float[scales.length];
    for (int k = 0; k < scales.length; k++) {
      float low = 0;
      float high = 0;
      for (int j = 0; j < group; j++) {
        low = Math.min(low, x[from + k * group + j]);
        high = Math.max(high, x[from + k * group + j]);
      }
      scale[k] = (high - low) / top;
      minimum[k] = -low;
    }
    float unit = store(Quantizers.largest(scale, 0, scale.length) / most, s, d);
    float unitOfMinima = store(Quantizers.largest(minimum, 0, scale.length) / most, s, d + 2);
    for (int k = 0; k < scales.length; k++) {
      scales[k] = nearest(scale[k], unit, 0, most);
      minima[k] = nearest(minimum[k], unitOfMinima, 0, most);
      for (int j = k * group; j < (k + 1) * group; j++) {
        float v = x[from + j] + unitOfMinima * minima[k];
        codes[j] = nearest(v, unit * scales[k], 0, top);
      }
    }
  }

  /**
   * Scales of both signs: the largest number of a group reaches {@code reach}.
   *
   * @param d byte of the F16 scale
   * @return the scales times the block's scale
   */
  private float[] signed(float reach, int most, float[] x, int from, MemorySegment s, long d) {
    float[] scale = new float[scales.length];
    for (int k = 0; k < scales.length; k++) {
      scale[k] = Quantizers.largest(x, from + k * group, group) / reach;
    }
    float unit = store(Math.abs(Quantizers.largest(scale, 0, scale.length)) / most, s, d);
    for (int k = 0; k < scales.length; k++) {
      scales[k] = nearest(scale[k], unit, -most, most);
      scale[k] = unit * scales[k];
    }
    return scale;
  }

  /** Codes from 0 on for numbers with a scale of their group, {@code middle} meaning 0. */
  private void round(float[] scale, int middle, float[] x, int from) {
    for (int j = 0; j < LENGTH; j++) {
      codes[j] = middle + nearest(x[from + j], scale[j / group], -middle, middle - 1);
    }
  }

  private static float store(float scale, MemorySegment s, long at) {
    short half = Float.floatToFloat16(scale);
    s.set(U16, at, half);
    return Float.float16ToFloat(half);
  }

  private static int nearest(float v, float unit, int low, int high) {
    return Math.clamp((long) Math.rint(v * Quantizers.inverse(unit)), low, high);
  }

  private static void or(MemorySegment s, long base, int offset, int bits) {
    s.set(U8, base + offset, (byte) (s.get(U8, base + offset) | bits));
  }

  /** Bits 0 and 1 of all codes: four planes of 32 in 32 bytes, for each half of the block. */
  private void twoBits(int shift, MemorySegment s, long at) {
    for (int i = 0; i < LENGTH; i++) {
      or(s, at, i / 128 * 32 + i % 32, ((codes[i] >> shift) & 3) << (i / 32 % 4 * 2));
    }
  }

  private void q2(float[] x, int from, MemorySegment s, long at) {
    s.asSlice(at, 84).fill((byte) 0);
    withMinima(3, 15, x, from, s, at + 80);
    for (int k = 0; k < 16; k++) {
      or(s, at, k, scales[k] | (minima[k] << 4));
    }
    twoBits(0, s, at + 16);
  }

  private void q3(float[] x, int from, MemorySegment s, long at) {
    s.asSlice(at, 110).fill((byte) 0);
    round(signed(-4, 31, x, from, s, at + 108), 4, x, from);
    for (int k = 0; k < 16; k++) {
      int scale = scales[k] + 32;
      or(s, at + 96, k % 8, (scale & 15) << (k / 8 * 4));
      or(s, at + 104, k % 4, (scale >> 4) << (k / 4 * 2));
    }
    twoBits(0, s, at + 32);
    for (int i = 0; i < LENGTH; i++) {
      or(s, at, i % 32, (codes[i] >> 2) << (i / 32));
    }
  }

  private void q45(int bits, float[] x, int from, MemorySegment s, long at) {
    s.asSlice(at, bits == 5 ? 176 : 144).fill((byte) 0);
    withMinima((1 << bits) - 1, 63, x, from, s, at);
    long p = at + 4;
    for (int k = 0; k < 4; k++) {
      or(s, p, k, scales[k] | (scales[k + 4] >> 4 << 6));
      or(s, p, k + 4, minima[k] | (minima[k + 4] >> 4 << 6));
      or(s, p, k + 8, (scales[k + 4] & 15) | ((minima[k + 4] & 15) << 4));
    }
    long quants = at + (bits == 5 ? 48 : 16);
    for (int i = 0; i < LENGTH; i++) {
      or(s, quants, i / 64 * 32 + i % 32, (codes[i] & 15) << (i / 32 % 2 * 4));
      if (bits == 5) {
        or(s, at + 16, i % 32, (codes[i] >> 4) << (i / 32));
      }
    }
  }

  private void q6(float[] x, int from, MemorySegment s, long at) {
    s.asSlice(at, 210).fill((byte) 0);
    round(signed(-32, 127, x, from, s, at + 208), 32, x, from);
    for (int k = 0; k < 16; k++) {
      or(s, at + 192, k, scales[k]);
    }
    twoBits(4, s, at + 128);
    for (int i = 0; i < LENGTH; i++) {
      or(s, at, i / 128 * 64 + i % 64, (codes[i] & 15) << (i / 64 % 2 * 4));
    }
  }

  private void iq4(float[] x, int from, MemorySegment s, long at) {
    s.asSlice(at, 136).fill((byte) 0);
    float[] scale = signed(Quantizers.NON_LINEAR[0], 31, x, from, s, at);
    for (int k = 0; k < 8; k++) {
      int stored = scales[k] + 32;
      or(s, at + 4, k / 2, (stored & 15) << (k % 2 * 4));
      or(s, at + 2, k / 4, (stored >> 4) << (k % 4 * 2));
    }
    for (int i = 0; i < LENGTH; i++) {
      float v = x[from + i] * Quantizers.inverse(scale[i / 32]);
      or(s, at + 8, i / 32 * 16 + i % 16, Quantizers.nearestNonLinear(v) << (i / 16 % 2 * 4));
    }
  }
}
