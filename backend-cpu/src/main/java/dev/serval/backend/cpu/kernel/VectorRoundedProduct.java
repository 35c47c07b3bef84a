package dev.serval.backend.cpu.kernel;

import static dev.serval.backend.cpu.kernel.Lanes.FLOAT;
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
      matvec(w, x, xByte, rows, y, yOffset, yStride, fromTile, untilTile, scratch, t);
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
    boolean half = BlockFormat.of(w.type()).head().kind() == BlockHead.Kind.HALF;
    long rowBytes = RoundedRow.bytes(w.in());
    int ints = Math.toIntExact(rowBytes / 4);
    int[] copies = t.pairs(half ? rows * ints : 0);
    for (int row = 0; half && row < rows; row++) {
      MemorySegment.copy(x, INT, xByte + row * rowBytes, copies, row * ints, ints);
    }
    for (int tile = fromTile; tile < untilTile; tile++) {
      int outs = Math.min(TILE_ROWS, w.out() - tile * TILE_ROWS);
      long at = tile * w.tileBytes();
      for (int row = 0; row < rows; row++) {
        long yByte = 4 * (yOffset + (long) row * yStride + (long) tile * TILE_ROWS);
        if (half) {
          BlockFormat format = BlockFormat.of(w.type());
          int from = row * ints;
          VectorRoundedKernel.multiply(format, w.data(), at, w.in(), copies, from, t.outputs);
          MemorySegment.copy(t.outputs, 0, y, FLOAT, yByte, outs);
          continue;
        }
        VectorMatmulKernel.clear(scratch);
        matvec(w, at, x, xByte + row * rowBytes, scratch, t.panel);
        MemorySegment.copy(scratch, ACC_BYTE, y, yByte, 4L * outs);
      }
    }
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
