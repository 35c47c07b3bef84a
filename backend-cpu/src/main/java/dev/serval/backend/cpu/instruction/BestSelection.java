package dev.serval.backend.cpu.instruction;

import dev.serval.api.graph.Reduction.ReduceKind;
import dev.serval.backend.cpu.kernel.RowKernel;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Selects the k largest of a row: descending, of equal ones the lower id first. A heap with the
 * worst of the selected on top, then a heap sort. No state; allocates nothing.
 */
final class BestSelection {

  private static final ValueLayout.OfFloat F32 = ValueLayout.JAVA_FLOAT;
  private static final ValueLayout.OfInt I32 = ValueLayout.JAVA_INT;

  /** Elements that are looked at together. */
  private static final int CHUNK = 512;

  private BestSelection() {}

  /**
   * Selects. Chunks whose largest element is not among the best so far are passed over by vectors.
   *
   * @param rows finds the largest element of a chunk
   * @param x the row
   * @param xByte bytes before it
   * @param n elements of the row
   * @param k how many, at most n
   * @param target receives the result
   * @param idByte bytes before the k ids, I32
   * @param valueByte bytes before the k values, F32
   */
  static void select(
      RowKernel rows,
      MemorySegment x,
      long xByte,
      int n,
      int k,
      MemorySegment target,
      long idByte,
      long valueByte) {
    if (k == 0) {
      return;
    }
    for (int i = 0; i < k; i++) {
      put(target, idByte, valueByte, i, i, x.get(F32, xByte + 4L * i));
    }
    for (int i = k / 2 - 1; i >= 0; i--) {
      sink(target, idByte, valueByte, i, k);
    }
    for (int from = k; from < n; from += CHUNK) {
      int size = Math.min(CHUNK, n - from);
      float largest = rows.reduce(ReduceKind.MAX, x, xByte / 4 + from, size);
      if (largest <= target.get(F32, valueByte)) {
        continue; // never with a NaN among them
      }
      for (int i = from; i < from + size; i++) {
        float v = x.get(F32, xByte + 4L * i);
        // later ids lose against equal values, so only a larger value enters
        if (v > target.get(F32, valueByte)) {
          put(target, idByte, valueByte, 0, i, v);
          sink(target, idByte, valueByte, 0, k);
        }
      }
    }
    for (int last = k - 1; last > 0; last--) {
      int id = target.get(I32, idByte);
      float v = target.get(F32, valueByte);
      put(
          target,
          idByte,
          valueByte,
          0,
          target.get(I32, idByte + 4L * last),
          target.get(F32, valueByte + 4L * last));
      put(target, idByte, valueByte, last, id, v);
      sink(target, idByte, valueByte, 0, last);
    }
  }

  private static void put(MemorySegment m, long idByte, long valueByte, int i, int id, float v) {
    m.set(I32, idByte + 4L * i, id);
    m.set(F32, valueByte + 4L * i, v);
  }

  private static void sink(MemorySegment m, long idByte, long valueByte, int start, int size) {
    int i = start;
    int id = m.get(I32, idByte + 4L * i);
    float v = m.get(F32, valueByte + 4L * i);
    while (2 * i + 1 < size) {
      int child = 2 * i + 1;
      if (child + 1 < size && worse(m, idByte, valueByte, child + 1, child)) {
        child++;
      }
      int childId = m.get(I32, idByte + 4L * child);
      float childValue = m.get(F32, valueByte + 4L * child);
      if (!worse(childValue, childId, v, id)) {
        break;
      }
      put(m, idByte, valueByte, i, childId, childValue);
      i = child;
    }
    put(m, idByte, valueByte, i, id, v);
  }

  private static boolean worse(MemorySegment m, long idByte, long valueByte, int a, int b) {
    return worse(
        m.get(F32, valueByte + 4L * a),
        m.get(I32, idByte + 4L * a),
        m.get(F32, valueByte + 4L * b),
        m.get(I32, idByte + 4L * b));
  }

  private static boolean worse(float a, int aId, float b, int bId) {
    return a < b || (a == b && aId > bId);
  }
}
