package dev.serval.backend.cpu.kernel;

import dev.serval.api.tensor.DataType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** Expands rows in file layout (llama.cpp ggml-common.h) to F32, bit for bit as defined. */
final class FileRows {

  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
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
      default -> {
        BlockFormat format = BlockFormat.of(type);
        for (int b = 0; b < n / type.blockLength(); b++) {
          long block = from + (long) b * type.blockBytes();
          format.expand(source, block, y, to + 4L * b * type.blockLength());
        }
      }
    }
  }

  private static float half(MemorySegment source, long at) {
    return Halves.fromHalf(source.get(FILE_SHORT, at) & 0xffff);
  }
}
