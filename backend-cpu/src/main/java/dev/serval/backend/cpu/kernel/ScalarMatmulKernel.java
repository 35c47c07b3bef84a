package dev.serval.backend.cpu.kernel;

import static dev.serval.backend.cpu.kernel.PackedMatrix.BLOCK;
import static dev.serval.backend.cpu.kernel.PackedMatrix.TILE_ROWS;

import dev.serval.api.tensor.DataType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** {@link MatmulKernel} without vectors: the oracle of the vector kernel, and its fall-back. */
final class ScalarMatmulKernel implements MatmulKernel {

  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
  private static final ValueLayout.OfInt WORD = ValueLayout.JAVA_INT_UNALIGNED;

  /** Expanded block [BLOCK, TILE_ROWS], then scales [TILE_ROWS]. */
  private static final long SCALE_BYTE = (long) BLOCK * TILE_ROWS * 4;

  @Override
  public long scratchBytes(int maxIn) {
    return SCALE_BYTE + TILE_ROWS * 4;
  }

  @Override
  public void multiply(
      PackedMatrix w,
      MemorySegment x,
      long xOffset,
      int xStride,
      int rows,
      MemorySegment y,
      long yOffset,
      int yStride,
      int fromTile,
      int untilTile,
      MemorySegment scratch) {
    int blocks = (w.in() + BLOCK - 1) / BLOCK;
    for (int tile = fromTile; tile < untilTile; tile++) {
      int outs = Math.min(TILE_ROWS, w.out() - tile * TILE_ROWS);
      long at = tile * w.tileBytes();
      for (int b = 0; b < blocks; b++) {
        int n = Math.min(BLOCK, w.in() - b * BLOCK);
        for (int o = 0; o < outs; o++) {
          scratch.set(FLOAT, SCALE_BYTE + 4L * o, scale(w, at, b, o));
          for (int k = 0; k < n; k++) {
            scratch.set(FLOAT, 4L * (k * TILE_ROWS + o), element(w, at, b, k, o));
          }
        }
        for (int row = 0; row < rows; row++) {
          long xByte = 4 * (xOffset + (long) row * xStride + (long) b * BLOCK);
          long yByte = 4 * (yOffset + (long) row * yStride + (long) tile * TILE_ROWS);
          addBlock(scratch, x, xByte, n, y, yByte, outs, b == 0);
        }
      }
    }
  }

  private static void addBlock(
      MemorySegment scratch,
      MemorySegment x,
      long xByte,
      int n,
      MemorySegment y,
      long yByte,
      int outs,
      boolean first) {
    for (int o = 0; o < outs; o++) {
      float sum = 0;
      for (int k = 0; k < n; k++) {
        float weight = scratch.get(FLOAT, 4L * (k * TILE_ROWS + o));
        sum = Math.fma(weight, x.get(FLOAT, xByte + 4L * k), sum);
      }
      float old = first ? 0 : y.get(FLOAT, yByte + 4L * o);
      y.set(FLOAT, yByte + 4L * o, Math.fma(scratch.get(FLOAT, SCALE_BYTE + 4L * o), sum, old));
    }
  }

  private static float scale(PackedMatrix w, long tileByte, int block, int lane) {
    if (!w.type().isQuantized()) {
      return 1;
    }
    long at = tileByte + Packing.scalesOf(w.type(), block);
    int word = w.data().get(WORD, at + 4L * (lane & 15));
    if (w.type() == DataType.MXFP4) {
      return Halves.mxScale(word >>> (16 * (block & 1) + 8 * (lane >> 4)) & 0xff);
    }
    return Halves.fromHalf(word >>> (16 * (lane >> 4)) & 0xffff);
  }

  private static float element(PackedMatrix w, long tileByte, int block, int k, int lane) {
    DataType type = w.type();
    int perWord = Packing.perWord(type);
    long at = tileByte + Packing.wordsOf(type, block) + (long) (k / perWord) * Packing.WORD_ROW;
    int word = w.data().get(WORD, at + 4L * lane);
    int first = word << (32 / perWord * (k % perWord));
    return switch (type) {
      case F32 -> Float.intBitsToFloat(word);
      case F16 -> Halves.fromHalf(first >>> 16);
      case BF16 -> Halves.fromBrain(first >>> 16);
      case Q8_0 -> first >> 24;
      case Q4_0 -> first >> 28;
      default -> Halves.mxElement(first >>> 28);
    };
  }
}
