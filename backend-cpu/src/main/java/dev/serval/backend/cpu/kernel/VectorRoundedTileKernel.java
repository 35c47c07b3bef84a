package dev.serval.backend.cpu.kernel;

import static dev.serval.backend.cpu.kernel.Lanes.FLOAT;
import static dev.serval.backend.cpu.kernel.Lanes.FLOATS;
import static dev.serval.backend.cpu.kernel.Lanes.HALF_WORDS;
import static dev.serval.backend.cpu.kernel.Lanes.INTS;
import static dev.serval.backend.cpu.kernel.Lanes.LENGTH;
import static dev.serval.backend.cpu.kernel.PackedMatrix.BLOCK;
import static dev.serval.backend.cpu.kernel.PackedMatrix.TILE_ROWS;
import static dev.serval.backend.cpu.kernel.TileScratch.WIDTH;
import static jdk.incubator.vector.VectorOperators.LSHR;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;

/**
 * Rounded rows of activations times panels of 32 weight rows that were expanded to 16 bits, as
 * {@link VectorTileKernel} does it with F32.
 */
final class VectorRoundedTileKernel {

  private VectorRoundedTileKernel() {}

  /** Pairs of a group. */
  private static final int PAIRS = BLOCK / 2;

  /** What sums of 16 bits begin with: then they are 0..65535. */
  private static final short BIAS = Short.MIN_VALUE;

  /** The bits of 2²³: with a number below that in the low bits, the bits of their sum. */
  private static final int MAGIC = 0x4b000000;

  /** What the two halves of a sum are too large by, as floats with {@link #MAGIC}. */
  private static final float MAGIC_VALUE = 0x1p23f + 0x1p16f;

  /**
   * Adds the panel in {@code t.codes} times n rows to outputs.
   *
   * @param tiles 1, or 2 if vectors have 16 lanes
   * @param groups groups of the panel
   * @param pairs rounded rows: pair i of row r is element {@code pairsAt + r · pairsStride + i}
   * @param x scales of the rows, from byte {@code scales} on, rows {@code xStep} bytes apart
   * @param firstScale the panel's first group among the scales of weights
   * @param t has scales [groups, 32 · tiles] and outputs [n, 32 · tiles]
   */
  static void multiply(
      int tiles,
      int groups,
      int[] pairs,
      int pairsAt,
      int pairsStride,
      MemorySegment x,
      long scales,
      long xStep,
      int n,
      int firstScale,
      TileScratch t) {
    int width = tiles * TILE_ROWS;
    for (int row = 0; row < n; row += 4) {
      // rows past the last one repeat it; nobody reads their outputs
      int last = Math.min(3, n - 1 - row);
      for (int g = 0; g < groups; g++) {
        int at = g * PAIRS * 2 * width;
        int xa = pairsAt + row * pairsStride + g * PAIRS;
        int xb = xa + Math.min(1, last) * pairsStride;
        int xc = xa + Math.min(2, last) * pairsStride;
        int xd = xa + last * pairsStride;
        int to = g * 4 * 2 * width;
        if (tiles == 2) {
          four(t.codes, at, pairs, xa, xb, xc, xd, t.sums, to);
          continue;
        }
        for (int i = 0; i < TILE_ROWS; i += 2 * LENGTH) {
          two(t.codes, at + 2 * i, pairs, xa, xb, xc, xd, t.sums, to + 2 * i, 2 * width);
        }
      }
      for (int r = 0; r <= last; r++) {
        long d = scales + (row + r) * xStep;
        int first = firstScale * width;
        int acc = (row + r) * width;
        add(x, d, groups, width, t.sums, r * 2 * width, t.scales, first, t.outputs, acc);
      }
    }
  }

  /**
   * Adds the sums of a row, times the scales of row and weights, to its outputs.
   *
   * @param d byte of the row's first scale
   * @param from first sum of the row in {@code sums}, [groups, 4 rows, 2 · width]
   */
  private static void add(
      MemorySegment x,
      long d,
      int groups,
      int width,
      short[] sums,
      int from,
      float[] scales,
      int scale,
      float[] y,
      int acc) {
    int g = 0;
    for (; g + 4 <= groups; g += 4) {
      float d0 = x.get(FLOAT, d + 4L * g);
      float d1 = x.get(FLOAT, d + 4L * g + 4);
      float d2 = x.get(FLOAT, d + 4L * g + 8);
      float d3 = x.get(FLOAT, d + 4L * g + 12);
      int sum = from + g * 8 * width;
      addFour(d0, d1, d2, d3, width, sums, sum, scales, scale + g * width, y, acc);
    }
    for (; g < groups; g++) {
      addOne(
          x.get(FLOAT, d + 4L * g),
          width,
          sums,
          from + g * 8 * width,
          scales,
          scale + g * width,
          y,
          acc);
    }
  }

  /** Four groups. */
  private static void addFour(
      float d0,
      float d1,
      float d2,
      float d3,
      int width,
      short[] sums,
      int from,
      float[] scales,
      int scale,
      float[] y,
      int acc) {
    int at = from;
    int c = 0;
    // as often as width has vectors, and no counted loop: see VectorBiasedKernel
    for (int left = (1 << (width / LENGTH)) - 1; left != 0; left >>= 1) {
      FloatVector out = FloatVector.fromArray(FLOATS, y, acc + c);
      IntVector v = ShortVector.fromArray(HALF_WORDS, sums, at).reinterpretAsInts();
      v = v.lanewise(LSHR, 16).add(v.and(0xffff).or(MAGIC));
      FloatVector s = FloatVector.fromArray(FLOATS, scales, scale + c);
      out = v.reinterpretAsFloats().sub(MAGIC_VALUE).mul(d0).fma(s, out);
      v = ShortVector.fromArray(HALF_WORDS, sums, at + 8 * width).reinterpretAsInts();
      v = v.lanewise(LSHR, 16).add(v.and(0xffff).or(MAGIC));
      s = FloatVector.fromArray(FLOATS, scales, scale + c + width);
      out = v.reinterpretAsFloats().sub(MAGIC_VALUE).mul(d1).fma(s, out);
      v = ShortVector.fromArray(HALF_WORDS, sums, at + 16 * width).reinterpretAsInts();
      v = v.lanewise(LSHR, 16).add(v.and(0xffff).or(MAGIC));
      s = FloatVector.fromArray(FLOATS, scales, scale + c + 2 * width);
      out = v.reinterpretAsFloats().sub(MAGIC_VALUE).mul(d2).fma(s, out);
      v = ShortVector.fromArray(HALF_WORDS, sums, at + 24 * width).reinterpretAsInts();
      v = v.lanewise(LSHR, 16).add(v.and(0xffff).or(MAGIC));
      s = FloatVector.fromArray(FLOATS, scales, scale + c + 3 * width);
      out = v.reinterpretAsFloats().sub(MAGIC_VALUE).mul(d3).fma(s, out);
      out.intoArray(y, acc + c);
      at += 2 * LENGTH;
      c += LENGTH;
    }
  }

  private static void addOne(
      float d, int width, short[] sums, int from, float[] scales, int scale, float[] y, int acc) {
    for (int c = 0; c < width; c += LENGTH) {
      IntVector v = ShortVector.fromArray(HALF_WORDS, sums, from + 2 * c).reinterpretAsInts();
      v = v.lanewise(LSHR, 16).add(v.and(0xffff).or(MAGIC));
      FloatVector s = FloatVector.fromArray(FLOATS, scales, scale + c);
      FloatVector out = FloatVector.fromArray(FLOATS, y, acc + c);
      v.reinterpretAsFloats().sub(MAGIC_VALUE).mul(d).fma(s, out).intoArray(y, acc + c);
    }
  }

  /** Sums of a group, four vectors of weight rows. */
  private static void four(
      short[] p, int at, int[] x, int xa, int xb, int xc, int xd, short[] sums, int to) {
    ShortVector a0 = ShortVector.broadcast(HALF_WORDS, BIAS);
    ShortVector a1 = a0;
    ShortVector a2 = a0;
    ShortVector a3 = a0;
    ShortVector b0 = a0;
    ShortVector b1 = a0;
    ShortVector b2 = a0;
    ShortVector b3 = a0;
    ShortVector c0 = a0;
    ShortVector c1 = a0;
    ShortVector c2 = a0;
    ShortVector c3 = a0;
    ShortVector d0 = a0;
    ShortVector d1 = a0;
    ShortVector d2 = a0;
    ShortVector d3 = a0;
    for (int i = 0; i < PAIRS; i++) {
      int pair = at + i * 2 * WIDTH;
      ShortVector w0 = ShortVector.fromArray(HALF_WORDS, p, pair);
      ShortVector w1 = ShortVector.fromArray(HALF_WORDS, p, pair + 2 * LENGTH);
      ShortVector w2 = ShortVector.fromArray(HALF_WORDS, p, pair + 4 * LENGTH);
      ShortVector w3 = ShortVector.fromArray(HALF_WORDS, p, pair + 6 * LENGTH);
      ShortVector t = IntVector.broadcast(INTS, x[xa + i]).reinterpretAsShorts();
      a0 = a0.add(w0.mul(t));
      a1 = a1.add(w1.mul(t));
      a2 = a2.add(w2.mul(t));
      a3 = a3.add(w3.mul(t));
      t = IntVector.broadcast(INTS, x[xb + i]).reinterpretAsShorts();
      b0 = b0.add(w0.mul(t));
      b1 = b1.add(w1.mul(t));
      b2 = b2.add(w2.mul(t));
      b3 = b3.add(w3.mul(t));
      t = IntVector.broadcast(INTS, x[xc + i]).reinterpretAsShorts();
      c0 = c0.add(w0.mul(t));
      c1 = c1.add(w1.mul(t));
      c2 = c2.add(w2.mul(t));
      c3 = c3.add(w3.mul(t));
      t = IntVector.broadcast(INTS, x[xd + i]).reinterpretAsShorts();
      d0 = d0.add(w0.mul(t));
      d1 = d1.add(w1.mul(t));
      d2 = d2.add(w2.mul(t));
      d3 = d3.add(w3.mul(t));
    }
    a0.intoArray(sums, to);
    a1.intoArray(sums, to + 2 * LENGTH);
    a2.intoArray(sums, to + 4 * LENGTH);
    a3.intoArray(sums, to + 6 * LENGTH);
    b0.intoArray(sums, to + 2 * WIDTH);
    b1.intoArray(sums, to + 2 * WIDTH + 2 * LENGTH);
    b2.intoArray(sums, to + 2 * WIDTH + 4 * LENGTH);
    b3.intoArray(sums, to + 2 * WIDTH + 6 * LENGTH);
    c0.intoArray(sums, to + 4 * WIDTH);
    c1.intoArray(sums, to + 4 * WIDTH + 2 * LENGTH);
    c2.intoArray(sums, to + 4 * WIDTH + 4 * LENGTH);
    c3.intoArray(sums, to + 4 * WIDTH + 6 * LENGTH);
    d0.intoArray(sums, to + 6 * WIDTH);
    d1.intoArray(sums, to + 6 * WIDTH + 2 * LENGTH);
    d2.intoArray(sums, to + 6 * WIDTH + 4 * LENGTH);
    d3.intoArray(sums, to + 6 * WIDTH + 6 * LENGTH);
  }

  /** Sums of a group, two vectors of weight rows. */
  private static void two(
      short[] p, int at, int[] x, int xa, int xb, int xc, int xd, short[] sums, int to, int width) {
    ShortVector a0 = ShortVector.broadcast(HALF_WORDS, BIAS);
    ShortVector a1 = a0;
    ShortVector b0 = a0;
    ShortVector b1 = a0;
    ShortVector c0 = a0;
    ShortVector c1 = a0;
    ShortVector d0 = a0;
    ShortVector d1 = a0;
    for (int i = 0; i < PAIRS; i++) {
      int pair = at + i * width;
      ShortVector w0 = ShortVector.fromArray(HALF_WORDS, p, pair);
      ShortVector w1 = ShortVector.fromArray(HALF_WORDS, p, pair + 2 * LENGTH);
      ShortVector t = IntVector.broadcast(INTS, x[xa + i]).reinterpretAsShorts();
      a0 = a0.add(w0.mul(t));
      a1 = a1.add(w1.mul(t));
      t = IntVector.broadcast(INTS, x[xb + i]).reinterpretAsShorts();
      b0 = b0.add(w0.mul(t));
      b1 = b1.add(w1.mul(t));
      t = IntVector.broadcast(INTS, x[xc + i]).reinterpretAsShorts();
      c0 = c0.add(w0.mul(t));
      c1 = c1.add(w1.mul(t));
      t = IntVector.broadcast(INTS, x[xd + i]).reinterpretAsShorts();
      d0 = d0.add(w0.mul(t));
      d1 = d1.add(w1.mul(t));
    }
    a0.intoArray(sums, to);
    a1.intoArray(sums, to + 2 * LENGTH);
    b0.intoArray(sums, to + width);
    b1.intoArray(sums, to + width + 2 * LENGTH);
    c0.intoArray(sums, to + 2 * width);
    c1.intoArray(sums, to + 2 * width + 2 * LENGTH);
    d0.intoArray(sums, to + 3 * width);
    d1.intoArray(sums, to + 3 * width + 2 * LENGTH);
  }
}
