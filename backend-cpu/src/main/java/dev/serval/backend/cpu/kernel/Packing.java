package dev.serval.backend.cpu.kernel;

import static dev.serval.backend.cpu.kernel.PackedMatrix.BLOCK;
import static dev.serval.backend.cpu.kernel.PackedMatrix.TILE_ROWS;

import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.TensorView;
import dev.serval.api.tensor.Weights;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Lays rows of a model file out in tiles of {@link PackedMatrix}. All types consist of 32-bit words
 * that hold consecutive inputs of one row, the first in the highest bits; {@link
 * PackedMatrix#TILE_ROWS} words, one per row of the tile, follow each other. So one vector of ints
 * holds the same inputs of neighbouring rows, and shifts of 32-bit lanes unpack it: one to the
 * right takes the first input with its sign, one to the left moves the next one up.
 *
 * <table>
 * <caption>Words per type</caption>
 * <tr><td>F32</td><td>1 input</td></tr>
 * <tr><td>F16, BF16</td><td>2 inputs; zero padded</td></tr>
 * <tr><td>Q8_0</td><td>4 inputs, signed bytes</td></tr>
 * <tr><td>Q4_0</td><td>8 inputs, signed nibbles (q − 8)</td></tr>
 * <tr><td>MXFP4</td><td>8 inputs, E2M1 codes</td></tr>
 * </table>
 *
 * <p>In front of each block of Q8_0 and Q4_0 lie 16 words of F16 scales: word i holds that of row i
 * in its lower and of row i + 16 in its upper half. MXFP4 has 16 words of exponents in front of
 * each pair of blocks: from the lowest byte, row i and row i + 16 of the even block, then of the
 * odd one. No byte more is stored than in the file, but for padding.
 *
 * <p>Thread-safe: different tiles may be packed at once.
 */
public final class Packing {

  /** Bytes of the words of a tile that hold the same inputs. */
  static final int WORD_ROW = TILE_ROWS * 4;

  /** Bytes of the scales of a block, or of a pair of blocks for MXFP4. */
  static final int SCALES = TILE_ROWS * 2;

  private static final ValueLayout.OfInt WORD = ValueLayout.JAVA_INT_UNALIGNED;
  private static final ValueLayout.OfShort HALF_WORD = ValueLayout.JAVA_SHORT_UNALIGNED;
  private static final ValueLayout.OfInt FILE_INT = WORD.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfShort FILE_SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong FILE_LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final boolean LITTLE = ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN;
  private static final long LOW_NIBBLES = 0x0f0f0f0f0f0f0f0fL;

  private Packing() {}

  /** Whether matrices of a type can be packed and multiplied. */
  public static boolean supports(DataType type) {
    return switch (type) {
      case F32, F16, BF16, Q8_0, Q4_0, MXFP4 -> true;
      default -> false;
    };
  }

  /** Inputs per word. */
  static int perWord(DataType type) {
    return switch (type) {
      case F32 -> 1;
      case F16, BF16 -> 2;
      case Q8_0 -> 4;
      case Q4_0, MXFP4 -> 8;
      default -> throw new IllegalArgumentException("type cannot be packed: " + type);
    };
  }

  /**
   * Bytes of a tile.
   *
   * @param in elements of a row, positive, a multiple of the type's block length
   * @throws IllegalArgumentException if the type cannot be packed or {@code in} does not fit it
   */
  public static long tileBytes(DataType type, int in) {
    int perWord = perWord(type);
    if (in <= 0 || in % type.blockLength() != 0) {
      throw new IllegalArgumentException("row length " + in + " does not fit " + type);
    }
    long words = (in + perWord - 1L) / perWord * WORD_ROW;
    return words + scaleBytes(type, in / BLOCK);
  }

  private static long scaleBytes(DataType type, int blocks) {
    return switch (type) {
      case Q8_0, Q4_0 -> (long) blocks * SCALES;
      case MXFP4 -> (blocks + 1L) / 2 * SCALES;
      default -> 0;
    };
  }

  /** Bytes from the start of a tile to the first word of block {@code block}. */
  static long wordsOf(DataType type, int block) {
    long words = (long) block * (BLOCK / perWord(type)) * WORD_ROW;
    return words
        + (type == DataType.MXFP4 ? scaleBytes(type, block + 1) : scaleBytes(type, block))
        + (type == DataType.Q8_0 || type == DataType.Q4_0 ? SCALES : 0);
  }

  /** Bytes from the start of a tile to the scales of block {@code block}. */
  static long scalesOf(DataType type, int block) {
    return wordsOf(type, type == DataType.MXFP4 ? block & ~1 : block) - SCALES;
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
      case Q8_0 -> packBytes(in, source, sourceByte, target, tile, lane);
      default -> packNibbles(type, in, source, sourceByte, target, tile, lane);
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

  private static void packBytes(
      int in, MemorySegment source, long from, MemorySegment target, long tile, int lane) {
    long at = from; // block of 34 bytes: F16 scale, 32 signed bytes
    long scales = tile + halfOf(lane);
    long words = tile + SCALES + 4L * lane;
    for (int b = 0; b < in / BLOCK; b++) {
      target.set(HALF_WORD, scales, source.get(FILE_SHORT, at));
      for (int i = 0; i < 8; i++) {
        int word = Integer.reverseBytes(source.get(FILE_INT, at + 2 + 4L * i));
        target.set(WORD, words + (long) i * WORD_ROW, word);
      }
      at += 34;
      scales += SCALES + 8 * WORD_ROW;
      words += SCALES + 8 * WORD_ROW;
    }
  }

  private static void packNibbles(
      DataType type,
      int in,
      MemorySegment source,
      long from,
      MemorySegment target,
      long tile,
      int lane) {
    boolean mx = type == DataType.MXFP4;
    int flip = mx ? 0 : 0x88888888; // q − 8 as a signed nibble
    int scaleLength = mx ? 1 : 2;
    for (int b = 0; b < in / BLOCK; b++) {
      long at = from + (long) b * type.blockBytes();
      long scales = tile + scalesOf(type, b);
      if (mx) {
        target.set(
            ValueLayout.JAVA_BYTE,
            scales + exponentOf(lane, b),
            source.get(ValueLayout.JAVA_BYTE, at));
      } else {
        target.set(HALF_WORD, scales + halfOf(lane), source.get(FILE_SHORT, at));
      }
      long words = tile + wordsOf(type, b) + 4L * lane;
      long low = source.get(FILE_LONG, at + scaleLength);
      long high = source.get(FILE_LONG, at + scaleLength + 8);
      target.set(WORD, words, nibbles(low) ^ flip);
      target.set(WORD, words + WORD_ROW, nibbles(high) ^ flip);
      target.set(WORD, words + 2 * WORD_ROW, nibbles(low >>> 4) ^ flip);
      target.set(WORD, words + 3 * WORD_ROW, nibbles(high >>> 4) ^ flip);
    }
  }

  /** The lower nibbles of eight bytes, that of the lowest byte in the highest bits. */
  private static int nibbles(long bytes) {
    return (int) Long.compress(Long.reverseBytes(bytes), LOW_NIBBLES);
  }

  /** Byte of a row's F16 scale among the scales of a block. */
  private static int halfOf(int lane) {
    int half = lane >> 4;
    return (lane & 15) * 4 + (LITTLE ? half : 1 - half) * 2;
  }

  /** Byte of a row's exponent among the exponents of a pair of blocks. */
  private static int exponentOf(int lane, int block) {
    int place = (block & 1) * 2 + (lane >> 4);
    return (lane & 15) * 4 + (LITTLE ? place : 3 - place);
  }
}
