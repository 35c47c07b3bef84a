package dev.serval.backend.cpu.kernel;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** {@link AttentionKernel} without vectors. */
final class ScalarAttentionKernel extends BlockAttention {

  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

  ScalarAttentionKernel() {
    super(new ScalarRowKernel());
  }

  @Override
  void scores(
      MemorySegment s, long query, long keys, int n, int from, int until, float scale, long z) {
    for (int j = from; j < until; j++) {
      float dot = Sums.products(s, query / 4, s, keys / 4 + (long) j * n, n);
      s.set(FLOAT, z + 4L * j, dot * scale);
    }
  }

  @Override
  void exponentials(MemorySegment s, long z, float max) {
    for (int j = 0; j < BLOCK; j++) {
      s.set(FLOAT, z + 4L * j, ScalarFunctions.exp(s.get(FLOAT, z + 4L * j) - max));
    }
  }

  @Override
  void accumulate(MemorySegment s, long p, long values, int n, int from, int until, long a) {
    for (int d = 0; d < n; d++) {
      float sum = s.get(FLOAT, a + 4L * d);
      for (int j = from; j < until; j++) {
        float v = s.get(FLOAT, values + 4L * ((long) j * n + d));
        sum = Math.fma(s.get(FLOAT, p + 4L * j), v, sum);
      }
      s.set(FLOAT, a + 4L * d, sum);
    }
  }
}
