package dev.serval.backend.cpu.kernel;

import static dev.serval.backend.cpu.kernel.BlockAttention.TILE;
import static dev.serval.backend.cpu.kernel.Lanes.BYTES;
import static dev.serval.backend.cpu.kernel.Lanes.FLOATS;
import static dev.serval.backend.cpu.kernel.Lanes.LENGTH;
import static dev.serval.backend.cpu.kernel.Lanes.ORDER;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;

/**
 * Scores of a tile on vectors of 16 floats. The 16 positions have a vector of 16 parts each; two
 * vectors at a time are joined to one, in whose lanes are sums of lanes l and l ± 8 of the one or
 * the other, then l ± 4, and so on. So 15 additions make 16 sums, each in the order of {@link
 * Sums}.
 */
final class VectorTileScores {

  private static final VectorMask<Float> BIT_3 = VectorMask.fromLong(FLOATS, 0xff00);
  private static final VectorMask<Float> BIT_2 = VectorMask.fromLong(FLOATS, 0xf0f0);
  private static final VectorMask<Float> BIT_1 = VectorMask.fromLong(FLOATS, 0xcccc);
  private static final VectorMask<Float> BIT_0 = VectorMask.fromLong(FLOATS, 0xaaaa);
  private static final VectorShuffle<Float> OTHER_8 =
      VectorShuffle.fromOp(FLOATS, lane -> (lane ^ 8) % LENGTH);
  private static final VectorShuffle<Float> OTHER_4 =
      VectorShuffle.fromOp(FLOATS, lane -> (lane ^ 4) % LENGTH);
  private static final VectorShuffle<Float> OTHER_2 =
      VectorShuffle.fromOp(FLOATS, lane -> (lane ^ 2) % LENGTH);
  private static final VectorShuffle<Float> OTHER_1 =
      VectorShuffle.fromOp(FLOATS, lane -> (lane ^ 1) % LENGTH);

  private VectorTileScores() {}

  /**
   * See {@link BlockAttention#scores}; all positions of the tile.
   *
   * @param parts scratch for the parts of 16 sums
   */
  static void scores(
      MemorySegment s, long queries, int heads, long tile, int n, float scale, long z, long parts) {
    for (int h = 0; h < heads; h++) {
      products(s, queries + 4L * h * n, tile, 4L * n, parts);
      join(s, parts, scale, z + 4L * h * AttentionKernel.BLOCK);
    }
  }

  /** The parts of the products of a query with 16 keys; a query has {@code row} bytes. */
  private static void products(MemorySegment s, long query, long tile, long row, long parts) {
    FloatVector a0 = FloatVector.zero(FLOATS);
    FloatVector a1 = a0;
    FloatVector a2 = a0;
    FloatVector a3 = a0;
    FloatVector a4 = a0;
    FloatVector a5 = a0;
    FloatVector a6 = a0;
    FloatVector a7 = a0;
    FloatVector a8 = a0;
    FloatVector a9 = a0;
    FloatVector a10 = a0;
    FloatVector a11 = a0;
    FloatVector a12 = a0;
    FloatVector a13 = a0;
    FloatVector a14 = a0;
    FloatVector a15 = a0;
    for (long i = 0; i < row; i += BYTES) {
      FloatVector q = FloatVector.fromMemorySegment(FLOATS, s, query + i, ORDER);
      long k = tile + i * TILE;
      a0 = FloatVector.fromMemorySegment(FLOATS, s, k, ORDER).fma(q, a0);
      a1 = FloatVector.fromMemorySegment(FLOATS, s, k + BYTES, ORDER).fma(q, a1);
      a2 = FloatVector.fromMemorySegment(FLOATS, s, k + 2L * BYTES, ORDER).fma(q, a2);
      a3 = FloatVector.fromMemorySegment(FLOATS, s, k + 3L * BYTES, ORDER).fma(q, a3);
      a4 = FloatVector.fromMemorySegment(FLOATS, s, k + 4L * BYTES, ORDER).fma(q, a4);
      a5 = FloatVector.fromMemorySegment(FLOATS, s, k + 5L * BYTES, ORDER).fma(q, a5);
      a6 = FloatVector.fromMemorySegment(FLOATS, s, k + 6L * BYTES, ORDER).fma(q, a6);
      a7 = FloatVector.fromMemorySegment(FLOATS, s, k + 7L * BYTES, ORDER).fma(q, a7);
      a8 = FloatVector.fromMemorySegment(FLOATS, s, k + 8L * BYTES, ORDER).fma(q, a8);
      a9 = FloatVector.fromMemorySegment(FLOATS, s, k + 9L * BYTES, ORDER).fma(q, a9);
      a10 = FloatVector.fromMemorySegment(FLOATS, s, k + 10L * BYTES, ORDER).fma(q, a10);
      a11 = FloatVector.fromMemorySegment(FLOATS, s, k + 11L * BYTES, ORDER).fma(q, a11);
      a12 = FloatVector.fromMemorySegment(FLOATS, s, k + 12L * BYTES, ORDER).fma(q, a12);
      a13 = FloatVector.fromMemorySegment(FLOATS, s, k + 13L * BYTES, ORDER).fma(q, a13);
      a14 = FloatVector.fromMemorySegment(FLOATS, s, k + 14L * BYTES, ORDER).fma(q, a14);
      a15 = FloatVector.fromMemorySegment(FLOATS, s, k + 15L * BYTES, ORDER).fma(q, a15);
    }
    a0.intoMemorySegment(s, parts, ORDER);
    a1.intoMemorySegment(s, parts + BYTES, ORDER);
    a2.intoMemorySegment(s, parts + 2L * BYTES, ORDER);
    a3.intoMemorySegment(s, parts + 3L * BYTES, ORDER);
    a4.intoMemorySegment(s, parts + 4L * BYTES, ORDER);
    a5.intoMemorySegment(s, parts + 5L * BYTES, ORDER);
    a6.intoMemorySegment(s, parts + 6L * BYTES, ORDER);
    a7.intoMemorySegment(s, parts + 7L * BYTES, ORDER);
    a8.intoMemorySegment(s, parts + 8L * BYTES, ORDER);
    a9.intoMemorySegment(s, parts + 9L * BYTES, ORDER);
    a10.intoMemorySegment(s, parts + 10L * BYTES, ORDER);
    a11.intoMemorySegment(s, parts + 11L * BYTES, ORDER);
    a12.intoMemorySegment(s, parts + 12L * BYTES, ORDER);
    a13.intoMemorySegment(s, parts + 13L * BYTES, ORDER);
    a14.intoMemorySegment(s, parts + 14L * BYTES, ORDER);
    a15.intoMemorySegment(s, parts + 15L * BYTES, ORDER);
  }

  /** Joins 16 vectors, in place, to 8, 4, 2 and 1. */
  private static void join(MemorySegment s, long parts, float scale, long z) {
    for (long i = parts; i < parts + 8L * BYTES; i += BYTES) {
      FloatVector a = FloatVector.fromMemorySegment(FLOATS, s, i, ORDER);
      FloatVector b = FloatVector.fromMemorySegment(FLOATS, s, i + 8L * BYTES, ORDER);
      a.blend(b, BIT_3).add(b.blend(a, BIT_3).rearrange(OTHER_8)).intoMemorySegment(s, i, ORDER);
    }
    FloatVector a = FloatVector.fromMemorySegment(FLOATS, s, parts, ORDER);
    FloatVector b = FloatVector.fromMemorySegment(FLOATS, s, parts + BYTES, ORDER);
    FloatVector c = FloatVector.fromMemorySegment(FLOATS, s, parts + 2L * BYTES, ORDER);
    FloatVector d = FloatVector.fromMemorySegment(FLOATS, s, parts + 3L * BYTES, ORDER);
    FloatVector e = FloatVector.fromMemorySegment(FLOATS, s, parts + 4L * BYTES, ORDER);
    a = a.blend(e, BIT_2).add(e.blend(a, BIT_2).rearrange(OTHER_4));
    e = FloatVector.fromMemorySegment(FLOATS, s, parts + 5L * BYTES, ORDER);
    b = b.blend(e, BIT_2).add(e.blend(b, BIT_2).rearrange(OTHER_4));
    e = FloatVector.fromMemorySegment(FLOATS, s, parts + 6L * BYTES, ORDER);
    c = c.blend(e, BIT_2).add(e.blend(c, BIT_2).rearrange(OTHER_4));
    e = FloatVector.fromMemorySegment(FLOATS, s, parts + 7L * BYTES, ORDER);
    d = d.blend(e, BIT_2).add(e.blend(d, BIT_2).rearrange(OTHER_4));
    a = a.blend(c, BIT_1).add(c.blend(a, BIT_1).rearrange(OTHER_2));
    b = b.blend(d, BIT_1).add(d.blend(b, BIT_1).rearrange(OTHER_2));
    a = a.blend(b, BIT_0).add(b.blend(a, BIT_0).rearrange(OTHER_1));
    a.mul(scale).intoMemorySegment(s, z, ORDER);
  }
}
