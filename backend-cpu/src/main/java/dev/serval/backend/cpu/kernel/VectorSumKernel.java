package dev.serval.backend.cpu.kernel;

import static dev.serval.backend.cpu.kernel.Lanes.BYTES;
import static dev.serval.backend.cpu.kernel.Lanes.FLOATS;
import static dev.serval.backend.cpu.kernel.Lanes.LENGTH;
import static dev.serval.backend.cpu.kernel.Lanes.ORDER;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * {@link Sums} on vectors: 16 partial sums are one, two or four vectors. Runs whose length is no
 * multiple of 16, which no model has, are left to the scalar sums. Offsets are bytes.
 *
 * <p>The parts are joined in each method itself: a method of its own, called where the compiler's
 * node budget for a caller has ended, would get its vectors boxed.
 */
final class VectorSumKernel {

  private VectorSumKernel() {}

  /** Σ x over n floats. */
  static float plain(MemorySegment x, long at, int n) {
    if (n % Sums.PARTS != 0) {
      return Sums.plain(x, at / 4, n);
    }
    FloatVector a = FloatVector.zero(FLOATS);
    FloatVector b = a;
    FloatVector c = a;
    FloatVector d = a;
    for (int i = 0; i < n; i += Sums.PARTS) {
      long p = at + 4L * i;
      a = a.add(FloatVector.fromMemorySegment(FLOATS, x, p, ORDER));
      if (LENGTH <= 8) {
        b = b.add(FloatVector.fromMemorySegment(FLOATS, x, p + BYTES, ORDER));
      }
      if (LENGTH <= 4) {
        c = c.add(FloatVector.fromMemorySegment(FLOATS, x, p + 2L * BYTES, ORDER));
        d = d.add(FloatVector.fromMemorySegment(FLOATS, x, p + 3L * BYTES, ORDER));
      }
    }
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
    return v.add(v.rearrange(VectorFunctions.BY_1)).lane(0);
  }

  /** Σ (x − center)² over n floats. */
  static float squaredDistances(MemorySegment x, long at, int n, float center) {
    if (n % Sums.PARTS != 0) {
      return Sums.squaredDistances(x, at / 4, n, center);
    }
    FloatVector a = FloatVector.zero(FLOATS);
    FloatVector b = a;
    FloatVector c = a;
    FloatVector d = a;
    for (int i = 0; i < n; i += Sums.PARTS) {
      long p = at + 4L * i;
      FloatVector v = FloatVector.fromMemorySegment(FLOATS, x, p, ORDER).sub(center);
      a = v.fma(v, a);
      if (LENGTH <= 8) {
        v = FloatVector.fromMemorySegment(FLOATS, x, p + BYTES, ORDER).sub(center);
        b = v.fma(v, b);
      }
      if (LENGTH <= 4) {
        v = FloatVector.fromMemorySegment(FLOATS, x, p + 2L * BYTES, ORDER).sub(center);
        c = v.fma(v, c);
        v = FloatVector.fromMemorySegment(FLOATS, x, p + 3L * BYTES, ORDER).sub(center);
        d = v.fma(v, d);
      }
    }
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
    return v.add(v.rearrange(VectorFunctions.BY_1)).lane(0);
  }

  /** The largest of n floats, NaN if one is NaN; no order of operations can be seen in it. */
  static float max(MemorySegment x, long at, int n) {
    FloatVector a = FloatVector.broadcast(FLOATS, Float.NEGATIVE_INFINITY);
    int i = 0;
    for (; i <= n - LENGTH; i += LENGTH) {
      a = a.max(FloatVector.fromMemorySegment(FLOATS, x, at + 4L * i, ORDER));
    }
    float max = a.reduceLanes(VectorOperators.MAX);
    for (; i < n; i++) {
      max = Math.max(max, x.get(Lanes.FLOAT, at + 4L * i));
    }
    return max;
  }
}
