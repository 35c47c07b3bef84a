package dev.serval.backend.cpu.kernel;

import static dev.serval.backend.cpu.kernel.Lanes.BYTES;
import static dev.serval.backend.cpu.kernel.Lanes.CODES;
import static dev.serval.backend.cpu.kernel.Lanes.FLOATS;
import static dev.serval.backend.cpu.kernel.Lanes.INTS;
import static dev.serval.backend.cpu.kernel.Lanes.LENGTH;
import static dev.serval.backend.cpu.kernel.Lanes.ORDER;
import static jdk.incubator.vector.VectorOperators.B2F;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.ZERO_EXTEND_B2I;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * Expands the blocks that a cache can consist of on lanes, exactly: code times scale has 19 bits.
 * Offsets are bytes, n a multiple of 32 elements. Eight or sixteen codes are read at a time, so on
 * vectors of 128 bits one read makes two of them.
 */
final class VectorBlockKernel {

  private static final ValueLayout.OfShort FILE_SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private VectorBlockKernel() {}

  /** Expands Q8_0. */
  static void fromBytes(MemorySegment source, long from, MemorySegment y, long to, int n) {
    long at = from;
    for (long out = to; out < to + 4L * n; out += 128, at += 34) {
      float d = Float.float16ToFloat(source.get(FILE_SHORT, at));
      for (int i = 0; i < 32; i += CODES.length()) {
        ByteVector codes = ByteVector.fromMemorySegment(CODES, source, at + 2 + i, ORDER);
        ((FloatVector) codes.convertShape(B2F, FLOATS, 0))
            .mul(d)
            .intoMemorySegment(y, out + 4L * i, ORDER);
        if (LENGTH == 4) {
          ((FloatVector) codes.convertShape(B2F, FLOATS, 1))
              .mul(d)
              .intoMemorySegment(y, out + 4L * i + BYTES, ORDER);
        }
      }
    }
  }

  /** Expands Q4_0. */
  static void fromNibbles(MemorySegment source, long from, MemorySegment y, long to, int n) {
    long at = from;
    for (long out = to; out < to + 4L * n; out += 128, at += 18) {
      float d = Float.float16ToFloat(source.get(FILE_SHORT, at));
      for (int i = 0; i < 16; i += CODES.length()) {
        ByteVector codes = ByteVector.fromMemorySegment(CODES, source, at + 2 + i, ORDER);
        IntVector two = (IntVector) codes.convertShape(ZERO_EXTEND_B2I, INTS, 0);
        long low = out + 4L * i;
        ((FloatVector) two.and(15).sub(8).convertShape(I2F, FLOATS, 0))
            .mul(d)
            .intoMemorySegment(y, low, ORDER);
        ((FloatVector) two.lanewise(LSHR, 4).sub(8).convertShape(I2F, FLOATS, 0))
            .mul(d)
            .intoMemorySegment(y, low + 64, ORDER);
        if (LENGTH == 4) {
          two = (IntVector) codes.convertShape(ZERO_EXTEND_B2I, INTS, 1);
          ((FloatVector) two.and(15).sub(8).convertShape(I2F, FLOATS, 0))
              .mul(d)
              .intoMemorySegment(y, low + BYTES, ORDER);
          ((FloatVector) two.lanewise(LSHR, 4).sub(8).convertShape(I2F, FLOATS, 0))
              .mul(d)
              .intoMemorySegment(y, low + 64 + BYTES, ORDER);
        }
      }
    }
  }
}
