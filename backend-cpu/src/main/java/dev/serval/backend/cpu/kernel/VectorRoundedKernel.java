package dev.serval.backend.cpu.kernel;

import static dev.serval.backend.cpu.kernel.Lanes.BYTES;
import static dev.serval.backend.cpu.kernel.Lanes.FLOAT;
import static dev.serval.backend.cpu.kernel.Lanes.FLOATS;
import static dev.serval.backend.cpu.kernel.Lanes.INT;
import static dev.serval.backend.cpu.kernel.Lanes.INTS;
import static dev.serval.backend.cpu.kernel.Lanes.ORDER;
import static dev.serval.backend.cpu.kernel.PackedMatrix.BLOCK;
import static dev.serval.backend.cpu.kernel.Packing.SCALES;
import static dev.serval.backend.cpu.kernel.Packing.WORD_ROW;
import static dev.serval.backend.cpu.kernel.VectorCodecKernel.HALF_BITS;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.MAX;
import static jdk.incubator.vector.VectorOperators.XOR;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;

/**
 * Rounds activations, and multiplies one rounded row with some blocks of a tile of 4-bit codes. A
 * lane of 16 bits is half a word of a weight row: it sums 16 of the 32 products of a group, which
 * fit; the two halves are then added in 32 bits.
 */
final class VectorRoundedKernel {

  /** The lowest code of either half of a word. */
  private static final int NIBBLES = 0x000f000f;

  /** The signs of all codes of a word: without them −8..7 become 0..15. */
  private static final int SIGNS = 0x88888888;

  /** Pairs of a group. */
  private static final int PAIRS = BLOCK / 2;

  /** What a code of 4 bits without its sign is too large by. */
  private static final short MIDDLE = 8;

  private VectorRoundedKernel() {}

  /**
   * Rounds a row, see {@link RoundedRow}.
   *
   * @param x activations at byte {@code xByte}
   * @param in elements, a multiple of 32
   * @param row receives the row from byte {@code at} on
   * @param scratch 32 ints
   */
  static void round(
      MemorySegment x, long xByte, int in, MemorySegment row, long at, MemorySegment scratch) {
    long scale = at + RoundedRow.scales(in);
    long sum = at + RoundedRow.sums(in);
    for (int b = 0; b < in / BLOCK; b++) {
      long from = xByte + 4L * BLOCK * b;
      float most = largest(x, from);
      round(x, from, RoundedRow.inverse(most), scratch);
      long bias = at + RoundedRow.biases(in) + 4L * b;
      RoundedRow.pack(scratch, 0, row, at + (long) b * RoundedRow.PAIR_BYTES, bias);
      row.set(FLOAT, scale + 4L * b, RoundedRow.scale(most));
      row.set(FLOAT, sum + 4L * b, Sums.ofGroup(x, from, BLOCK));
    }
  }

  /** The largest magnitude of a group; a NaN is larger than all numbers. */
  private static float largest(MemorySegment x, long from) {
    IntVector most = IntVector.zero(INTS);
    for (int i = 0; i < 4 * BLOCK; i += BYTES) {
      most = most.max(IntVector.fromMemorySegment(INTS, x, from + i, ORDER).and(0x7fffffff));
    }
    return Float.intBitsToFloat(most.reduceLanes(MAX));
  }

  private static void round(MemorySegment x, long from, float inverse, MemorySegment q) {
    IntVector rounder = IntVector.broadcast(INTS, Float.floatToRawIntBits(RoundedRow.ROUNDER));
    for (int i = 0; i < 4 * BLOCK; i += BYTES) {
      FloatVector v = FloatVector.fromMemorySegment(FLOATS, x, from + i, ORDER).mul(inverse);
      v.add(RoundedRow.ROUNDER).reinterpretAsInts().sub(rounder).intoMemorySegment(q, i, ORDER);
    }
  }

  /**
   * Sums of a row times the codes of blocks {@code from} until {@code until} of a tile: y [until −
   * from, 32], in each word two 16-bit numbers whose sum is wanted.
   */
  static void sums(
      BlockFormat f,
      MemorySegment w,
      long tile,
      int from,
      int until,
      MemorySegment row,
      long at,
      int in,
      MemorySegment y) {
    long biases = at + RoundedRow.biases(in);
    for (int b = from; b < until; b++) {
      long words = tile + f.wordsOf(b);
      long pairs = at + (long) b * RoundedRow.PAIR_BYTES;
      for (int c = 0; c < WORD_ROW; c += 2 * BYTES) {
        ShortVector s0 =
            IntVector.broadcast(INTS, row.get(INT, biases + 4L * b)).reinterpretAsShorts();
        ShortVector s1 = s0;
        long word = words + c;
        long pair = pairs;
        // four times, and no counted loop: see VectorBiasedKernel
        for (int left = 0b1111; left != 0; left >>= 1) {
          IntVector v0 = IntVector.fromMemorySegment(INTS, w, word, ORDER).lanewise(XOR, SIGNS);
          IntVector v1 =
              IntVector.fromMemorySegment(INTS, w, word + BYTES, ORDER).lanewise(XOR, SIGNS);
          ShortVector t;
          t = IntVector.broadcast(INTS, row.get(INT, pair)).reinterpretAsShorts();
          s0 = s0.add(v0.lanewise(LSHR, 12).and(NIBBLES).reinterpretAsShorts().mul(t));
          s1 = s1.add(v1.lanewise(LSHR, 12).and(NIBBLES).reinterpretAsShorts().mul(t));
          t = IntVector.broadcast(INTS, row.get(INT, pair + 4)).reinterpretAsShorts();
          s0 = s0.add(v0.lanewise(LSHR, 8).and(NIBBLES).reinterpretAsShorts().mul(t));
          s1 = s1.add(v1.lanewise(LSHR, 8).and(NIBBLES).reinterpretAsShorts().mul(t));
          t = IntVector.broadcast(INTS, row.get(INT, pair + 8)).reinterpretAsShorts();
          s0 = s0.add(v0.lanewise(LSHR, 4).and(NIBBLES).reinterpretAsShorts().mul(t));
          s1 = s1.add(v1.lanewise(LSHR, 4).and(NIBBLES).reinterpretAsShorts().mul(t));
          t = IntVector.broadcast(INTS, row.get(INT, pair + 12)).reinterpretAsShorts();
          s0 = s0.add(v0.and(NIBBLES).reinterpretAsShorts().mul(t));
          s1 = s1.add(v1.and(NIBBLES).reinterpretAsShorts().mul(t));
          word += WORD_ROW;
          pair += 16;
        }
        long sum = (long) (b - from) * WORD_ROW + c;
        s0.intoMemorySegment(y, sum, ORDER);
        s1.intoMemorySegment(y, sum + BYTES, ORDER);
      }
    }
  }

  /**
   * A tile whose blocks have one F16 scale each, times a row; outputs stay in registers meanwhile.
   *
   * @param in inputs of the tile
   * @param x has the rounded row from {@code row} on, as ints
   * @param y receives the outputs [32]
   */
  static void multiply(
      BlockFormat f, MemorySegment w, long tile, int in, int[] x, int row, float[] y) {
    // a word of scales is that of row i in its lower half, of row i + 16 in its upper one
    for (int c = 0; c < SCALES; c += BYTES) {
      rows(w, tile + c, f.unitBytes(), in, x, row, y, c / 4);
    }
  }

  /** A vector of weight rows and that of the rows 16 further. */
  private static void rows(
      MemorySegment w, long tile, int unit, int in, int[] x, int row, float[] y, int out) {
    int biases = row + (int) (RoundedRow.biases(in) / 4);
    int scales = row + (int) (RoundedRow.scales(in) / 4);
    FloatVector acc0 = FloatVector.zero(FLOATS);
    FloatVector acc1 = acc0;
    for (int b = 0; b < in / BLOCK; b++) {
      long head = tile + (long) b * unit;
      ShortVector s0 = IntVector.broadcast(INTS, x[biases + b]).reinterpretAsShorts();
      ShortVector s1 = s0;
      long word = head + SCALES;
      int pair = row + b * PAIRS;
      // four times, and no counted loop: see VectorBiasedKernel
      for (int left = 0b1111; left != 0; left >>= 1) {
        IntVector v0 = IntVector.fromMemorySegment(INTS, w, word, ORDER).lanewise(XOR, SIGNS);
        IntVector v1 =
            IntVector.fromMemorySegment(INTS, w, word + SCALES, ORDER).lanewise(XOR, SIGNS);
        ShortVector t;
        t = IntVector.broadcast(INTS, x[pair]).reinterpretAsShorts();
        s0 = s0.add(v0.lanewise(LSHR, 12).and(NIBBLES).reinterpretAsShorts().mul(t));
        s1 = s1.add(v1.lanewise(LSHR, 12).and(NIBBLES).reinterpretAsShorts().mul(t));
        t = IntVector.broadcast(INTS, x[pair + 1]).reinterpretAsShorts();
        s0 = s0.add(v0.lanewise(LSHR, 8).and(NIBBLES).reinterpretAsShorts().mul(t));
        s1 = s1.add(v1.lanewise(LSHR, 8).and(NIBBLES).reinterpretAsShorts().mul(t));
        t = IntVector.broadcast(INTS, x[pair + 2]).reinterpretAsShorts();
        s0 = s0.add(v0.lanewise(LSHR, 4).and(NIBBLES).reinterpretAsShorts().mul(t));
        s1 = s1.add(v1.lanewise(LSHR, 4).and(NIBBLES).reinterpretAsShorts().mul(t));
        t = IntVector.broadcast(INTS, x[pair + 3]).reinterpretAsShorts();
        s0 = s0.add(v0.and(NIBBLES).reinterpretAsShorts().mul(t));
        s1 = s1.add(v1.and(NIBBLES).reinterpretAsShorts().mul(t));
        word += WORD_ROW;
        pair += 4;
      }
      FloatVector d = FloatVector.broadcast(FLOATS, Float.intBitsToFloat(x[scales + b]));
      IntVector halves = IntVector.fromMemorySegment(INTS, w, head, ORDER);
      // the second factor makes infinities of what an F16 has no exponent for
      FloatVector scale =
          halves
              .lanewise(LSHL, 16)
              .lanewise(ASHR, 3)
              .and(HALF_BITS)
              .reinterpretAsFloats()
              .mul(Halves.REBIAS)
              .mul(Halves.REBIAS)
              .mul(1 / Halves.REBIAS);
      IntVector v = s0.reinterpretAsInts();
      v = v.lanewise(ASHR, 16).add(v.lanewise(LSHL, 16).lanewise(ASHR, 16));
      acc0 = ((FloatVector) v.convertShape(I2F, FLOATS, 0)).mul(d).fma(scale, acc0);
      scale =
          halves
              .lanewise(ASHR, 3)
              .and(HALF_BITS)
              .reinterpretAsFloats()
              .mul(Halves.REBIAS)
              .mul(Halves.REBIAS)
              .mul(1 / Halves.REBIAS);
      v = s1.reinterpretAsInts();
      v = v.lanewise(ASHR, 16).add(v.lanewise(LSHL, 16).lanewise(ASHR, 16));
      acc1 = ((FloatVector) v.convertShape(I2F, FLOATS, 0)).mul(d).fma(scale, acc1);
    }
    acc0.intoArray(y, out);
    acc1.intoArray(y, out + SCALES / 4);
  }

  /**
   * Adds what {@link #sums} wrote, times the scales of the row and of the weights, to the outputs
   * of one row.
   *
   * @param scales byte of the first group's scale in {@code row}
   * @param y the sums from byte 0 on, scales of the weights from byte {@code scale} on, outputs
   *     from byte {@code acc} on
   */
  static void addScaled(
      MemorySegment row, long scales, int groups, MemorySegment y, long scale, long acc) {
    for (int c = 0; c < WORD_ROW; c += 2 * BYTES) {
      FloatVector acc0 = FloatVector.fromMemorySegment(FLOATS, y, acc + c, ORDER);
      FloatVector acc1 = FloatVector.fromMemorySegment(FLOATS, y, acc + c + BYTES, ORDER);
      for (int g = 0; g < groups; g++) {
        FloatVector d = FloatVector.broadcast(FLOATS, row.get(FLOAT, scales + 4L * g));
        long at = (long) g * WORD_ROW + c;
        IntVector v = IntVector.fromMemorySegment(INTS, y, at, ORDER);
        v = v.lanewise(ASHR, 16).add(v.lanewise(LSHL, 16).lanewise(ASHR, 16));
        FloatVector s = FloatVector.fromMemorySegment(FLOATS, y, scale + at, ORDER);
        acc0 = ((FloatVector) v.convertShape(I2F, FLOATS, 0)).mul(d).fma(s, acc0);
        v = IntVector.fromMemorySegment(INTS, y, at + BYTES, ORDER);
        v = v.lanewise(ASHR, 16).add(v.lanewise(LSHL, 16).lanewise(ASHR, 16));
        s = FloatVector.fromMemorySegment(FLOATS, y, scale + at + BYTES, ORDER);
        acc1 = ((FloatVector) v.convertShape(I2F, FLOATS, 0)).mul(d).fma(s, acc1);
      }
      acc0.intoMemorySegment(y, acc + c, ORDER);
      acc1.intoMemorySegment(y, acc + c + BYTES, ORDER);
    }
  }

  /**
   * Codes of n inputs as 16-bit numbers, for each pair of a rounded row both halves of 32 rows.
   *
   * @param to first element in {@code p}
   * @param width elements from a pair to the next one
   */
  static void expand(MemorySegment w, long from, int n, short[] p, int to, int width) {
    for (int g = 0; g < n / 8; g++) {
      for (int c = 0; c < WORD_ROW; c += BYTES) {
        int out = to + 4 * g * width + c / 2;
        IntVector v =
            IntVector.fromMemorySegment(INTS, w, from + (long) g * WORD_ROW + c, ORDER)
                .lanewise(XOR, SIGNS);
        v.lanewise(LSHR, 12).and(NIBBLES).reinterpretAsShorts().sub(MIDDLE).intoArray(p, out);
        v.lanewise(LSHR, 8)
            .and(NIBBLES)
            .reinterpretAsShorts()
            .sub(MIDDLE)
            .intoArray(p, out + width);
        v.lanewise(LSHR, 4)
            .and(NIBBLES)
            .reinterpretAsShorts()
            .sub(MIDDLE)
            .intoArray(p, out + 2 * width);
        v.and(NIBBLES).reinterpretAsShorts().sub(MIDDLE).intoArray(p, out + 3 * width);
      }
    }
  }
}
