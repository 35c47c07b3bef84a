package dev.serval.backend.cpu.kernel;

import static dev.serval.backend.cpu.kernel.Lanes.BYTES;
import static dev.serval.backend.cpu.kernel.Lanes.FLOATS;
import static dev.serval.backend.cpu.kernel.Lanes.INTS;
import static dev.serval.backend.cpu.kernel.Lanes.ORDER;
import static dev.serval.backend.cpu.kernel.PackedMatrix.BLOCK;
import static dev.serval.backend.cpu.kernel.Packing.SCALES;
import static dev.serval.backend.cpu.kernel.Packing.WORD_ROW;
import static dev.serval.backend.cpu.kernel.VectorCodecKernel.HALF_BITS;
import static dev.serval.backend.cpu.kernel.VectorExpandKernel.FRACTION;
import static dev.serval.backend.cpu.kernel.VectorExpandKernel.ONE;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.ROL;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * One row of activations times a tile of {@link Codes#BIASED_8} with an F16 scale per block. A code
 * costs a shift, a combination of bits and a multiply-add, and outputs stay in registers for the
 * whole tile: memory is read without a pause.
 *
 * <p>The loop over a block's words is none that C2 counts: it would take the first and the last
 * round out of it to be rid of checks in between, which for so few rounds costs more than the
 * checks.
 */
final class VectorBiasedKernel {

  /** Takes back one {@link Halves#REBIAS}, and what codes are divided by. */
  private static final float LAST = 1 / Halves.REBIAS / Codes.BIASED_8.unit();

  private VectorBiasedKernel() {}

  /**
   * A tile times a row.
   *
   * @param tile byte of the tile
   * @param x from {@code xAt} on the row, then what sums of its groups begin with
   * @param y receives the outputs [32]
   */
  static void multiply(BlockFormat f, PackedMatrix w, long tile, float[] x, int xAt, float[] y) {
    int unit = f.unitBytes();
    int blocks = w.in() / BLOCK;
    // a word of scales is that of row i in its lower half, of row i + 16 in its upper one
    for (int c = 0; c < SCALES; c += BYTES) {
      rows(w.data(), tile + c, unit, blocks, x, xAt, y, c / 4);
    }
  }

  /** A vector of rows and that of the rows 16 further. */
  private static void rows(
      MemorySegment w, long tile, int unit, int blocks, float[] x, int xAt, float[] y, int out) {
    FloatVector acc0 = FloatVector.zero(FLOATS);
    FloatVector acc1 = acc0;
    for (int b = 0; b < blocks; b++) {
      long head = tile + (long) b * unit;
      FloatVector s0 = FloatVector.broadcast(FLOATS, x[xAt + blocks * BLOCK + b]);
      FloatVector s1 = s0;
      long word = head + SCALES;
      int four = xAt + BLOCK * b;
      for (int left = 0b11111111; left != 0; left >>= 1) {
        IntVector v0 = IntVector.fromMemorySegment(INTS, w, word, ORDER);
        IntVector v1 = IntVector.fromMemorySegment(INTS, w, word + SCALES, ORDER);
        FloatVector t = FloatVector.broadcast(FLOATS, x[four]);
        s0 = v0.lanewise(LSHR, 8).and(FRACTION).or(ONE).reinterpretAsFloats().fma(t, s0);
        s1 = v1.lanewise(LSHR, 8).and(FRACTION).or(ONE).reinterpretAsFloats().fma(t, s1);
        t = FloatVector.broadcast(FLOATS, x[four + 1]);
        s0 = v0.and(FRACTION).or(ONE).reinterpretAsFloats().fma(t, s0);
        s1 = v1.and(FRACTION).or(ONE).reinterpretAsFloats().fma(t, s1);
        t = FloatVector.broadcast(FLOATS, x[four + 2]);
        s0 = v0.lanewise(LSHL, 8).and(FRACTION).or(ONE).reinterpretAsFloats().fma(t, s0);
        s1 = v1.lanewise(LSHL, 8).and(FRACTION).or(ONE).reinterpretAsFloats().fma(t, s1);
        t = FloatVector.broadcast(FLOATS, x[four + 3]);
        s0 = v0.lanewise(ROL, 16).and(FRACTION).or(ONE).reinterpretAsFloats().fma(t, s0);
        s1 = v1.lanewise(ROL, 16).and(FRACTION).or(ONE).reinterpretAsFloats().fma(t, s1);
        word += WORD_ROW;
        four += 4;
      }
      // the second factor makes infinities of what an F16 has no exponent for
      IntVector halves = IntVector.fromMemorySegment(INTS, w, head, ORDER);
      IntVector d = halves.lanewise(LSHL, 16).lanewise(ASHR, 3).and(HALF_BITS);
      acc0 = d.reinterpretAsFloats().mul(Halves.REBIAS).mul(Halves.REBIAS).mul(LAST).fma(s0, acc0);
      d = halves.lanewise(ASHR, 3).and(HALF_BITS);
      acc1 = d.reinterpretAsFloats().mul(Halves.REBIAS).mul(Halves.REBIAS).mul(LAST).fma(s1, acc1);
    }
    acc0.intoArray(y, out);
    acc1.intoArray(y, out + SCALES / 4);
  }
}
