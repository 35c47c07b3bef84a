package dev.serval.backend.cpu.kernel;

import static dev.serval.backend.cpu.kernel.Lanes.BYTES;
import static dev.serval.backend.cpu.kernel.Lanes.FLOAT;
import static dev.serval.backend.cpu.kernel.Lanes.FLOATS;
import static dev.serval.backend.cpu.kernel.Lanes.ORDER;
import static dev.serval.backend.cpu.kernel.Packing.WORD_ROW;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/** Rows of activations times a panel of 32 weight rows that was expanded to F32. */
final class VectorTileKernel {

  private VectorTileKernel() {}

  /**
   * Adds a panel times n rows to outputs.
   *
   * @param p panel [inputs, 32] F32 at byte {@code panel}
   * @param group inputs that share a scale
   * @param x rows of activations, {@code xStep} bytes apart
   * @param y scales [groups, 32] at byte {@code scale}, outputs [n, 32] at byte {@code accByte},
   *     with room for a multiple of 4 rows
   */
  static void multiply(
      MemorySegment p,
      long panel,
      int inputs,
      int group,
      MemorySegment x,
      long xByte,
      long xStep,
      int n,
      MemorySegment y,
      long scale,
      long accByte) {
    for (int row = 0; row < n; ) {
      long x0 = xByte + row * xStep;
      long acc = accByte + (long) row * WORD_ROW;
      if (n - row > 2) {
        // rows past the last one repeat it; their outputs are scratch memory nobody reads
        int last = Math.min(3, n - 1 - row);
        four(p, panel, inputs, group, x, x0, xStep, last, y, scale, acc);
        row += 4;
      } else {
        two(p, panel, inputs, group, x, x0, n - row > 1 ? xStep : 0, y, scale, acc);
        row += 2;
      }
    }
  }

  /** Four rows times one panel; sums of a block stay in registers, outputs in memory. */
  private static void four(
      MemorySegment p,
      long panel,
      int inputs,
      int group,
      MemorySegment x,
      long x0,
      long step,
      int last,
      MemorySegment y,
      long scale,
      long acc) {
    long xb = Math.min(1, last) * step;
    long xc = Math.min(2, last) * step;
    long xd = Math.min(3, last) * step;
    for (int k0 = 0; k0 < inputs; k0 += group) {
      int n = Math.min(group, inputs - k0);
      long o = 4L * k0;
      for (int c = 0; c < WORD_ROW; c += 2 * BYTES) {
        long at = panel + (long) k0 * WORD_ROW + c;
        fourBlock(
            p,
            at,
            n,
            x,
            x0 + o,
            xb,
            xc,
            xd,
            y,
            scale + (long) (k0 / group) * WORD_ROW + c,
            acc + c);
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
      int group,
      MemorySegment x,
      long x0,
      long step,
      MemorySegment y,
      long scale,
      long acc) {
    for (int k0 = 0; k0 < inputs; k0 += group) {
      int n = Math.min(group, inputs - k0);
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
        long scales = scale + (long) (k0 / group) * WORD_ROW + c;
        FloatVector s0 = FloatVector.fromMemorySegment(FLOATS, y, scales, ORDER);
        FloatVector s1 = FloatVector.fromMemorySegment(FLOATS, y, scales + BYTES, ORDER);
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
}
