package dev.serval.backend.cpu.kernel;

import static dev.serval.backend.cpu.kernel.MatmulKernel.GROUPS;
import static dev.serval.backend.cpu.kernel.PackedMatrix.BLOCK;
import static dev.serval.backend.cpu.kernel.PackedMatrix.TILE_ROWS;
import static dev.serval.backend.cpu.kernel.Packing.WORD_ROW;
import static dev.serval.backend.cpu.kernel.VectorMatmulKernel.ACC_BYTE;
import static dev.serval.backend.cpu.kernel.VectorMatmulKernel.CHUNK;
import static dev.serval.backend.cpu.kernel.VectorMatmulKernel.ONE_BYTE;
import static dev.serval.backend.cpu.kernel.VectorMatmulKernel.PANEL;
import static dev.serval.backend.cpu.kernel.VectorMatmulKernel.SCALE_BYTE;
import static dev.serval.backend.cpu.kernel.VectorMatmulKernel.SMALL_BYTE;
import static dev.serval.backend.cpu.kernel.VectorMatmulKernel.START_BYTE;

import java.lang.foreign.MemorySegment;

/**
 * Products with rounded activations, the other half of {@link VectorMatmulKernel}: the same scratch
 * memory and the same way through tiles and panels, with codes of 16 bits instead of F32.
 */
final class VectorRoundedProduct {

  /** Sums of four rows, behind a panel, which takes half of what one in F32 takes. */
  private static final long SUM_BYTE = SMALL_BYTE;

  private VectorRoundedProduct() {}

  /** {@link MatmulKernel#multiplyRounded}. */
  static void multiply(
      PackedMatrix w,
      MemorySegment x,
      long xByte,
      int rows,
      MemorySegment y,
      long yOffset,
      int yStride,
      int fromTile,
      int untilTile,
      MemorySegment scratch) {
    if (BlockFormat.of(w.type()).hasMinima()) {
      VectorMatmulKernel.fill(scratch, ONE_BYTE, ACC_BYTE);
    }
    boolean tiled = rows > MatmulKernel.MATVEC_ROWS;
    int step = tiled ? CHUNK : 1;
    long rowBytes = RoundedRow.bytes(w.in());
    for (int tile = fromTile; tile < untilTile; tile++) {
      int outs = Math.min(TILE_ROWS, w.out() - tile * TILE_ROWS);
      for (int row = 0; row < rows; row += step) {
        int n = Math.min(step, rows - row);
        long at = xByte + row * rowBytes;
        VectorMatmulKernel.clear(scratch, n);
        if (tiled) {
          tile(w, tile * w.tileBytes(), x, at, n, scratch);
        } else {
          matvec(w, tile * w.tileBytes(), x, at, scratch);
        }
        long yByte = 4 * (yOffset + (long) row * yStride + (long) tile * TILE_ROWS);
        VectorMatmulKernel.copyOut(scratch, n, outs, y, yByte, 4L * yStride);
      }
    }
  }

  private static void matvec(
      PackedMatrix w, long tile, MemorySegment x, long at, MemorySegment scratch) {
    BlockFormat format = BlockFormat.of(w.type());
    int groups = w.in() / BLOCK;
    for (int g = 0; g < groups; g += GROUPS) {
      int until = Math.min(groups, g + GROUPS);
      VectorRoundedKernel.sums(format, w.data(), tile, g, until, x, at, w.in(), scratch);
      VectorScaleKernel.scales(
          format, w.data(), tile, g, until, scratch, SCALE_BYTE, START_BYTE, SMALL_BYTE);
      VectorRoundedKernel.addScaled(
          x, at + RoundedRow.scales(w.in()) + 4L * g, until - g, scratch, SCALE_BYTE, ACC_BYTE);
      if (format.hasMinima()) {
        long sums = at + RoundedRow.sums(w.in()) + 4L * g;
        VectorMatmulKernel.addStarts(scratch, until - g, x, sums);
      }
    }
  }

  private static void tile(
      PackedMatrix w, long tile, MemorySegment x, long at, int n, MemorySegment scratch) {
    BlockFormat format = BlockFormat.of(w.type());
    long rowBytes = RoundedRow.bytes(w.in());
    long scales = at + RoundedRow.scales(w.in());
    long sums = at + RoundedRow.sums(w.in());
    for (int k0 = 0; k0 < w.in(); k0 += PANEL) {
      int inputs = Math.min(PANEL, w.in() - k0);
      int group = k0 / BLOCK;
      if (group % GROUPS == 0) {
        int until = Math.min(w.in() / BLOCK, group + GROUPS);
        VectorScaleKernel.scales(
            format, w.data(), tile, group, until, scratch, SCALE_BYTE, START_BYTE, SMALL_BYTE);
      }
      for (int k = 0; k < inputs; k += BLOCK) {
        long words = tile + format.wordsOf((k0 + k) / BLOCK);
        VectorRoundedKernel.expand(w.data(), words, BLOCK, scratch, (long) k / 2 * WORD_ROW);
      }
      VectorRoundedTileKernel.multiply(
          inputs,
          x,
          at + (long) group * RoundedRow.PAIR_BYTES,
          scales + 4L * group,
          rowBytes,
          n,
          scratch,
          SCALE_BYTE + (long) (group % GROUPS) * WORD_ROW,
          ACC_BYTE,
          SUM_BYTE);
      if (format.hasMinima()) {
        VectorMatmulKernel.tileOfStarts(w, k0 + inputs, x, sums, rowBytes, n, scratch);
      }
    }
  }
}
