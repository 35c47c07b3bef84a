package dev.serval.backend.cpu.kernel;

import static dev.serval.backend.cpu.kernel.Lanes.BYTES;
import static dev.serval.backend.cpu.kernel.Lanes.FLOAT;
import static dev.serval.backend.cpu.kernel.Lanes.FLOATS;
import static dev.serval.backend.cpu.kernel.Lanes.LENGTH;
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
 * More rows go through the tiled product: some blocks of a tile are expanded to F32 in the first
 * level cache and used by four rows at a time, of up to {@link #CHUNK} rows, before the next blocks
 * follow.
 */
final class VectorMatmulKernel implements MatmulKernel {

  /** Rows that share an expanded panel; a multiple of 4. */
  private static final int CHUNK = 96;

  /** Blocks of inputs per panel: 128 inputs of 32 rows in F32 are 16 KiB. */
  private static final int PANEL_BLOCKS = 4;

  /** Blocks whose sums are kept until they are scaled, one row of activations. */
  private static final int SUM_BLOCKS = 16;

  /** Scratch memory: the panel or sums of blocks, scales of blocks, then outputs [CHUNK, 32]. */
  private static final long SCALE_BYTE = (long) PANEL_BLOCKS * BLOCK * WORD_ROW;

  private static final long ACC_BYTE = SCALE_BYTE + (long) SUM_BLOCKS * WORD_ROW;

  @Override
  public long scratchBytes(int maxIn) {
    return ACC_BYTE + (long) CHUNK * WORD_ROW;
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
    boolean tiled = rows > MATVEC_ROWS;
    if (!w.type().isQuantized()) {
      FloatVector one = FloatVector.broadcast(FLOATS, 1f);
      for (long at = SCALE_BYTE; at < ACC_BYTE; at += BYTES) {
        one.intoMemorySegment(scratch, at, ORDER);
      }
    }
    int step = tiled ? CHUNK : 1;
    long tileBytes = w.tileBytes();
    for (int tile = fromTile; tile < untilTile; tile++) {
      int outs = Math.min(TILE_ROWS, w.out() - tile * TILE_ROWS);
      for (int row = 0; row < rows; row += step) {
        int n = Math.min(step, rows - row);
        long xByte = 4 * (xOffset + (long) row * xStride);
        clear(scratch, n);
        if (tiled) {
          tile(w, tile * tileBytes, x, xByte, 4L * xStride, n, scratch);
        } else {
          matvec(w, tile * tileBytes, x, xByte, scratch);
        }
        long yByte = 4 * (yOffset + (long) row * yStride + (long) tile * TILE_ROWS);
        copyOut(scratch, n, outs, y, yByte, 4L * yStride);
      }
    }
  }

  /** Adds one tile times one row to the outputs in the scratch memory. */
  private static void matvec(
      PackedMatrix w, long tile, MemorySegment x, long xByte, MemorySegment scratch) {
    MemorySegment data = w.data();
    int in = w.in();
    int blocks = (in + BLOCK - 1) / BLOCK;
    for (int b = 0; b < blocks; b += SUM_BLOCKS) {
      int until = Math.min(blocks, b + SUM_BLOCKS);
      switch (w.type()) {
        case F32 -> VectorMatvecKernel.f32(data, tile, b, until, in, x, xByte, scratch);
        case F16 -> VectorMatvecKernel.f16(data, tile, b, until, in, x, xByte, scratch);
        case BF16 -> VectorMatvecKernel.bf16(data, tile, b, until, in, x, xByte, scratch);
        case Q8_0 -> VectorMatvecKernel.q8(data, tile, b, until, x, xByte, scratch);
        case Q4_0 -> VectorMatvecKernel.q4(data, tile, b, until, x, xByte, scratch);
        case MXFP4 -> {
          if (LENGTH == 16) {
            VectorMatvecKernel.mxfp4(data, tile, b, until, x, xByte, scratch);
          } else {
            VectorMatvecKernel.mxfp4Narrow(data, tile, b, until, x, xByte, scratch);
          }
        }
        default -> throw new IllegalArgumentException("type cannot be packed: " + w.type());
      }
      scales(w, tile, b, until, scratch);
      addScaled(scratch, until - b);
    }
  }

  /** Adds the scaled sums of blocks to the outputs of one row. */
  private static void addScaled(MemorySegment scratch, int blocks) {
    for (int c = 0; c < WORD_ROW; c += BYTES) {
      FloatVector acc = FloatVector.fromMemorySegment(FLOATS, scratch, ACC_BYTE + c, ORDER);
      for (int b = 0; b < blocks; b++) {
        long at = (long) b * WORD_ROW + c;
        FloatVector sum = FloatVector.fromMemorySegment(FLOATS, scratch, at, ORDER);
        acc = FloatVector.fromMemorySegment(FLOATS, scratch, SCALE_BYTE + at, ORDER).fma(sum, acc);
      }
      acc.intoMemorySegment(scratch, ACC_BYTE + c, ORDER);
    }
  }

  private static void scales(
      PackedMatrix w, long tile, int from, int until, MemorySegment scratch) {
    if (w.type() == DataType.MXFP4) {
      VectorExpandKernel.mxfp4Scales(w.data(), tile, from, until, scratch, SCALE_BYTE);
    } else if (w.type().isQuantized()) {
      int blockBytes = (int) (Packing.scalesOf(w.type(), 1) - Packing.scalesOf(w.type(), 0));
      VectorExpandKernel.halfScales(w.data(), tile, blockBytes, from, until, scratch, SCALE_BYTE);
    }
  }

  /** Adds one tile times n rows to the outputs in the scratch memory. */
  private static void tile(
      PackedMatrix w,
      long tile,
      MemorySegment x,
      long xByte,
      long xStep,
      int n,
      MemorySegment scratch) {
    int in = w.in();
    for (int k0 = 0; k0 < in; k0 += PANEL_BLOCKS * BLOCK) {
      int inputs = Math.min(PANEL_BLOCKS * BLOCK, in - k0);
      boolean direct = w.type() == DataType.F32;
      if (!direct) {
        expand(w, tile, k0, inputs, scratch);
        scales(w, tile, k0 / BLOCK, (k0 + inputs) / BLOCK, scratch);
      }
      MemorySegment panel = direct ? w.data() : scratch;
      long panelByte = direct ? tile + (long) k0 * WORD_ROW : 0;
      for (int row = 0; row < n; ) {
        long x0 = xByte + row * xStep + 4L * k0;
        long acc = ACC_BYTE + (long) row * WORD_ROW;
        if (n - row > 2) {
          // rows past the last one repeat it; their outputs are scratch memory nobody reads
          int last = Math.min(3, n - 1 - row);
          four(panel, panelByte, inputs, x, x0, xStep, last, scratch, acc);
          row += 4;
        } else {
          two(panel, panelByte, inputs, x, x0, n - row > 1 ? xStep : 0, scratch, acc);
          row += 2;
        }
      }
    }
  }

  private static void expand(PackedMatrix w, long tile, int k0, int n, MemorySegment scratch) {
    MemorySegment data = w.data();
    int from = k0 / BLOCK;
    int until = from + n / BLOCK;
    switch (w.type()) {
      case F16 -> VectorExpandKernel.f16(data, tile, k0 / 2, (n + 1) / 2, scratch);
      case BF16 -> VectorExpandKernel.bf16(data, tile, k0 / 2, (n + 1) / 2, scratch);
      case Q8_0 -> VectorExpandKernel.q8(data, tile, from, until, scratch);
      case Q4_0 -> VectorExpandKernel.q4(data, tile, from, until, scratch);
      case MXFP4 -> {
        if (LENGTH == 16) {
          VectorExpandKernel.mxfp4(data, tile, from, until, scratch);
        } else {
          VectorExpandKernel.mxfp4Narrow(data, tile, from, until, scratch);
        }
      }
      default -> throw new IllegalArgumentException("type cannot be packed: " + w.type());
    }
  }

  /** Four rows times one panel; sums of a block stay in registers, outputs in memory. */
  private static void four(
      MemorySegment p,
      long panel,
      int inputs,
      MemorySegment x,
      long x0,
      long step,
      int last,
      MemorySegment y,
      long acc) {
    long xb = Math.min(1, last) * step;
    long xc = Math.min(2, last) * step;
    long xd = Math.min(3, last) * step;
    for (int k0 = 0; k0 < inputs; k0 += BLOCK) {
      int n = Math.min(BLOCK, inputs - k0);
      long o = 4L * k0;
      for (int c = 0; c < WORD_ROW; c += 2 * BYTES) {
        long at = panel + (long) k0 * WORD_ROW + c;
        fourBlock(p, at, n, x, x0 + o, xb, xc, xd, y, SCALE_BYTE + o + c, acc + c);
      }
    }
  }

  private static void fourBlock(
      MemorySegment p,
      long at,
      int n,
      MemorySegment x,
      long xa,
      long xb,
      long xc,
      long xd,
      MemorySegment y,
      long scale,
      long acc) {
    FloatVector a0 = FloatVector.zero(FLOATS);
    FloatVector a1 = a0;
    FloatVector b0 = a0;
    FloatVector b1 = a0;
    FloatVector c0 = a0;
    FloatVector c1 = a0;
    FloatVector d0 = a0;
    FloatVector d1 = a0;
    for (int k = 0; k < n; k++) {
      long word = at + (long) k * WORD_ROW;
      long o = xa + 4L * k;
      FloatVector w0 = FloatVector.fromMemorySegment(FLOATS, p, word, ORDER);
      FloatVector w1 = FloatVector.fromMemorySegment(FLOATS, p, word + BYTES, ORDER);
      FloatVector t = FloatVector.broadcast(FLOATS, x.get(FLOAT, o));
      a0 = w0.fma(t, a0);
      a1 = w1.fma(t, a1);
      t = FloatVector.broadcast(FLOATS, x.get(FLOAT, o + xb));
      b0 = w0.fma(t, b0);
      b1 = w1.fma(t, b1);
      t = FloatVector.broadcast(FLOATS, x.get(FLOAT, o + xc));
      c0 = w0.fma(t, c0);
      c1 = w1.fma(t, c1);
      t = FloatVector.broadcast(FLOATS, x.get(FLOAT, o + xd));
      d0 = w0.fma(t, d0);
      d1 = w1.fma(t, d1);
    }
    FloatVector s0 = FloatVector.fromMemorySegment(FLOATS, y, scale, ORDER);
    FloatVector s1 = FloatVector.fromMemorySegment(FLOATS, y, scale + BYTES, ORDER);
    s0.fma(a0, FloatVector.fromMemorySegment(FLOATS, y, acc, ORDER))
        .intoMemorySegment(y, acc, ORDER);
    s1.fma(a1, FloatVector.fromMemorySegment(FLOATS, y, acc + BYTES, ORDER))
        .intoMemorySegment(y, acc + BYTES, ORDER);
    s0.fma(b0, FloatVector.fromMemorySegment(FLOATS, y, acc + WORD_ROW, ORDER))
        .intoMemorySegment(y, acc + WORD_ROW, ORDER);
    s1.fma(b1, FloatVector.fromMemorySegment(FLOATS, y, acc + WORD_ROW + BYTES, ORDER))
        .intoMemorySegment(y, acc + WORD_ROW + BYTES, ORDER);
    s0.fma(c0, FloatVector.fromMemorySegment(FLOATS, y, acc + 2 * WORD_ROW, ORDER))
        .intoMemorySegment(y, acc + 2 * WORD_ROW, ORDER);
    s1.fma(c1, FloatVector.fromMemorySegment(FLOATS, y, acc + 2 * WORD_ROW + BYTES, ORDER))
        .intoMemorySegment(y, acc + 2 * WORD_ROW + BYTES, ORDER);
    s0.fma(d0, FloatVector.fromMemorySegment(FLOATS, y, acc + 3 * WORD_ROW, ORDER))
        .intoMemorySegment(y, acc + 3 * WORD_ROW, ORDER);
    s1.fma(d1, FloatVector.fromMemorySegment(FLOATS, y, acc + 3 * WORD_ROW + BYTES, ORDER))
        .intoMemorySegment(y, acc + 3 * WORD_ROW + BYTES, ORDER);
  }

  /** Two rows times one panel. */
  private static void two(
      MemorySegment p,
      long panel,
      int inputs,
      MemorySegment x,
      long x0,
      long step,
      MemorySegment y,
      long acc) {
    for (int k0 = 0; k0 < inputs; k0 += BLOCK) {
      int n = Math.min(BLOCK, inputs - k0);
      long xa = x0 + 4L * k0;
      long xb = xa + step;
      for (int c = 0; c < WORD_ROW; c += 2 * BYTES) {
        long at = panel + (long) k0 * WORD_ROW + c;
        FloatVector a0 = FloatVector.zero(FLOATS);
        FloatVector a1 = a0;
        FloatVector b0 = a0;
        FloatVector b1 = a0;
        for (int k = 0; k < n; k++) {
          long word = at + (long) k * WORD_ROW;
          FloatVector w0 = FloatVector.fromMemorySegment(FLOATS, p, word, ORDER);
          FloatVector w1 = FloatVector.fromMemorySegment(FLOATS, p, word + BYTES, ORDER);
          FloatVector t = FloatVector.broadcast(FLOATS, x.get(FLOAT, xa + 4L * k));
          a0 = w0.fma(t, a0);
          a1 = w1.fma(t, a1);
          t = FloatVector.broadcast(FLOATS, x.get(FLOAT, xb + 4L * k));
          b0 = w0.fma(t, b0);
          b1 = w1.fma(t, b1);
        }
        long scale = SCALE_BYTE + 4L * k0 + c;
        FloatVector s0 = FloatVector.fromMemorySegment(FLOATS, y, scale, ORDER);
        FloatVector s1 = FloatVector.fromMemorySegment(FLOATS, y, scale + BYTES, ORDER);
        s0.fma(a0, FloatVector.fromMemorySegment(FLOATS, y, acc + c, ORDER))
            .intoMemorySegment(y, acc + c, ORDER);
        s1.fma(a1, FloatVector.fromMemorySegment(FLOATS, y, acc + c + BYTES, ORDER))
            .intoMemorySegment(y, acc + c + BYTES, ORDER);
        s0.fma(b0, FloatVector.fromMemorySegment(FLOATS, y, acc + WORD_ROW + c, ORDER))
            .intoMemorySegment(y, acc + WORD_ROW + c, ORDER);
        s1.fma(b1, FloatVector.fromMemorySegment(FLOATS, y, acc + WORD_ROW + c + BYTES, ORDER))
            .intoMemorySegment(y, acc + WORD_ROW + c + BYTES, ORDER);
      }
    }
  }

  private static void clear(MemorySegment scratch, int rows) {
    FloatVector zero = FloatVector.zero(FLOATS);
    long end = ACC_BYTE + (long) Math.min(CHUNK, rows) * WORD_ROW;
    for (long at = ACC_BYTE; at < end; at += BYTES) {
      zero.intoMemorySegment(scratch, at, ORDER);
    }
  }

  private static void copyOut(
      MemorySegment scratch, int rows, int outs, MemorySegment y, long yByte, long yStep) {
    for (int row = 0; row < rows; row++) {
      long from = ACC_BYTE + (long) row * WORD_ROW;
      MemorySegment.copy(scratch, from, y, yByte + row * yStep, 4L * outs);
    }
  }
}
