package dev.serval.tck.reference;

import dev.serval.api.tensor.DataType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.EnumSet;
import java.util.Set;

/**
 * Decodes rows of stored weights to F32, element by element. Arithmetic is binary32 in the order in
 * which the formats are defined, so results are exact to the bit. Layouts: llama.cpp {@code
 * ggml-common.h}; MXFP4: OCP Microscaling Formats 1.0.
 */
public final class RowDecoder {

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

  /** Doubled values of the 16 E2M1 codes; code 8 counts as +0. */
  private static final byte[] E2M1 = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

  /** Values of the 16 codes of IQ4_NL and IQ4_XS. */
  static final byte[] NON_LINEAR = {
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113
  };

  private RowDecoder() {}

  /** The types that can be decoded. */
  public static Set<DataType> types() {
    return EnumSet.copyOf(TYPES);
  }

  /**
   * Decodes consecutive elements.
   *
   * @param type one of {@link #types}
   * @param row at least {@code type.bytes(out.length)} bytes, any alignment
   * @param out receives the elements, a whole number of blocks
   * @throws IllegalArgumentException if the type is not one of {@link #types}
   */
  public static void decode(DataType type, MemorySegment row, float[] out) {
    if (!TYPES.contains(type)) {
      throw new IllegalArgumentException("the reference decodes " + TYPES + ", not " + type);
    }
    int blocks = (int) (type.bytes(out.length) / type.blockBytes());
    for (int b = 0; b < blocks; b++) {
      block(type, row, (long) b * type.blockBytes(), out, b * type.blockLength());
    }
  }

  private static void block(DataType type, MemorySegment s, long at, float[] out, int to) {
    switch (type) {
      case F32 -> out[to] = s.get(F32, at);
      case F16 -> out[to] = half(s, at);
      case BF16 -> out[to] = Float.intBitsToFloat(s.get(U16, at) << 16);
      case Q8_0 -> {
        float d = half(s, at);
        for (int j = 0; j < 32; j++) {
          out[to + j] = s.get(ValueLayout.JAVA_BYTE, at + 2 + j) * d;
        }
      }
      case MXFP4 -> {
        float h = halvedScale(s.get(ValueLayout.JAVA_BYTE, at) & 0xff);
        for (int j = 0; j < 32; j++) {
          out[to + j] = E2M1[nibble(s, at + 1, j)] * h;
        }
      }
      case Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, IQ4_XS -> SuperBlocks.decode(type, s, at, out, to);
      default -> smallBlock(type, s, at, out, to);
    }
  }

  /** The types with an F16 scale and 4 or 5 bits per element. */
  private static void smallBlock(DataType type, MemorySegment s, long at, float[] out, int to) {
    float d = half(s, at);
    for (int j = 0; j < 32; j++) {
      out[to + j] =
          switch (type) {
            case Q4_0 -> (nibble(s, at + 2, j) - 8) * d;
            case Q4_1 -> nibble(s, at + 4, j) * d + half(s, at + 2);
            case Q5_0 -> ((nibble(s, at + 6, j) | fifthBit(s, at + 2, j)) - 16) * d;
            case Q5_1 -> (nibble(s, at + 8, j) | fifthBit(s, at + 4, j)) * d + half(s, at + 2);
            case IQ4_NL -> NON_LINEAR[nibble(s, at + 2, j)] * d;
            default -> throw new IllegalStateException("not a small block: " + type);
          };
    }
  }

  private static float half(MemorySegment s, long at) {
    return Float.float16ToFloat(s.get(U16, at));
  }

  /** Elements 0 to 15 lie in the low halves of 16 bytes, 16 to 31 in the high halves. */
  private static int nibble(MemorySegment s, long quants, int j) {
    int b = s.get(ValueLayout.JAVA_BYTE, quants + j % 16);
    return j < 16 ? b & 15 : (b >> 4) & 15;
  }

  private static int fifthBit(MemorySegment s, long bits, int j) {
    return ((s.get(U32, bits) >>> j) & 1) << 4;
  }

  /** 2^(e − 128), half of the E8M0 scale 2^(e − 127), since {@link #E2M1} is doubled. */
  private static float halvedScale(int e) {
    return e < 2 ? Float.intBitsToFloat(0x00200000 << e) : Float.intBitsToFloat((e - 1) << 23);
  }
}
