package dev.serval.backend.cpu.kernel;

import static dev.serval.backend.cpu.kernel.Lanes.BYTES;
import static dev.serval.backend.cpu.kernel.Lanes.FLOAT;
import static dev.serval.backend.cpu.kernel.Lanes.FLOATS;
import static dev.serval.backend.cpu.kernel.Lanes.HALF_WORDS;
import static dev.serval.backend.cpu.kernel.Lanes.INT;
import static dev.serval.backend.cpu.kernel.Lanes.INTS;
import static dev.serval.backend.cpu.kernel.Lanes.ORDER;
import static dev.serval.backend.cpu.kernel.PackedMatrix.BLOCK;
import static dev.serval.backend.cpu.kernel.Packing.WORD_ROW;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;

/** Rounded rows of activations times a panel of 32 weight rows that was expanded to 16 bits. */
final class VectorRoundedTileKernel {

  private VectorRoundedTileKernel() {}

  /** Pairs of a group. */
  private static final int PAIRS = BLOCK / 2;

  /**
   * Adds a panel times n rows to outputs.
   *
   * @param inputs inputs of the panel, a multiple of 32
   * @param x rounded rows, {@code xStep} bytes apart; pairs of the first one from byte {@code
   *     pairs} on, scales from byte {@code scales} on
   * @param y scratch memory: the panel at byte 0, scales [groups, 32] at byte {@code scale},
   *     outputs [n, 32] at byte {@code accByte} with room for a multiple of 4 rows, room for sums
   *     [4, 32] of 32 bits at byte {@code sums}
   */
  static void multiply(
      int inputs,
      MemorySegment x,
      long pairs,
      long scales,
      long xStep,
      int n,
      MemorySegment y,
      long scale,
      long accByte,
      long sums) {
    for (int row = 0; row < n; row += 4) {
      // rows past the last one repeat it; their outputs are scratch memory nobody reads
      int last = Math.min(3, n - 1 - row);
      long xb = Math.min(1, last) * xStep;
      long xc = Math.min(2, last) * xStep;
      long xd = last * xStep;
      for (int b = 0; b < inputs / BLOCK; b++) {
        long panel = (long) b * PAIRS * WORD_ROW;
        long xa = pairs + row * xStep + (long) b * RoundedRow.PAIR_BYTES;
        for (int c = 0; c < WORD_ROW; c += 2 * BYTES) {
          four(panel + c, x, xa, xb, xc, xd, y, sums + c);
        }
        long d = scales + row * xStep + 4L * b;
        float da = x.get(FLOAT, d);
        float db = x.get(FLOAT, d + xb);
        float dc = x.get(FLOAT, d + xc);
        float dd = x.get(FLOAT, d + xd);
        add(y, sums, scale + (long) b * WORD_ROW, da, db, dc, dd, accByte + (long) row * WORD_ROW);
      }
    }
  }

  private static void four(
      long panel, MemorySegment x, long xa, long xb, long xc, long xd, MemorySegment y, long sums) {
    ShortVector a0 = ShortVector.zero(HALF_WORDS);
    ShortVector a1 = a0;
    ShortVector b0 = a0;
    ShortVector b1 = a0;
    ShortVector c0 = a0;
    ShortVector c1 = a0;
    ShortVector d0 = a0;
    ShortVector d1 = a0;
    for (int i = 0; i < PAIRS; i++) {
      long word = panel + (long) i * WORD_ROW;
      long o = xa + 4L * i;
      ShortVector w0 = ShortVector.fromMemorySegment(HALF_WORDS, y, word, ORDER);
      ShortVector w1 = ShortVector.fromMemorySegment(HALF_WORDS, y, word + BYTES, ORDER);
      ShortVector t = IntVector.broadcast(INTS, x.get(INT, o)).reinterpretAsShorts();
      a0 = a0.add(w0.mul(t));
      a1 = a1.add(w1.mul(t));
      t = IntVector.broadcast(INTS, x.get(INT, o + xb)).reinterpretAsShorts();
      b0 = b0.add(w0.mul(t));
      b1 = b1.add(w1.mul(t));
      t = IntVector.broadcast(INTS, x.get(INT, o + xc)).reinterpretAsShorts();
      c0 = c0.add(w0.mul(t));
      c1 = c1.add(w1.mul(t));
      t = IntVector.broadcast(INTS, x.get(INT, o + xd)).reinterpretAsShorts();
      d0 = d0.add(w0.mul(t));
      d1 = d1.add(w1.mul(t));
    }
    a0.intoMemorySegment(y, sums, ORDER);
    a1.intoMemorySegment(y, sums + BYTES, ORDER);
    b0.intoMemorySegment(y, sums + WORD_ROW, ORDER);
    b1.intoMemorySegment(y, sums + WORD_ROW + BYTES, ORDER);
    c0.intoMemorySegment(y, sums + 2 * WORD_ROW, ORDER);
    c1.intoMemorySegment(y, sums + 2 * WORD_ROW + BYTES, ORDER);
    d0.intoMemorySegment(y, sums + 3 * WORD_ROW, ORDER);
    d1.intoMemorySegment(y, sums + 3 * WORD_ROW + BYTES, ORDER);
  }

  /** Adds sums of four rows, times the scales of row and weights, to outputs. */
  private static void add(
      MemorySegment y, long sums, long scale, float da, float db, float dc, float dd, long acc) {
    for (int c = 0; c < WORD_ROW; c += BYTES) {
      FloatVector s = FloatVector.fromMemorySegment(FLOATS, y, scale + c, ORDER);
      long at = acc + c;
      IntVector v = IntVector.fromMemorySegment(INTS, y, sums + c, ORDER);
      v = v.lanewise(ASHR, 16).add(v.lanewise(LSHL, 16).lanewise(ASHR, 16));
      ((FloatVector) v.convertShape(I2F, FLOATS, 0))
          .mul(da)
          .fma(s, FloatVector.fromMemorySegment(FLOATS, y, at, ORDER))
          .intoMemorySegment(y, at, ORDER);
      v = IntVector.fromMemorySegment(INTS, y, sums + WORD_ROW + c, ORDER);
      v = v.lanewise(ASHR, 16).add(v.lanewise(LSHL, 16).lanewise(ASHR, 16));
      ((FloatVector) v.convertShape(I2F, FLOATS, 0))
          .mul(db)
          .fma(s, FloatVector.fromMemorySegment(FLOATS, y, at + WORD_ROW, ORDER))
          .intoMemorySegment(y, at + WORD_ROW, ORDER);
      v = IntVector.fromMemorySegment(INTS, y, sums + 2 * WORD_ROW + c, ORDER);
      v = v.lanewise(ASHR, 16).add(v.lanewise(LSHL, 16).lanewise(ASHR, 16));
      ((FloatVector) v.convertShape(I2F, FLOATS, 0))
          .mul(dc)
          .fma(s, FloatVector.fromMemorySegment(FLOATS, y, at + 2 * WORD_ROW, ORDER))
          .intoMemorySegment(y, at + 2 * WORD_ROW, ORDER);
      v = IntVector.fromMemorySegment(INTS, y, sums + 3 * WORD_ROW + c, ORDER);
      v = v.lanewise(ASHR, 16).add(v.lanewise(LSHL, 16).lanewise(ASHR, 16));
      ((FloatVector) v.convertShape(I2F, FLOATS, 0))
          .mul(dd)
          .fma(s, FloatVector.fromMemorySegment(FLOATS, y, at + 3 * WORD_ROW, ORDER))
          .intoMemorySegment(y, at + 3 * WORD_ROW, ORDER);
    }
  }
}
