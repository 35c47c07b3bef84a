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
        a =
            FloatVector.fromMemorySegment(FLOATS, s, query + i, ORDER)
                .fma(FloatVector.fromMemorySegment(FLOATS, s, key + i, ORDER), a);
        if (LENGTH <= 8) {
          b =
              FloatVector.fromMemorySegment(FLOATS, s, query + i + BYTES, ORDER)
                  .fma(FloatVector.fromMemorySegment(FLOATS, s, key + i + BYTES, ORDER), b);
        }
        if (LENGTH <= 4) {
          c =
              FloatVector.fromMemorySegment(FLOATS, s, query + i + 2L * BYTES, ORDER)
                  .fma(FloatVector.fromMemorySegment(FLOATS, s, key + i + 2L * BYTES, ORDER), c);
          d =
              FloatVector.fromMemorySegment(FLOATS, s, query + i + 3L * BYTES, ORDER)
                  .fma(FloatVector.fromMemorySegment(FLOATS, s, key + i + 3L * BYTES, ORDER), d);
        }
      }
      // joined as in VectorSumKernel, here and not in a method, for the same reason
      FloatVector v;
      if (LENGTH == 16) {
        v = a.add(a.rearrange(VectorFunctions.BY_8));
        v = v.add(v.rearrange(VectorFunctions.BY_4));
      } else if (LENGTH == 8) {
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
  void accumulate(MemorySegment s, long p, long values, int n, int from, int until, long a) {
    long row = 4L * n;
    long d = 0;
    for (; d <= row - 4L * BYTES; d += 4L * BYTES) {
      FloatVector a0 = FloatVector.fromMemorySegment(FLOATS, s, a + d, ORDER);
      FloatVector a1 = FloatVector.fromMemorySegment(FLOATS, s, a + d + BYTES, ORDER);
      FloatVector a2 = FloatVector.fromMemorySegment(FLOATS, s, a + d + 2L * BYTES, ORDER);
      FloatVector a3 = FloatVector.fromMemorySegment(FLOATS, s, a + d + 3L * BYTES, ORDER);
      for (int j = from; j < until; j++) {
        FloatVector w = FloatVector.broadcast(FLOATS, s.get(FLOAT, p + 4L * j));
        long v = values + row * j + d;
        a0 = FloatVector.fromMemorySegment(FLOATS, s, v, ORDER).fma(w, a0);
        a1 = FloatVector.fromMemorySegment(FLOATS, s, v + BYTES, ORDER).fma(w, a1);
        a2 = FloatVector.fromMemorySegment(FLOATS, s, v + 2L * BYTES, ORDER).fma(w, a2);
        a3 = FloatVector.fromMemorySegment(FLOATS, s, v + 3L * BYTES, ORDER).fma(w, a3);
      }
      a0.intoMemorySegment(s, a + d, ORDER);
      a1.intoMemorySegment(s, a + d + BYTES, ORDER);
      a2.intoMemorySegment(s, a + d + 2L * BYTES, ORDER);
      a3.intoMemorySegment(s, a + d + 3L * BYTES, ORDER);
    }
    for (; d < row; d += BYTES) {
      FloatVector a0 = FloatVector.fromMemorySegment(FLOATS, s, a + d, ORDER);
      for (int j = from; j < until; j++) {
        FloatVector w = FloatVector.broadcast(FLOATS, s.get(FLOAT, p + 4L * j));
        a0 = FloatVector.fromMemorySegment(FLOATS, s, values + row * j + d, ORDER).fma(w, a0);
      }
      a0.intoMemorySegment(s, a + d, ORDER);
    }
  }
}
