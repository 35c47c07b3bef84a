package dev.serval.backend.cpu.kernel;

import java.lang.foreign.MemorySegment;

/**
 * Multiplies packed matrices with rows of activations.
 *
 * <p>For every output, blocks of {@link PackedMatrix#BLOCK} inputs are summed by fused
 * multiply-adds in ascending order starting from 0, and each block's sum enters the output by one
 * fused multiply-add with the block's scale (1 for plain types), in block order. One row or many,
 * any tile and any vector width give the same bits.
 *
 * <p>Thread-safe: no state but the scratch memory, which each thread owns.
 */
public interface MatmulKernel {

  /**
   * Up to this many rows, each row reads the packed weights itself (matrix times vector); more rows
   * go through the tiled product, which expands a part of a tile once for all of them.
   */
  int MATVEC_ROWS = 3;

  /** Bytes of scratch memory per thread for matrices of at most {@code maxIn} inputs. */
  long scratchBytes(int maxIn);

  /**
   * Computes the outputs of some tiles for all rows: {@code y[row, o] = Σ_k w[o, k] · x[row, k]}.
   *
   * @param w weights
   * @param x [rows, in] F32, native memory
   * @param xOffset floats before row 0
   * @param xStride floats from row to row
   * @param rows number of rows, at least 1
   * @param y [rows, out] F32, native memory; overlaps nothing
   * @param yOffset floats before row 0
   * @param yStride floats from row to row
   * @param fromTile first tile
   * @param untilTile one past the last tile
   * @param scratch {@link #scratchBytes} of the calling thread
   */
  void multiply(
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
      MemorySegment scratch);
}
