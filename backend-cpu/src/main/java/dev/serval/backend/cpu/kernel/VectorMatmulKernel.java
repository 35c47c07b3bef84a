package dev.serval.backend.cpu.kernel;

import static dev.serval.backend.cpu.kernel.Lanes.BYTES;
import static dev.serval.backend.cpu.kernel.Lanes.FLOAT;
import static dev.serval.backend.cpu.kernel.Lanes.FLOATS;
import static dev.serval.backend.cpu.kernel.Lanes.ORDER;
import static dev.serval.backend.cpu.kernel.PackedMatrix.BLOCK;
import static dev.serval.backend.cpu.kernel.PackedMatrix.TILE_ROWS;
import static dev.serval.backend.cpu.kernel.Packing.WORD_ROW;

import dev.serval.api.tensor.DataType;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/**
 * {@link MatmulKernel} on vectors whose lanes are weight rows.
 *
 * <p>Up to {@link #MATVEC_ROWS} rows are multiplied one by one with weights unpacked in registers.
 * More rows go through {@link VectorTileProduct}.
 */
final class VectorMatmulKernel implements MatmulKernel {

  /** Inputs of a panel. */
  static final int PANEL = 128;

  /**
   * Scratch memory: sums of groups, scales of groups, their starts, each [GROUPS, 32]; outputs [32]
   * of one row.
   */
  static final long SCALE_BYTE = (long) GROUPS * WORD_ROW;

  static final long START_BYTE = 2 * SCALE_BYTE;

  static final long ACC_BYTE = 3 * SCALE_BYTE;

  private static final long SCRATCH_BYTES = ACC_BYTE + WORD_ROW;

  @Override
  public long scratchBytes(DataType type, int in) {
    return SCRATCH_BYTES;
  }

  @Override
  public void multiply(
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
      TileScratch tiles) {
    if (rows > MATVEC_ROWS) {
      VectorTileProduct.multiply(
          w,
          x,
          4 * xOffset,
          4L * xStride,
          sums,
          4 * sumsOffset,
          4L * sumsStride,
          rows,
          y,
          yOffset,
          yStride,
          fromTile,
          untilTile,
          scratch,
          tiles);
      return;
    }
    if (!w.type().isQuantized()) {
      fillScales(scratch);
    }
    boolean biased = RowForm.of(w.type(), true) == RowForm.STARTED;
    int stride = w.in() + w.in() / BLOCK;
    float[] started = tiles.rows(biased ? rows * stride : 0);
    for (int row = 0; biased && row < rows; row++) {
      long xByte = 4 * (xOffset + (long) row * xStride);
      MemorySegment.copy(x, FLOAT, xByte, started, row * stride, w.in());
      long sum = 4 * (sumsOffset + (long) row * sumsStride);
      MemorySegment.copy(sums, FLOAT, sum, started, row * stride + w.in(), stride - w.in());
    }
    for (int tile = fromTile; tile < untilTile; tile++) {
      int outs = Math.min(TILE_ROWS, w.out() - tile * TILE_ROWS);
      long at = tile * w.tileBytes();
      for (int row = 0; row < rows; row++) {
        long yByte = 4 * (yOffset + (long) row * yStride + (long) tile * TILE_ROWS);
        if (biased) {
          BlockFormat format = BlockFormat.of(w.type());
          VectorBiasedKernel.multiply(format, w, at, started, row * stride, tiles.outputs);
          MemorySegment.copy(tiles.outputs, 0, y, FLOAT, yByte, outs);
          continue;
        }
        clear(scratch);
        long xByte = 4 * (xOffset + (long) row * xStride);
        long sum = 4 * (sumsOffset + (long) row * sumsStride);
        matvec(w, at, x, xByte, sums, sum, scratch, tiles.panel);
        MemorySegment.copy(scratch, ACC_BYTE, y, yByte, 4L * outs);
      }
    }
  }

  @Override
  public void round(
      MemorySegment x, long xOffset, int in, MemorySegment row, long at, MemorySegment scratch) {
    VectorRoundedKernel.round(x, 4 * xOffset, in, row, at, scratch);
  }

  @Override
  public void multiplyRounded(
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
      TileScratch tiles) {
    VectorRoundedProduct.multiply(
        w, x, xByte, rows, y, yOffset, yStride, fromTile, untilTile, scratch, tiles);
  }

  /** Scales that change nothing. */
  private static void fillScales(MemorySegment scratch) {
    FloatVector one = FloatVector.broadcast(FLOATS, 1f);
    for (long at = SCALE_BYTE; at < START_BYTE; at += BYTES) {
      one.intoMemorySegment(scratch, at, ORDER);
    }
  }

  /** Adds one tile times one row to the outputs in the scratch memory. */
  private static void matvec(
      PackedMatrix w,
      long tile,
      MemorySegment x,
      long xByte,
      MemorySegment sums,
      long sum,
      MemorySegment scratch,
      float[] small) {
    if (w.type().isQuantized()) {
      BlockFormat format = BlockFormat.of(w.type());
      matvec(format, w, tile, x, xByte, sums, sum, scratch, small);
      return;
    }
    MemorySegment data = w.data();
    int in = w.in();
    int blocks = (in + BLOCK - 1) / BLOCK;
    for (int b = 0; b < blocks; b += GROUPS) {
      int until = Math.min(blocks, b + GROUPS);
      switch (w.type()) {
        case F32 -> VectorMatvecKernel.f32(data, tile, b, until, in, x, xByte, scratch);
        case F16 -> VectorMatvecKernel.f16(data, tile, b, until, in, x, xByte, scratch);
        default -> VectorMatvecKernel.bf16(data, tile, b, until, in, x, xByte, scratch);
      }
      addScaled(scratch, until - b);
    }
  }

  private static void matvec(
      BlockFormat format,
      PackedMatrix w,
      long tile,
      MemorySegment x,
      long xByte,
      MemorySegment sums,
      long sum,
      MemorySegment scratch,
      float[] small) {
    int group = format.group();
    int groups = w.in() / group;
    for (int g = 0; g < groups; g += GROUPS) {
      int until = Math.min(groups, g + GROUPS);
      int block = g * group / BLOCK;
      int untilBlock = until * group / BLOCK;
      VectorSumsKernel.sums(format, w.data(), tile, block, untilBlock, x, xByte, scratch);
      // after the codes, which are read in ascending order: scales alone would be far apart
      VectorScaleKernel.scales(
          format, w.data(), tile, g, until, scratch, SCALE_BYTE, START_BYTE, small);
      addScaled(scratch, until - g);
      if (format.hasMinima()) {
        addStarts(scratch, until - g, sums, sum + 4L * g);
      }
    }
  }

  /** Adds the scaled sums of groups to the outputs of one row. */
  private static void addScaled(MemorySegment scratch, int groups) {
    for (int c = 0; c < WORD_ROW; c += 2 * BYTES) {
      FloatVector acc0 = FloatVector.fromMemorySegment(FLOATS, scratch, ACC_BYTE + c, ORDER);
      FloatVector acc1 =
          FloatVector.fromMemorySegment(FLOATS, scratch, ACC_BYTE + c + BYTES, ORDER);
      for (int g = 0; g < groups; g++) {
        long at = (long) g * WORD_ROW + c;
        long scale = SCALE_BYTE + at;
        FloatVector sum = FloatVector.fromMemorySegment(FLOATS, scratch, at, ORDER);
        acc0 = FloatVector.fromMemorySegment(FLOATS, scratch, scale, ORDER).fma(sum, acc0);
        sum = FloatVector.fromMemorySegment(FLOATS, scratch, at + BYTES, ORDER);
        acc1 = FloatVector.fromMemorySegment(FLOATS, scratch, scale + BYTES, ORDER).fma(sum, acc1);
      }
      acc0.intoMemorySegment(scratch, ACC_BYTE + c, ORDER);
      acc1.intoMemorySegment(scratch, ACC_BYTE + c + BYTES, ORDER);
    }
  }

  /** Adds the starts of groups times the sums of their inputs to the outputs of one row. */
  static void addStarts(MemorySegment scratch, int groups, MemorySegment x, long inputSums) {
    for (int c = 0; c < WORD_ROW; c += BYTES) {
      FloatVector sum = FloatVector.zero(FLOATS);
      for (int g = 0; g < groups; g++) {
        FloatVector inputs = FloatVector.broadcast(FLOATS, x.get(FLOAT, inputSums + 4L * g));
        long at = START_BYTE + (long) g * WORD_ROW + c;
        sum = FloatVector.fromMemorySegment(FLOATS, scratch, at, ORDER).fma(inputs, sum);
      }
      FloatVector.fromMemorySegment(FLOATS, scratch, ACC_BYTE + c, ORDER)
          .add(sum)
          .intoMemorySegment(scratch, ACC_BYTE + c, ORDER);
    }
  }

  /** Sets the outputs of a row to 0. */
  static void clear(MemorySegment scratch) {
    FloatVector zero = FloatVector.zero(FLOATS);
    for (long at = ACC_BYTE; at < SCRATCH_BYTES; at += BYTES) {
      zero.intoMemorySegment(scratch, at, ORDER);
    }
  }
}
