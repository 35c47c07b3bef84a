package dev.serval.backend.cpu.kernel;

import static dev.serval.backend.cpu.kernel.Lanes.BYTES;
import static dev.serval.backend.cpu.kernel.Lanes.FLOATS;
import static dev.serval.backend.cpu.kernel.Lanes.LENGTH;
import static dev.serval.backend.cpu.kernel.Lanes.ORDER;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/**
 * {@link Sums} on vectors: 16 partial sums are one, two or four vectors. The last, partial group of
 * 16 is loaded under masks; the zeros of absent elements change no partial sum, since none of them
 * is ever −0. Offsets are bytes.
 */
final class VectorSumKernel {

  private VectorSumKernel() {}

  /** Σ x over n floats. */
  static float plain(MemorySegment x, long at, int n) {
    FloatVector a = FloatVector.zero(FLOATS);
    FloatVector b = a;
    FloatVector c = a;
    FloatVector d = a;
    int i = 0;
    for (; i <= n - Sums.PARTS; i += Sums.PARTS) {
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
    if (i < n) {
      a = a.add(rest(x, at, i, n, 0));
      b = LENGTH <= 8 ? b.add(rest(x, at, i, n, 1)) : b;
      c = LENGTH <= 4 ? c.add(rest(x, at, i, n, 2)) : c;
      d = LENGTH <= 4 ? d.add(rest(x, at, i, n, 3)) : d;
    }
    return VectorFunctions.sum(a, b, c, d);
  }

  /** Vector {@code part} of the last group, zeros past element n. */
  private static FloatVector rest(MemorySegment x, long at, int i, int n, int part) {
    int first = i + part * LENGTH;
    VectorMask<Float> mask = FLOATS.indexInRange(first, n);
    return FloatVector.fromMemorySegment(FLOATS, x, at + 4L * first, ORDER, mask);
  }

  /** Σ (x − center)² over n floats. */
  static float squaredDistances(MemorySegment x, long at, int n, float center) {
    FloatVector a = FloatVector.zero(FLOATS);
    FloatVector b = a;
    FloatVector c = a;
    FloatVector d = a;
    int i = 0;
    for (; i <= n - Sums.PARTS; i += Sums.PARTS) {
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
    if (i < n) {
      FloatVector v = distances(x, at, i, n, 0, center);
      a = v.fma(v, a);
      if (LENGTH <= 8) {
        v = distances(x, at, i, n, 1, center);
        b = v.fma(v, b);
      }
      if (LENGTH <= 4) {
        v = distances(x, at, i, n, 2, center);
        c = v.fma(v, c);
        v = distances(x, at, i, n, 3, center);
        d = v.fma(v, d);
      }
    }
    return VectorFunctions.sum(a, b, c, d);
  }

  private static FloatVector distances(
      MemorySegment x, long at, int i, int n, int part, float center) {
    VectorMask<Float> absent = FLOATS.indexInRange(i + part * LENGTH, n).not();
    return rest(x, at, i, n, part).sub(center).blend(0f, absent);
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
