package dev.serval.backend.cpu.kernel;

import dev.serval.api.tensor.DataType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Multiplies packed matrices with rows of activations.
 *
 * <p>For every output, groups of inputs that share a scale ({@link PackedMatrix#BLOCK} inputs of
 * plain types) are summed by fused multiply-adds in ascending order starting from 0 (for {@link
 * DataType#Q8_0}, whose code c is read as 1.5 + c / 256, from −1.5 Σ x instead), and each group's
 * sum enters the output by one fused multiply-add with the group's scale (1 for plain types), in
 * ascending order. Of types with minima, the starts of each {@link #GROUPS} groups times their sums
 * of activations are then summed in the same way, and that sum is added to the output; see {@link
 * BlockFormat}. One row or many, any tile and any vector width give the same bits.
 *
 * <p>Thread-safe: no state but the scratch memory, which each thread owns.
 */
public interface MatmulKernel {

  /**
   * Up to this many rows, each row reads the packed weights itself (matrix times vector); more rows
   * go through the tiled product, which expands a part of a tile once for all of them.
   */
  int MATVEC_ROWS = 3;

  /** Groups whose starts enter an output together. */
  int GROUPS = 16;

  /** Bytes of scratch memory per thread for matrices of a type with {@code in} inputs. */
  long scratchBytes(DataType type, int in);

  /**
   * Computes the outputs of some tiles for all rows: {@code y[row, o] = Σ_k w[o, k] · x[row, k]}.
   *
   * @param w weights
   * @param x [rows, in] F32, native memory
   * @param xOffset floats before row 0
   * @param xStride floats from row to row
   * @param sums for types whose {@link RowForm} is SUMMED or STARTED what {@link #sum} wrote for
   *     each row of x, otherwise not read
   * @param sumsOffset floats before the sums of row 0
   * @param sumsStride floats from row to row
   * @param rows number of rows, at least 1
   * @param y [rows, out] F32, native memory; overlaps nothing
   * @param yOffset floats before row 0
   * @param yStride floats from row to row
   * @param fromTile first tile
   * @param untilTile one past the last tile
   * @param scratch {@link #scratchBytes} of the calling thread
   * @param tiles more scratch memory of the calling thread
   */
  void multiply(
      PackedMatrix w,
      MemorySegment x,
      long xOffset,
      int xStride,
      MemorySegment sums,
      long sumsOffset,
      int sumsStride,
      int rows,
      MemorySegment y,
      long yOffset,
      int yStride,
      int fromTile,
      int untilTile,
      MemorySegment scratch,
      TileScratch tiles);

  /**
   * Sums groups of a row of activations, and multiplies the sums by a factor.
   *
   * @param x the row, F32, native memory
   * @param xOffset floats before it
   * @param in elements, a multiple of {@code group}
   * @param group elements of a group, 16 or 32
   * @param factor of {@link RowForm#factor}
   * @param sums receives in / group floats
   * @param sumsOffset floats before them
   */
  default void sum(
      MemorySegment x,
      long xOffset,
      int in,
      int group,
      float factor,
      MemorySegment sums,
      long sumsOffset) {
    for (int g = 0; g < in / group; g++) {
      float sum = factor * Sums.ofGroup(x, 4 * (xOffset + (long) g * group), group);
      sums.set(ValueLayout.JAVA_FLOAT_UNALIGNED, 4 * (sumsOffset + g), sum);
    }
  }

  /**
   * Rounds a row of activations, see {@link RoundedRow}.
   *
   * @param x the row, F32, native memory
   * @param xOffset floats before it
   * @param in elements, a multiple of {@link PackedMatrix#BLOCK}
   * @param row receives {@link RoundedRow#bytes}
   * @param at byte of {@code row} to begin at
   * @param scratch 128 bytes of the calling thread
   */
  void round(
      MemorySegment x, long xOffset, int in, MemorySegment row, long at, MemorySegment scratch);

  /**
   * As {@link #multiply}, for rows that {@link #round} wrote and types that {@link
   * RoundedRow#isFor} names.
   *
   * <p>For every output, the products of a group's codes and rounded elements are summed in whole
   * numbers, that sum in F32 is multiplied by the row's scale, and the result enters the output by
   * one fused multiply-add with the group's scale, in ascending order. Starts are added as by
   * {@link #multiply}, from the sums before rounding.
   *
   * @param xByte byte of row 0; rows follow each other without a gap
   */
  void multiplyRounded(
      PackedMatrix w,
      MemorySegment x,
      long xByte,
      int rows,
      MemorySegment y,
      long yOffset,
      int yStride,
      int fromTile,
      int untilTile,
      MemorySegment scratch,
      TileScratch tiles);
}
