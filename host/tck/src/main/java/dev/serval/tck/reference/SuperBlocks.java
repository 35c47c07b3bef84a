package dev.serval.tck.reference;

import dev.serval.api.tensor.DataType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Decodes blocks of 256 elements, element by element: the scale of a group of 16 or 32 is the
 * block's F16 scale times a small integer. Products of scales are rounded first, and nothing is
 * fused. Layouts: llama.cpp {@code ggml-common.h}.
 */
final class SuperBlocks {

  private static final int LENGTH = 256;

  private static final ValueLayout.OfShort U16 =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private SuperBlocks() {}

  /** Decodes the block at byte {@code at}. */
  static void decode(DataType type, MemorySegment s, long at, float[] out, int to) {
    for (int i = 0; i < LENGTH; i++) {
      out[to + i] =
          switch (type) {
            case Q2_K -> q2(s, at, i);
            case Q3_K -> q3(s, at, i);
            case Q4_K, Q5_K -> q45(type == DataType.Q5_K, s, at, i);
            case Q6_K -> q6(s, at, i);
            case IQ4_XS -> iq4(s, at, i);
            default -> throw new IllegalStateException("not a block of 256: " + type);
          };
    }
  }

  private static int u8(MemorySegment s, long base, int offset) {
    return s.get(ValueLayout.JAVA_BYTE, base + offset) & 0xff;
  }

  private static float half(MemorySegment s, long at) {
    return Float.float16ToFloat(s.get(U16, at));
  }

  /** Two bits of element i: four planes of 32 elements share 32 bytes, for each half of a block. */
  private static int twoBits(MemorySegment s, long quants, int i) {
    return (u8(s, quants, i / 128 * 32 + i % 32) >> (i / 32 % 4 * 2)) & 3;
  }

  /** Bytes: 16 scales, 64 quants, scale, scale of minima. */
  private static float q2(MemorySegment s, long at, int i) {
    int scales = u8(s, at, i / 16);
    int q = twoBits(s, at + 16, i);
    float minimum = half(s, at + 82) * (scales >> 4);
    return half(s, at + 80) * (scales & 15) * q - minimum;
  }

  /** Bytes: 32 high bits, 64 quants, 12 scales, scale. */
  private static float q3(MemorySegment s, long at, int i) {
    int high = (u8(s, at, i % 32) >> (i / 32)) & 1;
    int q = twoBits(s, at + 32, i) - (high != 0 ? 0 : 4);
    int k = i / 16;
    int low = (u8(s, at + 96, k % 8) >> (k / 8 * 4)) & 15;
    int top = (u8(s, at + 104, k % 4) >> (k / 4 * 2)) & 3;
    return half(s, at + 108) * ((low | (top << 4)) - 32) * q;
  }

  /** Bytes: scale, scale of minima, 12 scales and minima, 32 fifth bits if any, 128 quants. */
  private static float q45(boolean five, MemorySegment s, long at, int i) {
    int k = i / 32;
    int scale;
    int minimum;
    long p = at + 4;
    if (k < 4) {
      scale = u8(s, p, k) & 63;
      minimum = u8(s, p, k + 4) & 63;
    } else {
      scale = (u8(s, p, k + 4) & 15) | (u8(s, p, k - 4) >> 6 << 4);
      minimum = (u8(s, p, k + 4) >> 4) | (u8(s, p, k) >> 6 << 4);
    }
    long quants = at + (five ? 48 : 16);
    int q = (u8(s, quants, i / 64 * 32 + i % 32) >> (k % 2 * 4)) & 15;
    if (five) {
      q |= ((u8(s, at + 16, i % 32) >> k) & 1) << 4;
    }
    float m = half(s, at + 2) * minimum;
    return half(s, at) * scale * q - m;
  }

  /** Bytes: 128 low halves, 64 high quarters, 16 scales, scale. */
  private static float q6(MemorySegment s, long at, int i) {
    int r = i / 32 % 4;
    int low = (u8(s, at, i / 128 * 64 + r % 2 * 32 + i % 32) >> (r / 2 * 4)) & 15;
    int high = twoBits(s, at + 128, i);
    int scale = s.get(ValueLayout.JAVA_BYTE, at + 192 + i / 16);
    return half(s, at + 208) * scale * ((low | (high << 4)) - 32);
  }

  /** Bytes: scale, 2 high bits and 4 low bits of 8 scales, 128 codes. */
  private static float iq4(MemorySegment s, long at, int i) {
    int k = i / 32;
    int low = (u8(s, at + 4, k / 2) >> (k % 2 * 4)) & 15;
    int high = ((s.get(U16, at + 2) & 0xffff) >> (2 * k)) & 3;
    float scale = half(s, at) * ((low | (high << 4)) - 32);
    int code = (u8(s, at + 8, 16 * k + i % 16) >> (i / 16 % 2 * 4)) & 15;
    return scale * RowDecoder.NON_LINEAR[code];
  }
}
