package dev.serval.backend.cpu.kernel;

import dev.serval.api.tensor.DataType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** {@link AttentionKernel} without vectors. */
final class ScalarAttentionKernel extends BlockAttention {

  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

  ScalarAttentionKernel() {
    super(new ScalarRowKernel());
  }

  @Override
  void spread(DataType type, MemorySegment source, long from, MemorySegment s, long to, int n) {
    int groups = n / Sums.PARTS;
    if (type.blockLength() == 1) {
      for (int g = 0; g < groups; g++) {
        long at = from + type.bytes((long) g * Sums.PARTS);
        FileRows.expand(type, source, at, s, (to + g * GROUP_BYTES) / 4, Sums.PARTS);
      }
      return;
    }
    // a block is two groups, and is expanded to 32 floats in a row
    for (int g = 0; g < groups; g += 2) {
      FileRows.expand(type, source, from + type.bytes((long) g * Sums.PARTS), s, PARTS / 4, 32);
      MemorySegment.copy(s, PARTS, s, to + g * GROUP_BYTES, 4L * Sums.PARTS);
      MemorySegment.copy(
          s, PARTS + 4L * Sums.PARTS, s, to + (g + 1) * GROUP_BYTES, 4L * Sums.PARTS);
    }
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
    for (int h = 0; h < heads; h++) {
      for (int j = from; j < until; j++) {
        s.set(FLOAT, z + 4L * (h * BLOCK + j), scale * dot(s, queries + 4L * h * n, tile, n, j));
      }
    }
  }

  /** Query times key j in 16 parts, joined as {@link Sums} are. */
  private static float dot(MemorySegment s, long query, long tile, int n, int j) {
    long key = tile + 4L * Sums.PARTS * j;
    for (int part = 0; part < Sums.PARTS; part++) {
      float sum = 0;
      for (int g = 0; g < n / Sums.PARTS; g++) {
        float q = s.get(FLOAT, query + 4L * (g * Sums.PARTS + part));
        sum = Math.fma(q, s.get(FLOAT, key + g * GROUP_BYTES + 4L * part), sum);
      }
      s.set(FLOAT, PARTS + 4L * part, sum);
    }
    return Sums.plain(s, PARTS / 4, Sums.PARTS);
  }

  @Override
  void exponentials(MemorySegment s, long z, float max) {
    for (int j = 0; j < BLOCK; j++) {
      s.set(FLOAT, z + 4L * j, ScalarFunctions.exp(s.get(FLOAT, z + 4L * j) - max));
    }
  }

  @Override
  void accumulate(
      MemorySegment s, long p, int heads, long tile, int n, int from, int until, long a) {
    for (int h = 0; h < heads; h++) {
      for (int d = 0; d < n; d++) {
        long to = a + 4L * (h * n + d);
        float sum = s.get(FLOAT, to);
        for (int j = from; j < until; j++) {
          long group = tile + d / Sums.PARTS * GROUP_BYTES;
          float v = s.get(FLOAT, group + 4L * (Sums.PARTS * j + d % Sums.PARTS));
          sum = Math.fma(s.get(FLOAT, p + 4L * (h * BLOCK + j)), v, sum);
        }
        s.set(FLOAT, to, sum);
      }
    }
  }
}
