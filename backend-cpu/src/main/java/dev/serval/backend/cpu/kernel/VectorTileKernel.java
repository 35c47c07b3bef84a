package dev.serval.backend.cpu.kernel;

import static dev.serval.backend.cpu.kernel.Lanes.FLOAT;
import static dev.serval.backend.cpu.kernel.Lanes.FLOATS;
import static dev.serval.backend.cpu.kernel.Lanes.LENGTH;
import static dev.serval.backend.cpu.kernel.PackedMatrix.TILE_ROWS;
import static dev.serval.backend.cpu.kernel.TileScratch.WIDTH;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/**
 * Rows of activations times panels of 32 weight rows that were expanded to F32: four rows and four
 * vectors of weight rows at a time, or two vectors where a tile is alone or vectors are narrow. As
 * many sums must be under way as a core can start multiply-adds before the first one ends.
 */
final class VectorTileKernel {

  private VectorTileKernel() {}

  /**
   * Adds a panel times n rows to outputs.
   *
   * @param p panel [inputs, 32 · tiles]
   * @param tiles 1, or 2 if vectors have 16 lanes
   * @param group inputs that share a scale
   * @param x rows of activations: input k of row r is element {@code xAt + r · xStride + k}
   * @param starts what sums of the first group begin with, at byte {@code start} and for further
   *     rows {@code startStep} bytes apart; they begin with 0 if {@code start} is negative
   * @param s scales [groups, 32 · tiles], of which {@code firstScale} is the panel's first
   * @param t has outputs [n, 32 · tiles]
   */
  static void multiply(
      float[] p,
      int tiles,
      int inputs,
      int group,
      float[] x,
      int xAt,
      int xStride,
      int n,
      MemorySegment starts,
      long start,
      long startStep,
      float[] s,
      int firstScale,
      TileScratch t) {
    int width = tiles * TILE_ROWS;
    for (int row = 0; row < n; row += 4) {
      // rows past the last one repeat it; nobody reads their outputs
      int last = Math.min(3, n - 1 - row);
      int b = Math.min(1, last);
      int c = Math.min(2, last);
      long s0 = start + row * startStep;
      float a0 = 0;
      float b0 = 0;
      float c0 = 0;
      float d0 = 0;
      for (int k0 = 0; k0 < inputs; k0 += group) {
        if (start >= 0) {
          a0 = starts.get(FLOAT, s0);
          b0 = starts.get(FLOAT, s0 + b * startStep);
          c0 = starts.get(FLOAT, s0 + c * startStep);
          d0 = starts.get(FLOAT, s0 + last * startStep);
          s0 += 4;
        }
        int k = Math.min(group, inputs - k0);
        int at = k0 * width;
        int xa = xAt + row * xStride + k0;
        int xb = xa + b * xStride;
        int xc = xa + c * xStride;
        int xd = xa + last * xStride;
        int scale = (firstScale + k0 / group) * width;
        int acc = row * width;
        if (tiles == 2) {
          four(p, at, k, x, xa, xb, xc, xd, a0, b0, c0, d0, s, scale, t.outputs, acc);
          continue;
        }
        for (int i = 0; i < TILE_ROWS; i += 2 * LENGTH) {
          int out = acc + i;
          two(p, at + i, k, x, xa, xb, xc, xd, a0, b0, c0, d0, s, scale + i, t.outputs, out, width);
        }
      }
    }
  }

  /** A group, four vectors of weight rows; its sums stay in registers. */
  private static void four(
      float[] p,
      int at,
      int n,
      float[] x,
      int xa,
      int xb,
      int xc,
      int xd,
      float a,
      float b,
      float c,
      float d,
      float[] s,
      int scale,
      float[] y,
      int acc) {
    FloatVector a0 = FloatVector.broadcast(FLOATS, a);
    FloatVector a1 = a0;
    FloatVector a2 = a0;
    FloatVector a3 = a0;
    FloatVector b0 = FloatVector.broadcast(FLOATS, b);
    FloatVector b1 = b0;
    FloatVector b2 = b0;
    FloatVector b3 = b0;
    FloatVector c0 = FloatVector.broadcast(FLOATS, c);
    FloatVector c1 = c0;
    FloatVector c2 = c0;
    FloatVector c3 = c0;
    FloatVector d0 = FloatVector.broadcast(FLOATS, d);
    FloatVector d1 = d0;
    FloatVector d2 = d0;
    FloatVector d3 = d0;
    for (int k = 0; k < n; k++) {
      int in = at + k * WIDTH;
      FloatVector w0 = FloatVector.fromArray(FLOATS, p, in);
      FloatVector w1 = FloatVector.fromArray(FLOATS, p, in + LENGTH);
      FloatVector w2 = FloatVector.fromArray(FLOATS, p, in + 2 * LENGTH);
      FloatVector w3 = FloatVector.fromArray(FLOATS, p, in + 3 * LENGTH);
      FloatVector t = FloatVector.broadcast(FLOATS, x[xa + k]);
      a0 = w0.fma(t, a0);
      a1 = w1.fma(t, a1);
      a2 = w2.fma(t, a2);
      a3 = w3.fma(t, a3);
      t = FloatVector.broadcast(FLOATS, x[xb + k]);
      b0 = w0.fma(t, b0);
      b1 = w1.fma(t, b1);
      b2 = w2.fma(t, b2);
      b3 = w3.fma(t, b3);
      t = FloatVector.broadcast(FLOATS, x[xc + k]);
      c0 = w0.fma(t, c0);
      c1 = w1.fma(t, c1);
      c2 = w2.fma(t, c2);
      c3 = w3.fma(t, c3);
      t = FloatVector.broadcast(FLOATS, x[xd + k]);
      d0 = w0.fma(t, d0);
      d1 = w1.fma(t, d1);
      d2 = w2.fma(t, d2);
      d3 = w3.fma(t, d3);
    }
    FloatVector s0 = FloatVector.fromArray(FLOATS, s, scale);
    FloatVector s1 = FloatVector.fromArray(FLOATS, s, scale + LENGTH);
    FloatVector s2 = FloatVector.fromArray(FLOATS, s, scale + 2 * LENGTH);
    FloatVector s3 = FloatVector.fromArray(FLOATS, s, scale + 3 * LENGTH);
    s0.fma(a0, FloatVector.fromArray(FLOATS, y, acc)).intoArray(y, acc);
    s1.fma(a1, FloatVector.fromArray(FLOATS, y, acc + LENGTH)).intoArray(y, acc + LENGTH);
    s2.fma(a2, FloatVector.fromArray(FLOATS, y, acc + 2 * LENGTH)).intoArray(y, acc + 2 * LENGTH);
    s3.fma(a3, FloatVector.fromArray(FLOATS, y, acc + 3 * LENGTH)).intoArray(y, acc + 3 * LENGTH);
    s0.fma(b0, FloatVector.fromArray(FLOATS, y, acc + WIDTH)).intoArray(y, acc + WIDTH);
    s1.fma(b1, FloatVector.fromArray(FLOATS, y, acc + WIDTH + LENGTH))
        .intoArray(y, acc + WIDTH + LENGTH);
    s2.fma(b2, FloatVector.fromArray(FLOATS, y, acc + WIDTH + 2 * LENGTH))
        .intoArray(y, acc + WIDTH + 2 * LENGTH);
    s3.fma(b3, FloatVector.fromArray(FLOATS, y, acc + WIDTH + 3 * LENGTH))
        .intoArray(y, acc + WIDTH + 3 * LENGTH);
    s0.fma(c0, FloatVector.fromArray(FLOATS, y, acc + 2 * WIDTH)).intoArray(y, acc + 2 * WIDTH);
    s1.fma(c1, FloatVector.fromArray(FLOATS, y, acc + 2 * WIDTH + LENGTH))
        .intoArray(y, acc + 2 * WIDTH + LENGTH);
    s2.fma(c2, FloatVector.fromArray(FLOATS, y, acc + 2 * WIDTH + 2 * LENGTH))
        .intoArray(y, acc + 2 * WIDTH + 2 * LENGTH);
    s3.fma(c3, FloatVector.fromArray(FLOATS, y, acc + 2 * WIDTH + 3 * LENGTH))
        .intoArray(y, acc + 2 * WIDTH + 3 * LENGTH);
    s0.fma(d0, FloatVector.fromArray(FLOATS, y, acc + 3 * WIDTH)).intoArray(y, acc + 3 * WIDTH);
    s1.fma(d1, FloatVector.fromArray(FLOATS, y, acc + 3 * WIDTH + LENGTH))
        .intoArray(y, acc + 3 * WIDTH + LENGTH);
    s2.fma(d2, FloatVector.fromArray(FLOATS, y, acc + 3 * WIDTH + 2 * LENGTH))
        .intoArray(y, acc + 3 * WIDTH + 2 * LENGTH);
    s3.fma(d3, FloatVector.fromArray(FLOATS, y, acc + 3 * WIDTH + 3 * LENGTH))
        .intoArray(y, acc + 3 * WIDTH + 3 * LENGTH);
  }

  /** A group, two vectors of weight rows. */
  private static void two(
      float[] p,
      int at,
      int n,
      float[] x,
      int xa,
      int xb,
      int xc,
      int xd,
      float a,
      float b,
      float c,
      float d,
      float[] s,
      int scale,
      float[] y,
      int acc,
      int width) {
    FloatVector a0 = FloatVector.broadcast(FLOATS, a);
    FloatVector a1 = a0;
    FloatVector b0 = FloatVector.broadcast(FLOATS, b);
    FloatVector b1 = b0;
    FloatVector c0 = FloatVector.broadcast(FLOATS, c);
    FloatVector c1 = c0;
    FloatVector d0 = FloatVector.broadcast(FLOATS, d);
    FloatVector d1 = d0;
    for (int k = 0; k < n; k++) {
      int in = at + k * width;
      FloatVector w0 = FloatVector.fromArray(FLOATS, p, in);
      FloatVector w1 = FloatVector.fromArray(FLOATS, p, in + LENGTH);
      FloatVector t = FloatVector.broadcast(FLOATS, x[xa + k]);
      a0 = w0.fma(t, a0);
      a1 = w1.fma(t, a1);
      t = FloatVector.broadcast(FLOATS, x[xb + k]);
      b0 = w0.fma(t, b0);
      b1 = w1.fma(t, b1);
      t = FloatVector.broadcast(FLOATS, x[xc + k]);
      c0 = w0.fma(t, c0);
      c1 = w1.fma(t, c1);
      t = FloatVector.broadcast(FLOATS, x[xd + k]);
      d0 = w0.fma(t, d0);
      d1 = w1.fma(t, d1);
    }
    FloatVector s0 = FloatVector.fromArray(FLOATS, s, scale);
    FloatVector s1 = FloatVector.fromArray(FLOATS, s, scale + LENGTH);
    s0.fma(a0, FloatVector.fromArray(FLOATS, y, acc)).intoArray(y, acc);
    s1.fma(a1, FloatVector.fromArray(FLOATS, y, acc + LENGTH)).intoArray(y, acc + LENGTH);
    s0.fma(b0, FloatVector.fromArray(FLOATS, y, acc + width)).intoArray(y, acc + width);
    s1.fma(b1, FloatVector.fromArray(FLOATS, y, acc + width + LENGTH))
        .intoArray(y, acc + width + LENGTH);
    s0.fma(c0, FloatVector.fromArray(FLOATS, y, acc + 2 * width)).intoArray(y, acc + 2 * width);
    s1.fma(c1, FloatVector.fromArray(FLOATS, y, acc + 2 * width + LENGTH))
        .intoArray(y, acc + 2 * width + LENGTH);
    s0.fma(d0, FloatVector.fromArray(FLOATS, y, acc + 3 * width)).intoArray(y, acc + 3 * width);
    s1.fma(d1, FloatVector.fromArray(FLOATS, y, acc + 3 * width + LENGTH))
        .intoArray(y, acc + 3 * width + LENGTH);
  }
}
