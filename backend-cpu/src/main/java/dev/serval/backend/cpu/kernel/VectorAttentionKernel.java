package dev.serval.backend.cpu.kernel;

import static dev.serval.backend.cpu.kernel.Lanes.BYTES;
import static dev.serval.backend.cpu.kernel.Lanes.FLOAT;
import static dev.serval.backend.cpu.kernel.Lanes.FLOATS;
import static dev.serval.backend.cpu.kernel.Lanes.LENGTH;
import static dev.serval.backend.cpu.kernel.Lanes.ORDER;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/** {@link AttentionKernel} on vectors: lanes are elements of a head. */
final class VectorAttentionKernel extends BlockAttention {

  VectorAttentionKernel() {
    super(new VectorRowKernel());
  }

  private static FloatVector load(MemorySegment s, long at) {
    return FloatVector.fromMemorySegment(FLOATS, s, at, ORDER);
  }

  @Override
  void scores(
      MemorySegment s, long query, long keys, int n, int from, int until, float scale, long z) {
    for (int j = from; j < until; j++) {
      long key = keys + 4L * j * n;
      FloatVector a = FloatVector.zero(FLOATS);
      FloatVector b = a;
      FloatVector c = a;
      FloatVector d = a;
      for (long i = 0; i < 4L * n; i += 4L * Sums.PARTS) {
        a = load(s, query + i).fma(load(s, key + i), a);
        if (LENGTH <= 8) {
          b = load(s, query + i + BYTES).fma(load(s, key + i + BYTES), b);
        }
        if (LENGTH <= 4) {
          c = load(s, query + i + 2L * BYTES).fma(load(s, key + i + 2L * BYTES), c);
          d = load(s, query + i + 3L * BYTES).fma(load(s, key + i + 3L * BYTES), d);
        }
      }
      s.set(FLOAT, z + 4L * j, VectorFunctions.sum(a, b, c, d) * scale);
    }
  }

  @Override
  void exponentials(MemorySegment s, long z, float max) {
    for (int j = 0; j < BLOCK; j += LENGTH) {
      VectorFunctions.exp(load(s, z + 4L * j).sub(max)).intoMemorySegment(s, z + 4L * j, ORDER);
    }
  }

  @Override
  void accumulate(MemorySegment s, long p, long values, int n, int from, int until, long a) {
    long row = 4L * n;
    long d = 0;
    for (; d <= row - 4L * BYTES; d += 4L * BYTES) {
      FloatVector a0 = load(s, a + d);
      FloatVector a1 = load(s, a + d + BYTES);
      FloatVector a2 = load(s, a + d + 2L * BYTES);
      FloatVector a3 = load(s, a + d + 3L * BYTES);
      for (int j = from; j < until; j++) {
        FloatVector w = FloatVector.broadcast(FLOATS, s.get(FLOAT, p + 4L * j));
        long v = values + row * j + d;
        a0 = load(s, v).fma(w, a0);
        a1 = load(s, v + BYTES).fma(w, a1);
        a2 = load(s, v + 2L * BYTES).fma(w, a2);
        a3 = load(s, v + 3L * BYTES).fma(w, a3);
      }
      a0.intoMemorySegment(s, a + d, ORDER);
      a1.intoMemorySegment(s, a + d + BYTES, ORDER);
      a2.intoMemorySegment(s, a + d + 2L * BYTES, ORDER);
      a3.intoMemorySegment(s, a + d + 3L * BYTES, ORDER);
    }
    for (; d < row; d += BYTES) {
      FloatVector a0 = load(s, a + d);
      for (int j = from; j < until; j++) {
        FloatVector w = FloatVector.broadcast(FLOATS, s.get(FLOAT, p + 4L * j));
        a0 = load(s, values + row * j + d).fma(w, a0);
      }
      a0.intoMemorySegment(s, a + d, ORDER);
    }
  }
}
