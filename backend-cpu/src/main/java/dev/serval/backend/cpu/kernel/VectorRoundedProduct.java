package dev.serval.backend.cpu.kernel;

import static dev.serval.backend.cpu.kernel.Lanes.INT;
import static dev.serval.backend.cpu.kernel.MatmulKernel.GROUPS;
import static dev.serval.backend.cpu.kernel.PackedMatrix.BLOCK;
import static dev.serval.backend.cpu.kernel.PackedMatrix.TILE_ROWS;
import static dev.serval.backend.cpu.kernel.TileScratch.CHUNK;
import static dev.serval.backend.cpu.kernel.VectorMatmulKernel.ACC_BYTE;
import static dev.serval.backend.cpu.kernel.VectorMatmulKernel.PANEL;
import static dev.serval.backend.cpu.kernel.VectorMatmulKernel.SCALE_BYTE;
import static dev.serval.backend.cpu.kernel.VectorMatmulKernel.START_BYTE;

import java.lang.foreign.MemorySegment;

/**
 * Products with rounded activations, the other half of {@link VectorMatmulKernel} and {@link
 * VectorTileProduct}: the same scratch memory and the same way through tiles and panels, with codes
 * of 16 bits instead of F32.
 */
final class VectorRoundedProduct {

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
      MemorySegment scratch,
      TileScratch t) {
    long rowBytes = RoundedRow.bytes(w.in());
    if (rows <= MatmulKernel.MATVEC_ROWS) {
      for (int tile = fromTile; tile < untilTile; tile++) {
        int outs = Math.min(TILE_ROWS, w.out() - tile * TILE_ROWS);
        for (int row = 0; row < rows; row++) {
          VectorMatmulKernel.clear(scratch);
          matvec(w, tile * w.tileBytes(), x, xByte + row * rowBytes, scratch, t.panel);
          long yByte = 4 * (yOffset + (long) row * yStride + (long) tile * TILE_ROWS);
          MemorySegment.copy(scratch, ACC_BYTE, y, yByte, 4L * outs);
        }
      }
      return;
    }
    for (int row = 0; row < rows; row += CHUNK) {
      int n = Math.min(CHUNK, rows - row);
      long at = xByte + row * rowBytes;
      int[] pairs = pairs(x, at, rowBytes, n, w.in() / 2, t);
      for (int tile = fromTile, together; tile < untilTile; tile += together) {
        together = VectorTileProduct.together(tile, untilTile);
        int outs = Math.min(together * TILE_ROWS, w.out() - tile * TILE_ROWS);
        VectorTileProduct.clear(t, n, together);
        panels(w, tile, together, pairs, x, at, n, scratch, t);
        long yByte = 4 * (yOffset + (long) row * yStride + (long) tile * TILE_ROWS);
        VectorTileProduct.copyOut(t, n, together, outs, y, yByte, 4L * yStride);
      }
    }
  }

  /** The pairs of n rows side by side. */
  private static int[] pairs(
      MemorySegment x, long at, long step, int n, int perRow, TileScratch t) {
    int[] pairs = t.pairs(n * perRow);
    for (int row = 0; row < n; row++) {
      MemorySegment.copy(x, INT, at + row * step, pairs, row * perRow, perRow);
    }
    return pairs;
  }

  private static void matvec(
      PackedMatrix w, long tile, MemorySegment x, long at, MemorySegment scratch, float[] small) {
    BlockFormat format = BlockFormat.of(w.type());
    int groups = w.in() / BLOCK;
    for (int g = 0; g < groups; g += GROUPS) {
      int until = Math.min(groups, g + GROUPS);
      VectorRoundedKernel.sums(format, w.data(), tile, g, until, x, at, w.in(), scratch);
      VectorScaleKernel.scales(
          format, w.data(), tile, g, until, scratch, SCALE_BYTE, START_BYTE, small);
      VectorRoundedKernel.addScaled(
          x, at + RoundedRow.scales(w.in()) + 4L * g, until - g, scratch, SCALE_BYTE, ACC_BYTE);
      if (format.hasMinima()) {
        long sums = at + RoundedRow.sums(w.in()) + 4L * g;
        VectorMatmulKernel.addStarts(scratch, until - g, x, sums);
      }
    }
  }

  private static void panels(
      PackedMatrix w,
      int tile,
      int together,
      int[] pairs,
      MemorySegment x,
      long at,
      int n,
      MemorySegment scratch,
      TileScratch t) {
    BlockFormat format = BlockFormat.of(w.type());
    int width = 2 * together * TILE_ROWS;
    long rowBytes = RoundedRow.bytes(w.in());
    long scales = at + RoundedRow.scales(w.in());
    long sums = at + RoundedRow.sums(w.in());
    for (int k0 = 0; k0 < w.in(); k0 += PANEL) {
      int inputs = Math.min(PANEL, w.in() - k0);
      int group = k0 / BLOCK;
      if (group % GROUPS == 0) {
        VectorTileProduct.scales(format, w, tile, together, group, scratch, t);
      }
      for (int i = 0; i < together; i++) {
        for (int k = 0; k < inputs; k += BLOCK) {
          long words = (tile + i) * w.tileBytes() + format.wordsOf((k0 + k) / BLOCK);
          int to = k / 2 * width + i * 2 * TILE_ROWS;
          VectorRoundedKernel.expand(w.data(), words, BLOCK, t.codes, to, width);
        }
      }
      VectorRoundedTileKernel.multiply(
          together,
          inputs / BLOCK,
          pairs,
          k0 / 2,
          w.in() / 2,
          x,
          scales + 4L * group,
          rowBytes,
          n,
          group % GROUPS,
          t);
      if (format.hasMinima()) {
        VectorTileProduct.starts(w, k0 + inputs, together, x, sums, rowBytes, n, t);
      }
    }
  }
}
