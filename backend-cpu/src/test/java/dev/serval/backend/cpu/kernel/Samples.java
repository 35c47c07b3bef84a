package dev.serval.backend.cpu.kernel;

import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.Shape;
import dev.serval.api.tensor.TensorInfo;
import dev.serval.api.tensor.TensorView;
import dev.serval.tck.reference.RowDecoder;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;

/** Seeded data in native memory, and the values of file blocks written down a second time. */
final class Samples {

  static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
  static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
  static final DataType[] TYPES = {
    DataType.F32, DataType.F16, DataType.BF16, DataType.Q8_0, DataType.Q4_0, DataType.Q4_1,
    DataType.Q5_0, DataType.Q5_1, DataType.IQ4_NL, DataType.MXFP4, DataType.Q2_K, DataType.Q3_K,
    DataType.Q4_K, DataType.Q5_K, DataType.Q6_K, DataType.IQ4_XS
  };

  private Samples() {}

  /** Floats in −1..1, 64-byte aligned. */
  static MemorySegment floats(Arena arena, long n, long seed) {
    MemorySegment s = arena.allocate(4 * n, 64);
    SplittableRandom random = new SplittableRandom(seed);
    for (long i = 0; i < n; i++) {
      s.set(FLOAT, 4 * i, (float) random.nextDouble(-1, 1));
    }
    return s;
  }

  /** Rows of a type in file layout with finite, moderate values. */
  static MemorySegment rows(Arena arena, DataType type, int in, int out, long seed) {
    long rowBytes = type.bytes(in);
    MemorySegment s = arena.allocate(rowBytes * out, 64);
    SplittableRandom random = new SplittableRandom(seed);
    long blocks = s.byteSize() / type.blockBytes();
    for (long b = 0; b < blocks; b++) {
      long at = b * type.blockBytes();
      for (int i = 0; i < type.blockBytes(); i++) {
        s.set(ValueLayout.JAVA_BYTE, at + i, (byte) random.nextInt());
      }
      float value = (float) random.nextDouble(-1, 1);
      short half = Float.floatToFloat16(value);
      switch (type) {
        case F32 -> s.set(FLOAT, at, value);
        case F16 -> s.set(ValueLayout.JAVA_SHORT_UNALIGNED, at, half);
        case BF16 ->
            s.set(
                ValueLayout.JAVA_SHORT_UNALIGNED,
                at,
                (short) (Float.floatToRawIntBits(value) >>> 16));
        case MXFP4 -> s.set(ValueLayout.JAVA_BYTE, at, (byte) random.nextInt(120, 130));
        default -> {
          for (int offset : halves(type)) {
            s.set(ValueLayout.JAVA_SHORT_UNALIGNED, at + offset, half);
            half = Float.floatToFloat16((float) random.nextDouble(-1, 1));
          }
        }
      }
    }
    return s;
  }

  /** Bytes of a block of the file where F16 scales lie. */
  static int[] halves(DataType type) {
    return switch (type) {
      case Q8_0, Q4_0, Q5_0, IQ4_NL, IQ4_XS -> new int[] {0};
      case Q4_1, Q5_1, Q4_K, Q5_K -> new int[] {0, 2};
      case Q2_K -> new int[] {80, 82};
      case Q3_K -> new int[] {108};
      case Q6_K -> new int[] {208};
      default -> throw new IllegalArgumentException(type.toString());
    };
  }

  /** Row lengths round the edges of blocks and of what is computed at a time. */
  static int[] lengths(DataType type) {
    return switch (type.blockLength()) {
      case 1 -> new int[] {1, 2, 31, 32, 33, 127, 129, 515};
      case 32 -> new int[] {32, 64, 96, 160, 544};
      default -> new int[] {256, 512, 1280};
    };
  }

  /** Whether weights are not multiples of their scale. */
  static boolean hasMinima(DataType type) {
    return switch (type) {
      case Q4_1, Q5_1, Q2_K, Q4_K, Q5_K -> true;
      default -> false;
    };
  }

  /** Rows packed as one matrix. */
  static PackedMatrix packed(Arena arena, DataType type, int in, int out, MemorySegment rows) {
    MemorySegment data = arena.allocate(PackedMatrix.bytes(type, in, out), 64);
    data.fill((byte) 0x55);
    PackedMatrix matrix = new PackedMatrix(type, in, out, data);
    TensorView view = TensorView.of(new TensorInfo("w", type, Shape.of(in, out)));
    Packing.pack(tensor -> rows, view, 0, out, 0, matrix.tiles(), data, 0);
    return matrix;
  }

  /** All outputs of a product, with scratch memory full of NaN to start with. */
  static void multiply(
      MatmulKernel kernel, PackedMatrix w, MemorySegment x, int rows, MemorySegment y) {
    try (Arena arena = Arena.ofConfined()) {
      TileScratch tiles = new TileScratch();
      MemorySegment scratch = arena.allocate(kernel.scratchBytes(w.type(), w.in()), 64);
      scratch.fill((byte) 0xff);
      MemorySegment sums = sums(arena, kernel, w, x, rows);
      int groups = groups(w);
      kernel.multiply(
          w, x, 0, w.in(), sums, 0, groups, rows, y, 0, w.out(), 0, w.tiles(), scratch, tiles);
    }
  }

  /** What products with a matrix read beside n rows. */
  static MemorySegment sums(
      Arena arena, MatmulKernel kernel, PackedMatrix w, MemorySegment x, int rows) {
    int groups = groups(w);
    MemorySegment sums = arena.allocate(4L * groups * rows + 4);
    for (int row = 0; groups > 0 && row < rows; row++) {
      float factor = RowForm.of(w.type(), true).factor();
      long at = (long) row * groups;
      kernel.sum(x, (long) row * w.in(), w.in(), w.in() / groups, factor, sums, at);
    }
    return sums;
  }

  /** Sums per row that products with a matrix read. */
  static int groups(PackedMatrix w) {
    RowForm form = RowForm.of(w.type(), true);
    return form.hasSums() ? w.in() / form.group(w.type()) : 0;
  }

  /** Rows rounded one after the other. */
  static MemorySegment rounded(
      Arena arena, MatmulKernel kernel, MemorySegment x, int rows, int in) {
    MemorySegment rounded = arena.allocate(rows * RoundedRow.bytes(in), 64);
    MemorySegment scratch = arena.allocate(128, 64);
    for (int row = 0; row < rows; row++) {
      kernel.round(x, (long) row * in, in, rounded, row * RoundedRow.bytes(in), scratch);
    }
    return rounded;
  }

  /** All outputs of a product with rounded rows, with scratch memory full of NaN to start with. */
  static void multiplyRounded(
      MatmulKernel kernel, PackedMatrix w, MemorySegment rounded, int rows, MemorySegment y) {
    try (Arena arena = Arena.ofConfined()) {
      TileScratch tiles = new TileScratch();
      MemorySegment scratch = arena.allocate(kernel.scratchBytes(w.type(), w.in()), 64);
      scratch.fill((byte) 0xff);
      kernel.multiplyRounded(w, rounded, 0, rows, y, 0, w.out(), 0, w.tiles(), scratch, tiles);
    }
  }

  /** Asserts that n floats are the same bits; all NaN count as one. */
  static void assertSame(
      String what, MemorySegment expected, long e, MemorySegment actual, long a, long n) {
    for (long i = 0; i < n; i++) {
      float x = expected.get(FLOAT, 4 * (e + i));
      float y = actual.get(FLOAT, 4 * (a + i));
      if (Float.floatToIntBits(x) != Float.floatToIntBits(y)) {
        throw new AssertionError(what + ": element " + i + " is " + y + ", expected " + x);
      }
    }
  }

  /**
   * Element {@code i} of blocks in file layout, as the format's definition says, for some types
   * written down a second time.
   */
  static double element(DataType type, MemorySegment s, long i) {
    long at = i / type.blockLength() * type.blockBytes();
    int j = (int) (i % type.blockLength());
    return switch (type) {
      case F32 -> s.get(FLOAT, at);
      case F16 -> half(s, at);
      case BF16 -> Float.intBitsToFloat(s.get(ValueLayout.JAVA_SHORT_UNALIGNED, at) << 16);
      case Q8_0 -> half(s, at) * s.get(ValueLayout.JAVA_BYTE, at + 2 + j);
      case Q4_0 -> half(s, at) * (nibble(s, at + 2, j) - 8);
      case MXFP4 -> {
        double[] table = {0, 0.5, 1, 1.5, 2, 3, 4, 6};
        int code = nibble(s, at + 1, j);
        double magnitude = table[code & 7];
        int e = s.get(ValueLayout.JAVA_BYTE, at) & 255;
        yield Math.scalb(code < 8 ? magnitude : -magnitude, e - 127) + 0.0;
      }
      default -> {
        float[] block = new float[type.blockLength()];
        RowDecoder.decode(type, s.asSlice(at, type.blockBytes()), block);
        yield block[j];
      }
    };
  }

  private static float half(MemorySegment s, long at) {
    return Float.float16ToFloat(s.get(ValueLayout.JAVA_SHORT_UNALIGNED, at));
  }

  private static int nibble(MemorySegment s, long at, int j) {
    int b = s.get(ValueLayout.JAVA_BYTE, at + j % 16) & 255;
    return j < 16 ? b & 15 : b >> 4;
  }
}
