package dev.serval.backend.cpu.kernel;

import static dev.serval.backend.cpu.kernel.AttentionKernel.BLOCK;
import static dev.serval.backend.cpu.kernel.BlockAttention.GROUP_BYTES;
import static dev.serval.backend.cpu.kernel.BlockAttention.TILE;
import static dev.serval.backend.cpu.kernel.Lanes.BYTES;
import static dev.serval.backend.cpu.kernel.Lanes.FLOAT;
import static dev.serval.backend.cpu.kernel.Lanes.FLOATS;
import static dev.serval.backend.cpu.kernel.Lanes.LENGTH;
import static dev.serval.backend.cpu.kernel.Lanes.ORDER;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/**
 * Weighted sums of the values of a tile, see {@link BlockAttention#accumulate}: lanes are elements
 * of a head. Two heads share what is read of the values.
 */
final class VectorTileSums {

  /** Bytes from a vector of a position to the next ones in a tile. */
  private static final long SECOND = place(1);

  private static final long THIRD = place(2);
  private static final long FOURTH = place(3);

  private VectorTileSums() {}

  private static long place(int vector) {
    int floats = vector * LENGTH;
    return floats / Sums.PARTS * GROUP_BYTES + 4L * (floats % Sums.PARTS);
  }

  /** Adds to the accumulators of two heads, n floats apart. */
  static void two(MemorySegment s, long p, long tile, int n, int from, int until, long a) {
    long row = 4L * n;
    long b = a + row;
    long q = p + 4L * BLOCK;
    long d = 0;
    for (; d <= row - 4L * BYTES; d += 4L * BYTES) {
      FloatVector a0 = FloatVector.fromMemorySegment(FLOATS, s, a + d, ORDER);
      FloatVector a1 = FloatVector.fromMemorySegment(FLOATS, s, a + d + BYTES, ORDER);
      FloatVector a2 = FloatVector.fromMemorySegment(FLOATS, s, a + d + 2L * BYTES, ORDER);
      FloatVector a3 = FloatVector.fromMemorySegment(FLOATS, s, a + d + 3L * BYTES, ORDER);
      FloatVector b0 = FloatVector.fromMemorySegment(FLOATS, s, b + d, ORDER);
      FloatVector b1 = FloatVector.fromMemorySegment(FLOATS, s, b + d + BYTES, ORDER);
      FloatVector b2 = FloatVector.fromMemorySegment(FLOATS, s, b + d + 2L * BYTES, ORDER);
      FloatVector b3 = FloatVector.fromMemorySegment(FLOATS, s, b + d + 3L * BYTES, ORDER);
      for (int j = from; j < until; j++) {
        FloatVector w = FloatVector.broadcast(FLOATS, s.get(FLOAT, p + 4L * j));
        FloatVector x = FloatVector.broadcast(FLOATS, s.get(FLOAT, q + 4L * j));
        long at = tile + d * TILE + 4L * Sums.PARTS * j;
        FloatVector v = FloatVector.fromMemorySegment(FLOATS, s, at, ORDER);
        a0 = v.fma(w, a0);
        b0 = v.fma(x, b0);
        v = FloatVector.fromMemorySegment(FLOATS, s, at + SECOND, ORDER);
        a1 = v.fma(w, a1);
        b1 = v.fma(x, b1);
        v = FloatVector.fromMemorySegment(FLOATS, s, at + THIRD, ORDER);
        a2 = v.fma(w, a2);
        b2 = v.fma(x, b2);
        v = FloatVector.fromMemorySegment(FLOATS, s, at + FOURTH, ORDER);
        a3 = v.fma(w, a3);
        b3 = v.fma(x, b3);
      }
      a0.intoMemorySegment(s, a + d, ORDER);
      a1.intoMemorySegment(s, a + d + BYTES, ORDER);
      a2.intoMemorySegment(s, a + d + 2L * BYTES, ORDER);
      a3.intoMemorySegment(s, a + d + 3L * BYTES, ORDER);
      b0.intoMemorySegment(s, b + d, ORDER);
      b1.intoMemorySegment(s, b + d + BYTES, ORDER);
      b2.intoMemorySegment(s, b + d + 2L * BYTES, ORDER);
      b3.intoMemorySegment(s, b + d + 3L * BYTES, ORDER);
    }
    rest(s, p, tile, row, d, from, until, a);
    rest(s, q, tile, row, d, from, until, b);
  }

  /** Adds to the accumulators of one head. */
  static void one(MemorySegment s, long p, long tile, int n, int from, int until, long a) {
    long row = 4L * n;
    long d = 0;
    for (; d <= row - 4L * BYTES; d += 4L * BYTES) {
      FloatVector a0 = FloatVector.fromMemorySegment(FLOATS, s, a + d, ORDER);
      FloatVector a1 = FloatVector.fromMemorySegment(FLOATS, s, a + d + BYTES, ORDER);
      FloatVector a2 = FloatVector.fromMemorySegment(FLOATS, s, a + d + 2L * BYTES, ORDER);
      FloatVector a3 = FloatVector.fromMemorySegment(FLOATS, s, a + d + 3L * BYTES, ORDER);
      for (int j = from; j < until; j++) {
        FloatVector w = FloatVector.broadcast(FLOATS, s.get(FLOAT, p + 4L * j));
        long v = tile + d * TILE + 4L * Sums.PARTS * j;
        a0 = FloatVector.fromMemorySegment(FLOATS, s, v, ORDER).fma(w, a0);
        a1 = FloatVector.fromMemorySegment(FLOATS, s, v + SECOND, ORDER).fma(w, a1);
        a2 = FloatVector.fromMemorySegment(FLOATS, s, v + THIRD, ORDER).fma(w, a2);
        a3 = FloatVector.fromMemorySegment(FLOATS, s, v + FOURTH, ORDER).fma(w, a3);
      }
      a0.intoMemorySegment(s, a + d, ORDER);
      a1.intoMemorySegment(s, a + d + BYTES, ORDER);
      a2.intoMemorySegment(s, a + d + 2L * BYTES, ORDER);
      a3.intoMemorySegment(s, a + d + 3L * BYTES, ORDER);
    }
    rest(s, p, tile, row, d, from, until, a);
  }

  /** The elements that are no four vectors. */
  private static void rest(
      MemorySegment s, long p, long tile, long row, long done, int from, int until, long a) {
    for (long d = done; d < row; d += BYTES) {
      long group = d / (4L * Sums.PARTS) * GROUP_BYTES + d % (4L * Sums.PARTS);
      FloatVector a0 = FloatVector.fromMemorySegment(FLOATS, s, a + d, ORDER);
      for (int j = from; j < until; j++) {
        FloatVector w = FloatVector.broadcast(FLOATS, s.get(FLOAT, p + 4L * j));
        a0 =
            FloatVector.fromMemorySegment(FLOATS, s, tile + group + 4L * Sums.PARTS * j, ORDER)
                .fma(w, a0);
      }
      a0.intoMemorySegment(s, a + d, ORDER);
    }
  }
}
