package dev.serval.backend.cpu.kernel;

import dev.serval.api.tensor.DataType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** Expands rows in file layout (llama.cpp ggml-common.h) to F32, bit for bit as defined. */
final class FileRows {

  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
  private static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;
  private static final ValueLayout.OfFloat FILE_FLOAT = FLOAT.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfShort FILE_SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private FileRows() {}

  /** See {@link RowKernel#load}. */
  static void expand(
      DataType type, MemorySegment source, long from, MemorySegment y, long yOffset, int n) {
    if (n % type.blockLength() != 0) {
      throw new IllegalArgumentException(n + " elements are no whole blocks of " + type);
    }
    long to = 4 * yOffset;
    switch (type) {
      case F32 -> {
        for (int i = 0; i < n; i++) {
          y.set(FLOAT, to + 4L * i, source.get(FILE_FLOAT, from + 4L * i));
        }
      }
      case F16 -> {
        for (int i = 0; i < n; i++) {
          y.set(FLOAT, to + 4L * i, half(source, from + 2L * i));
        }
      }
      case BF16 -> {
        for (int i = 0; i < n; i++) {
          y.set(FLOAT, to + 4L * i, Halves.fromBrain(source.get(FILE_SHORT, from + 2L * i)));
        }
      }
      case Q8_0 -> {
        for (int b = 0; b < n / 32; b++) {
          bytes(source, from + b * 34L, y, to + b * 128L);
        }
      }
      case Q4_0 -> {
        for (int b = 0; b < n / 32; b++) {
          nibbles(source, from + b * 18L, y, to + b * 128L);
        }
      }
      case MXFP4 -> {
        for (int b = 0; b < n / 32; b++) {
          codes(source, from + b * 17L, y, to + b * 128L);
        }
      }
      default -> throw new IllegalArgumentException("rows of " + type + " cannot be expanded");
    }
  }

  private static float half(MemorySegment source, long at) {
    return Halves.fromHalf(source.get(FILE_SHORT, at) & 0xffff);
  }

  private static void bytes(MemorySegment source, long from, MemorySegment y, long to) {
    float d = half(source, from);
    for (int i = 0; i < 32; i++) {
      y.set(FLOAT, to + 4L * i, d * source.get(BYTE, from + 2 + i));
    }
  }

  private static void nibbles(MemorySegment source, long from, MemorySegment y, long to) {
    float d = half(source, from);
    for (int i = 0; i < 16; i++) {
      int q = source.get(BYTE, from + 2 + i);
      y.set(FLOAT, to + 4L * i, ((q & 15) - 8) * d);
      y.set(FLOAT, to + 4L * (i + 16), (((q >> 4) & 15) - 8) * d);
    }
  }

  private static void codes(MemorySegment source, long from, MemorySegment y, long to) {
    float d = Halves.mxScale(source.get(BYTE, from) & 255);
    for (int i = 0; i < 16; i++) {
      int q = source.get(BYTE, from + 1 + i);
      y.set(FLOAT, to + 4L * i, Halves.mxElement(q & 15) * d);
      y.set(FLOAT, to + 4L * (i + 16), Halves.mxElement((q >> 4) & 15) * d);
    }
  }
}
