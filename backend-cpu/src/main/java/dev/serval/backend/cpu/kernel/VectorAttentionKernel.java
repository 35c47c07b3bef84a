package dev.serval.backend.cpu.kernel;

import static dev.serval.backend.cpu.kernel.Lanes.BYTES;
import static dev.serval.backend.cpu.kernel.Lanes.FLOAT;
import static dev.serval.backend.cpu.kernel.Lanes.FLOATS;
import static dev.serval.backend.cpu.kernel.Lanes.LENGTH;
import static dev.serval.backend.cpu.kernel.Lanes.ORDER;

import dev.serval.api.tensor.DataType;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/** {@link AttentionKernel} on vectors: lanes are elements of a head. */
final class VectorAttentionKernel extends BlockAttention {

  VectorAttentionKernel() {
    super(new VectorRowKernel());
  }

  @Override
  void scores(
      MemorySegment s,
      long queries,
      int heads,
      long tile,
      int n,
      int from,
      int until,
      float scale,
      long z) {
    if (LENGTH == TILE) {
      VectorTileScores.scores(s, queries, heads, tile, n, scale, z, PARTS);
      return;
    }
    for (int h = 0; h < heads; h++) {
      dots(s, queries + 4L * h * n, tile, n, from, until, scale, z + 4L * h * BLOCK);
    }
  }

  @Override
  void spread(DataType type, MemorySegment source, long from, MemorySegment s, long to, int n) {
    switch (type) {
      case F32 -> VectorTileRows.floats(source, from, s, to, n);
      case F16 -> VectorTileRows.halves(source, from, s, to, n);
      case Q8_0 -> VectorTileRows.bytes(source, from, s, to, n);
      case Q4_0 -> VectorTileRows.nibbles(source, from, s, to, n);
      default -> throw new IllegalArgumentException("no attention over " + type);
    }
  }

  private static void dots(
      MemorySegment s, long query, long tile, int n, int from, int until, float scale, long z) {
    for (int j = from; j < until; j++) {
      FloatVector a = FloatVector.zero(FLOATS);
      FloatVector b = a;
      FloatVector c = a;
      FloatVector d = a;
      for (long i = 0; i < 4L * n; i += 4L * Sums.PARTS) {
        long q = query + i;
        long key = tile + 4L * Sums.PARTS * j + i * TILE;
        a =
            FloatVector.fromMemorySegment(FLOATS, s, q, ORDER)
                .fma(FloatVector.fromMemorySegment(FLOATS, s, key, ORDER), a);
        if (LENGTH <= 8) {
          b =
              FloatVector.fromMemorySegment(FLOATS, s, q + BYTES, ORDER)
                  .fma(FloatVector.fromMemorySegment(FLOATS, s, key + BYTES, ORDER), b);
        }
        if (LENGTH <= 4) {
          c =
              FloatVector.fromMemorySegment(FLOATS, s, q + 2L * BYTES, ORDER)
                  .fma(FloatVector.fromMemorySegment(FLOATS, s, key + 2L * BYTES, ORDER), c);
          d =
              FloatVector.fromMemorySegment(FLOATS, s, q + 3L * BYTES, ORDER)
                  .fma(FloatVector.fromMemorySegment(FLOATS, s, key + 3L * BYTES, ORDER), d);
        }
      }
      // joined as in VectorSumKernel, here and not in a method, for the same reason
      FloatVector v;
      if (LENGTH == 8) {
        v = a.add(b);
        v = v.add(v.rearrange(VectorFunctions.BY_4));
      } else {
        v = a.add(c).add(b.add(d));
      }
      v = v.add(v.rearrange(VectorFunctions.BY_2));
      float dot = v.add(v.rearrange(VectorFunctions.BY_1)).lane(0);
      s.set(FLOAT, z + 4L * j, dot * scale);
    }
  }

  @Override
  void exponentials(MemorySegment s, long z, float max) {
    VectorFunctions.exp(s, z, max, s, z, 4L * BLOCK);
  }

  @Override
  void accumulate(
      MemorySegment s, long p, int heads, long tile, int n, int from, int until, long a) {
    int h = 0;
    for (; h <= heads - 2; h += 2) {
      VectorTileSums.two(s, p + 4L * h * BLOCK, tile, n, from, until, a + 4L * h * n);
    }
    if (h < heads) {
      VectorTileSums.one(s, p + 4L * h * BLOCK, tile, n, from, until, a + 4L * h * n);
    }
  }
}
