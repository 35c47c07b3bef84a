package dev.serval.backend.cpu.kernel;

import static dev.serval.backend.cpu.kernel.Lanes.FLOAT;
import static dev.serval.backend.cpu.kernel.Lanes.FLOATS;
import static dev.serval.backend.cpu.kernel.Lanes.LENGTH;
import static dev.serval.backend.cpu.kernel.Lanes.ORDER;
import static dev.serval.backend.cpu.kernel.MatmulKernel.GROUPS;
import static dev.serval.backend.cpu.kernel.PackedMatrix.BLOCK;
import static dev.serval.backend.cpu.kernel.PackedMatrix.TILE_ROWS;
import static dev.serval.backend.cpu.kernel.Packing.WORD_ROW;
import static dev.serval.backend.cpu.kernel.TileScratch.CHUNK;
import static dev.serval.backend.cpu.kernel.VectorMatmulKernel.PANEL;
import static dev.serval.backend.cpu.kernel.VectorMatmulKernel.SCALE_BYTE;
import static dev.serval.backend.cpu.kernel.VectorMatmulKernel.START_BYTE;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/**
 * Many rows of activations times a packed matrix. A panel of a tile, or of two where vectors have
 * 16 lanes, is expanded to F32 in the cache and used by four rows at a time, of up to {@link
 * TileScratch#CHUNK} rows, before the next panel follows.
 */
final class VectorTileProduct {

  private VectorTileProduct() {}

  /** {@link MatmulKernel#multiply}; offsets and steps of x and its sums are bytes. */
  static void multiply(
      PackedMatrix w,
      MemorySegment x,
      long xByte,
      long xStep,
      MemorySegment sums,
      long sumsByte,
      long sumsStep,
      int rows,
      MemorySegment y,
      long yOffset,
      int yStride,
      int fromTile,
      int untilTile,
      MemorySegment scratch,
      TileScratch t) {
    for (int row = 0; row < rows; row += CHUNK) {
      int n = Math.min(CHUNK, rows - row);
      float[] inputs = rows(x, xByte + row * xStep, xStep, n, w.in(), t);
      long sum = sumsByte + row * sumsStep;
      for (int tile = fromTile, together; tile < untilTile; tile += together) {
        together = together(tile, untilTile);
        int outs = Math.min(together * TILE_ROWS, w.out() - tile * TILE_ROWS);
        clear(t, n, together);
        panels(w, tile, together, inputs, sums, sum, sumsStep, n, scratch, t);
        long yByte = 4 * (yOffset + (long) row * yStride + (long) tile * TILE_ROWS);
        copyOut(t, n, together, outs, y, yByte, 4L * yStride);
      }
    }
  }

  /** N rows of activations side by side. */
  private static float[] rows(
      MemorySegment x, long xByte, long xStep, int n, int in, TileScratch t) {
    float[] rows = t.rows(n * in);
    for (int row = 0; row < n; row++) {
      MemorySegment.copy(x, FLOAT, xByte + row * xStep, rows, row * in, in);
    }
    return rows;
  }

  /** Tiles that are multiplied together. */
  static int together(int tile, int untilTile) {
    return LENGTH == 16 && tile + 1 < untilTile ? 2 : 1;
  }

  private static void panels(
      PackedMatrix w,
      int tile,
      int together,
      float[] x,
      MemorySegment sums,
      long sum,
      long sumsStep,
      int n,
      MemorySegment scratch,
      TileScratch t) {
    boolean quantized = w.type().isQuantized();
    boolean started = quantized && BlockFormat.of(w.type()).codes().centre() != 0;
    boolean minima = quantized && BlockFormat.of(w.type()).hasMinima();
    int group = quantized ? BlockFormat.of(w.type()).group() : BLOCK;
    for (int k0 = 0; k0 < w.in(); k0 += PANEL) {
      int inputs = Math.min(PANEL, w.in() - k0);
      if (quantized && k0 / group % GROUPS == 0) {
        scales(BlockFormat.of(w.type()), w, tile, together, k0 / group, scratch, t);
      }
      for (int i = 0; i < together; i++) {
        expand(w, (tile + i) * w.tileBytes(), k0, inputs, t, i * TILE_ROWS, together * TILE_ROWS);
      }
      VectorTileKernel.multiply(
          t.panel,
          together,
          inputs,
          group,
          x,
          k0,
          w.in(),
          n,
          sums,
          started ? sum + 4L * (k0 / group) : -1,
          sumsStep,
          quantized ? t.scales : t.ones,
          quantized ? k0 / group % GROUPS : 0,
          t);
      if (minima) {
        starts(w, k0 + inputs, together, sums, sum, sumsStep, n, t);
      }
    }
  }

  /**
   * Adds starts times sums of inputs to the outputs, once all inputs of {@link MatmulKernel#GROUPS}
   * groups were multiplied.
   *
   * @param done inputs multiplied so far
   * @param x sums of groups of n rows from byte {@code sums} on, {@code step} bytes apart
   */
  static void starts(
      PackedMatrix w,
      int done,
      int together,
      MemorySegment x,
      long sums,
      long step,
      int n,
      TileScratch t) {
    int group = BlockFormat.of(w.type()).group();
    if (done < w.in() && done % (GROUPS * group) != 0) {
      return;
    }
    int first = (done - 1) / (GROUPS * group) * GROUPS;
    int count = done / group - first;
    for (int row = 0; row < n; row++) {
      long at = sums + 4L * first + row * step;
      MemorySegment.copy(x, FLOAT, at, t.inputSums, row * count, count);
    }
    VectorTileKernel.multiply(
        t.starts, together, count, count, t.inputSums, 0, count, n, x, -1, 0, t.ones, 0, t);
  }

  /** The codes of a panel of a tile. */
  private static void expand(
      PackedMatrix w, long tile, int k0, int n, TileScratch t, int to, int width) {
    long half = tile + (long) (k0 / 2) * WORD_ROW;
    switch (w.type()) {
      case F32 -> {
        long at = tile + (long) k0 * WORD_ROW;
        VectorExpandKernel.f32(w.data(), at, n, t.panel, to, width);
      }
      case F16 -> VectorExpandKernel.f16(w.data(), half, (n + 1) / 2, t.panel, to, width);
      case BF16 -> VectorExpandKernel.bf16(w.data(), half, (n + 1) / 2, t.panel, to, width);
      default -> {
        BlockFormat format = BlockFormat.of(w.type());
        for (int k = 0; k < n; k += BLOCK) {
          long words = tile + format.wordsOf((k0 + k) / BLOCK);
          int at = to + k * width;
          VectorExpandKernel.codes(format.codes(), w.data(), words, BLOCK, t.panel, at, width);
        }
      }
    }
  }

  /**
   * Takes the scales of the next {@link MatmulKernel#GROUPS} groups, and their starts if there are
   * such.
   */
  static void scales(
      BlockFormat format,
      PackedMatrix w,
      int tile,
      int together,
      int group,
      MemorySegment scratch,
      TileScratch t) {
    int until = Math.min(w.in() / format.group(), group + GROUPS);
    int width = together * TILE_ROWS;
    for (int i = 0; i < together; i++) {
      long at = (tile + i) * w.tileBytes();
      VectorScaleKernel.scales(
          format, w.data(), at, group, until, scratch, SCALE_BYTE, START_BYTE, t.panel);
      take(scratch, SCALE_BYTE, until - group, t.scales, i * TILE_ROWS, width);
      if (format.hasMinima()) {
        take(scratch, START_BYTE, until - group, t.starts, i * TILE_ROWS, width);
      }
    }
  }

  private static void take(
      MemorySegment scratch, long from, int groups, float[] to, int at, int width) {
    for (int g = 0; g < groups; g++) {
      for (int c = 0; c < TILE_ROWS; c += LENGTH) {
        FloatVector.fromMemorySegment(FLOATS, scratch, from + (long) g * WORD_ROW + 4L * c, ORDER)
            .intoArray(to, at + g * width + c);
      }
    }
  }

  /** Sets the outputs of n rows to 0. */
  static void clear(TileScratch t, int n, int together) {
    Arrays.fill(t.outputs, 0, ((n + 3) & ~3) * together * TILE_ROWS, 0);
  }

  static void copyOut(
      TileScratch t, int n, int together, int outs, MemorySegment y, long yByte, long yStep) {
    for (int row = 0; row < n; row++) {
      int from = row * together * TILE_ROWS;
      MemorySegment.copy(t.outputs, from, y, FLOAT, yByte + row * yStep, outs);
    }
  }
}
