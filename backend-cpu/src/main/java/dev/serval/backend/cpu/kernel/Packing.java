package dev.serval.backend.cpu.kernel;

import static dev.serval.backend.cpu.kernel.PackedMatrix.TILE_ROWS;

import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.TensorView;
import dev.serval.api.tensor.Weights;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.EnumSet;
import java.util.Set;

/**
 * Lays rows of a model file out in tiles of {@link PackedMatrix}. All types consist of 32-bit words
 * that hold consecutive inputs of one row, the first in the highest bits; {@link
 * PackedMatrix#TILE_ROWS} words, one per row of the tile, follow each other. So one vector of ints
 * holds the same inputs of neighbouring rows, and shifts of 32-bit lanes unpack it: one to the
 * right takes the first input with its sign, one to the left moves the next one up.
 *
 * <p>A word holds one input in F32, two in F16 and BF16, the last one zero padded; {@link Codes}
 * says what it holds of a block type, and {@link BlockFormat} where scales lie between the words.
 * No byte more is stored than in the file, but for padding and 2 bytes per block of IQ4_XS.
 *
 * <p>Thread-safe: different tiles may be packed at once.
 */
public final class Packing {

  /** Bytes of the words of a tile that hold the same inputs. */
  static final int WORD_ROW = TILE_ROWS * 4;

  /** Bytes of a plane of F16, one per row, or of the exponents of two blocks. */
  static final int SCALES = TILE_ROWS * 2;

  private static final ValueLayout.OfInt WORD = ValueLayout.JAVA_INT_UNALIGNED;
  private static final ValueLayout.OfInt FILE_INT = WORD.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfShort FILE_SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private Packing() {}

  /** Whether matrices of a type can be packed and multiplied. */
  public static boolean supports(DataType type) {
    return switch (type) {
      case F32, F16, BF16 -> true;
      default -> BlockFormat.has(type);
    };
  }

  /** The types that can be packed and multiplied. */
  public static Set<DataType> types() {
    Set<DataType> types = EnumSet.allOf(DataType.class);
    types.removeIf(t -> !supports(t));
    return types;
  }

  /**
   * Bytes of a tile.
   *
   * @param in elements of a row, positive, a multiple of the type's block length
   * @throws IllegalArgumentException if the type cannot be packed or {@code in} does not fit it
   */
  public static long tileBytes(DataType type, int in) {
    if (!supports(type)) {
      throw new IllegalArgumentException("type cannot be packed: " + type);
    }
    if (in <= 0 || in % type.blockLength() != 0) {
      throw new IllegalArgumentException("row length " + in + " does not fit " + type);
    }
    return switch (type) {
      case F32 -> (long) in * WORD_ROW;
      case F16, BF16 -> (in + 1L) / 2 * WORD_ROW;
      default -> BlockFormat.of(type).tileBytes(in);
    };
  }

  /**
   * Packs some tiles of a matrix that consists of rows of a view; one matrix of a stack begins at a
   * row other than 0.
   *
   * @param weights source of the rows
   * @param view view on the rows, {@code in} elements each
   * @param firstRow row of the view that becomes row 0
   * @param out rows of the matrix
   * @param fromTile first tile
   * @param untilTile one past the last tile
   * @param target memory of the matrix
   * @param targetByte byte offset of tile 0
   */
  public static void pack(
      Weights weights,
      TensorView view,
      long firstRow,
      int out,
      int fromTile,
      int untilTile,
      MemorySegment target,
      long targetByte) {
    int in = Math.toIntExact(view.shape().ne0());
    long tileBytes = tileBytes(view.type(), in);
    MemorySegment data = weights.data(view.source());
    long rowBytes = view.rowBytes();
    for (int tile = fromTile; tile < untilTile; tile++) {
      int first = tile * TILE_ROWS;
      int rows = Math.min(TILE_ROWS, out - first);
      if (rows < TILE_ROWS) {
        target.asSlice(targetByte + tile * tileBytes, tileBytes).fill((byte) 0);
      }
      for (int row = first; row < first + rows; row++) {
        long source = view.sourceRow(firstRow + row) * rowBytes;
        packRow(view.type(), in, data, source, target, targetByte, row);
      }
    }
  }

  /**
   * Packs one row. Rows past the last one of the last tile must be zero: fill that tile first.
   *
   * @param type type of the source and of the matrix
   * @param in elements of the row
   * @param source bytes in file layout
   * @param sourceByte byte offset of the row
   * @param target memory of the matrix
   * @param targetByte byte offset of tile 0
   * @param row row of the matrix
   */
  public static void packRow(
      DataType type,
      int in,
      MemorySegment source,
      long sourceByte,
      MemorySegment target,
      long targetByte,
      int row) {
    long tile = targetByte + row / TILE_ROWS * tileBytes(type, in);
    int lane = row % TILE_ROWS;
    switch (type) {
      case F32 -> packWords(in, source, sourceByte, target, tile + 4L * lane);
      case F16, BF16 -> packHalves(in, source, sourceByte, target, tile + 4L * lane);
      default -> BlockFormat.of(type).packRow(in, source, sourceByte, target, tile, lane);
    }
  }

  private static void packWords(
      int in, MemorySegment source, long from, MemorySegment target, long to) {
    for (int k = 0; k < in; k++) {
      target.set(WORD, to + (long) k * WORD_ROW, source.get(FILE_INT, from + 4L * k));
    }
  }

  private static void packHalves(
      int in, MemorySegment source, long from, MemorySegment target, long to) {
    int words = in / 2;
    for (int i = 0; i < words; i++) {
      int word = Integer.rotateLeft(source.get(FILE_INT, from + 4L * i), 16);
      target.set(WORD, to + (long) i * WORD_ROW, word);
    }
    if ((in & 1) != 0) {
      int last = source.get(FILE_SHORT, from + 4L * words) << 16;
      target.set(WORD, to + (long) words * WORD_ROW, last);
    }
  }
}
