package dev.serval.backend.cpu.kernel;

import static dev.serval.backend.cpu.kernel.BlockAttention.GROUP_BYTES;
import static dev.serval.backend.cpu.kernel.BlockAttention.TILE;
import static dev.serval.backend.cpu.kernel.Lanes.BYTES;
import static dev.serval.backend.cpu.kernel.Lanes.CODES;
import static dev.serval.backend.cpu.kernel.Lanes.FLOATS;
import static dev.serval.backend.cpu.kernel.Lanes.INTS;
import static dev.serval.backend.cpu.kernel.Lanes.LENGTH;
import static dev.serval.backend.cpu.kernel.Lanes.ORDER;
import static dev.serval.backend.cpu.kernel.Lanes.SHORTS;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.B2F;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.ZERO_EXTEND_B2I;
import static jdk.incubator.vector.VectorOperators.ZERO_EXTEND_S2I;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;

/**
 * Rows of a cache expanded into a tile, see {@link BlockAttention#spread}: 16 elements go to one
 * place, the next 16 a group further. The arithmetic is that of {@link VectorCodecKernel} and
 * {@link VectorBlockKernel}. Offsets are bytes, n elements.
 */
final class VectorTileRows {

  private static final ValueLayout.OfShort FILE_SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private VectorTileRows() {}

  /** Spreads F32. */
  static void floats(MemorySegment source, long from, MemorySegment s, long to, int n) {
    for (int i = 0; i < n; i += Sums.PARTS) {
      for (long b = 0; b < 4L * Sums.PARTS; b += BYTES) {
        FloatVector.fromMemorySegment(FLOATS, source, from + 4L * i + b, ORDER)
            .intoMemorySegment(s, to + 4L * TILE * i + b, ORDER);
      }
    }
  }

  /** Expands F16. */
  static void halves(MemorySegment source, long from, MemorySegment s, long to, int n) {
    for (int i = 0; i < n; i += Sums.PARTS) {
      for (int j = 0; j < Sums.PARTS; j += LENGTH) {
        ShortVector h =
            ShortVector.fromMemorySegment(
                SHORTS, source, from + 2L * (i + j), ByteOrder.LITTLE_ENDIAN);
        IntVector v = ((IntVector) h.convertShape(ZERO_EXTEND_S2I, INTS, 0)).lanewise(LSHL, 16);
        IntVector moved = v.lanewise(ASHR, 3).and(VectorCodecKernel.HALF_BITS);
        IntVector bits = moved.reinterpretAsFloats().mul(Halves.REBIAS).reinterpretAsInts();
        IntVector finite =
            moved
                .and(VectorCodecKernel.HALF_EXPONENT)
                .sub(VectorCodecKernel.HALF_EXPONENT)
                .lanewise(ASHR, 31);
        bits.or(finite.not().and(Halves.INFINITY))
            .intoMemorySegment(s, to + 4L * TILE * i + 4L * j, ORDER);
      }
    }
  }

  /** Expands Q8_0. */
  static void bytes(MemorySegment source, long from, MemorySegment s, long to, int n) {
    long at = from;
    for (long out = to; out < to + 4L * TILE * n; out += 2 * GROUP_BYTES, at += 34) {
      float d = Float.float16ToFloat(source.get(FILE_SHORT, at));
      for (int i = 0; i < 32; i += CODES.length()) {
        ByteVector codes = ByteVector.fromMemorySegment(CODES, source, at + 2 + i, ORDER);
        long group = out + (i >> 4) * GROUP_BYTES + 4L * (i & 15);
        ((FloatVector) codes.convertShape(B2F, FLOATS, 0))
            .mul(d)
            .intoMemorySegment(s, group, ORDER);
        if (LENGTH == 4) {
          ((FloatVector) codes.convertShape(B2F, FLOATS, 1))
              .mul(d)
              .intoMemorySegment(s, group + BYTES, ORDER);
        }
      }
    }
  }

  /** Expands Q4_0. */
  static void nibbles(MemorySegment source, long from, MemorySegment s, long to, int n) {
    long at = from;
    for (long out = to; out < to + 4L * TILE * n; out += 2 * GROUP_BYTES, at += 18) {
      float d = Float.float16ToFloat(source.get(FILE_SHORT, at));
      for (int i = 0; i < 16; i += CODES.length()) {
        ByteVector codes = ByteVector.fromMemorySegment(CODES, source, at + 2 + i, ORDER);
        IntVector two = (IntVector) codes.convertShape(ZERO_EXTEND_B2I, INTS, 0);
        long low = out + 4L * i;
        ((FloatVector) two.and(15).sub(8).convertShape(I2F, FLOATS, 0))
            .mul(d)
            .intoMemorySegment(s, low, ORDER);
        ((FloatVector) two.lanewise(LSHR, 4).sub(8).convertShape(I2F, FLOATS, 0))
            .mul(d)
            .intoMemorySegment(s, low + GROUP_BYTES, ORDER);
        if (LENGTH == 4) {
          two = (IntVector) codes.convertShape(ZERO_EXTEND_B2I, INTS, 1);
          ((FloatVector) two.and(15).sub(8).convertShape(I2F, FLOATS, 0))
              .mul(d)
              .intoMemorySegment(s, low + BYTES, ORDER);
          ((FloatVector) two.lanewise(LSHR, 4).sub(8).convertShape(I2F, FLOATS, 0))
              .mul(d)
              .intoMemorySegment(s, low + GROUP_BYTES + BYTES, ORDER);
        }
      }
    }
  }
}
