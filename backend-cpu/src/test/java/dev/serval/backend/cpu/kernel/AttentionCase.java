package dev.serval.backend.cpu.kernel;

import dev.serval.api.attention.MaskKind;
import dev.serval.api.tensor.DataType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * One sequence with its cache, for tests of attention: cells are scattered, unused ones are NaN.
 */
final class AttentionCase {

  final int heads;
  final int kvHeads;
  final int keyDim;
  final int valueDim;
  final int positions;
  final DataType type;
  final MemorySegment queries;
  final MemorySegment keys;
  final MemorySegment values;
  final MemorySegment cells;
  final int cellMask;
  float scale = 0.5f;
  float softCap;
  MemorySegment sinks = MemorySegment.NULL;

  private final Arena arena;

  AttentionCase(
      Arena arena, int heads, int kvHeads, int keyDim, int valueDim, int positions, DataType type) {
    this.arena = arena;
    this.heads = heads;
    this.kvHeads = kvHeads;
    this.keyDim = keyDim;
    this.valueDim = valueDim;
    this.positions = positions;
    this.type = type;
    cellMask = Integer.highestOneBit(Math.max(1, positions - 1)) * 2 - 1;
    queries = Samples.floats(arena, (long) positions * heads * keyDim, 1);
    keys = arena.allocate(type.bytes((cellMask + 1L) * kvHeads * keyDim), 64).fill((byte) -1);
    values = arena.allocate(type.bytes((cellMask + 1L) * kvHeads * valueDim), 64).fill((byte) -1);
    cells = arena.allocate(4L * (cellMask + 1));
    for (int p = 0; p <= cellMask; p++) {
      cells.set(Samples.INT, 4L * p, (p * 5 + 3) & cellMask);
    }
  }

  /** Fills queries, keys and values with seeded numbers. */
  AttentionCase random() {
    MemorySegment k = Samples.floats(arena, (long) positions * kvHeads * keyDim, 2);
    MemorySegment v = Samples.floats(arena, (long) positions * kvHeads * valueDim, 3);
    RowKernel rows = KernelSets.scalar().rows();
    for (int p = 0; p < positions; p++) {
      for (int g = 0; g < kvHeads; g++) {
        long row = (long) p * kvHeads + g;
        long key = type.bytes(place(p, g) * keyDim);
        rows.store(k, row * keyDim, type, keys, key, keyDim);
        long value = type.bytes(place(p, g) * valueDim);
        rows.store(v, row * valueDim, type, values, value, valueDim);
      }
    }
    return this;
  }

  /** The sequence of the specification's reference vectors. */
  static AttentionCase reference(Arena arena) {
    AttentionCase c = new AttentionCase(arena, 4, 2, 4, 4, 6, DataType.F32);
    for (int i = 0; i < 6; i++) {
      for (int h = 0; h < 4; h++) {
        for (int d = 0; d < 4; d++) {
          double q = Math.sin(1 + 0.7 * h + 1.3 * i + 0.5 * d);
          c.queries.set(Samples.FLOAT, 4L * ((i * 4 + h) * 4 + d), (float) q);
        }
      }
      for (int g = 0; g < 2; g++) {
        for (int d = 0; d < 4; d++) {
          c.key(i, g, d, (float) Math.cos(0.3 + 0.9 * g + 0.8 * i - 0.4 * d));
          c.value(i, g, d, ((3 * i + 5 * g + 7 * d) % 11 - 5) / 4f);
        }
      }
    }
    return c;
  }

  /** Rows of a head lie together. */
  private long place(int position, int head) {
    return head * (cellMask + 1L) + cells.get(Samples.INT, 4L * (position & cellMask));
  }

  void key(int position, int head, int d, float v) {
    put(keys, place(position, head) * keyDim + d, v);
  }

  void value(int position, int head, int d, float v) {
    put(values, place(position, head) * valueDim + d, v);
  }

  private void put(MemorySegment s, long index, float v) {
    if (type == DataType.F32) {
      s.set(Samples.FLOAT, 4 * index, v);
    } else {
      s.set(ValueLayout.JAVA_SHORT, 2 * index, Float.floatToFloat16(v));
    }
  }

  private double element(MemorySegment s, long index) {
    return Samples.element(type, s, index);
  }

  /** A task of {@code rows} rows and one kv head that writes its part of {@code results}. */
  AttentionTask task(
      AttentionKernel kernel,
      MaskKind mask,
      int first,
      int rows,
      int kvHead,
      MemorySegment results) {
    int group = heads / kvHeads;
    AttentionTask t = new AttentionTask();
    t.scratch = arena.allocate(kernel.scratchBytes(group, keyDim, valueDim), 64).fill((byte) -1);
    t.queries = queries;
    t.queryOffset = ((long) first * heads + (long) kvHead * group) * keyDim;
    t.queryStride = heads * keyDim;
    t.results = results;
    t.resultOffset = ((long) first * heads + (long) kvHead * group) * valueDim;
    t.resultStride = heads * valueDim;
    t.rows = rows;
    t.from = arena.allocate(4L * rows);
    t.until = arena.allocate(4L * rows);
    for (int r = 0; r < rows; r++) {
      t.from.set(Samples.INT, 4L * r, mask.visibleFrom(first + r));
      t.until.set(Samples.INT, 4L * r, mask.visibleUntil(first + r, positions));
    }
    t.headsPerGroup = group;
    t.keyDim = keyDim;
    t.valueDim = valueDim;
    t.scale = scale;
    t.softCap = softCap;
    t.sinks = sinks;
    t.sinksOffset = (long) kvHead * group;
    t.type = type;
    t.keys = keys;
    t.keyByte = type.bytes(kvHead * (cellMask + 1L) * keyDim);
    t.keyRowBytes = type.bytes(keyDim);
    t.values = values;
    t.valueByte = type.bytes(kvHead * (cellMask + 1L) * valueDim);
    t.valueRowBytes = type.bytes(valueDim);
    t.cells = cells;
    t.cellMask = cellMask;
    return t;
  }

  /** Attends all positions, {@code rows} at a time. Returns [positions, heads, valueDim]. */
  MemorySegment attend(AttentionKernel kernel, MaskKind mask, int rows) {
    MemorySegment results = arena.allocate(4L * positions * heads * valueDim);
    for (int first = 0; first < positions; first += rows) {
      int n = Math.min(rows, positions - first);
      for (int g = 0; g < kvHeads; g++) {
        kernel.attend(task(kernel, mask, first, n, g, results));
      }
    }
    return results;
  }

  /** Element {@code d} of head {@code h} at position {@code i}, by the plain formula in double. */
  double exact(MaskKind mask, int i, int h, int d) {
    int g = h / (heads / kvHeads);
    int from = mask.visibleFrom(i);
    int until = mask.visibleUntil(i, positions);
    double[] z = new double[until];
    double max = sinks.equals(MemorySegment.NULL) ? -1e300 : sinks.get(Samples.FLOAT, 4L * h);
    double sink = max;
    for (int j = from; j < until; j++) {
      double dot = 0;
      for (int e = 0; e < keyDim; e++) {
        dot +=
            queries.get(Samples.FLOAT, 4L * ((long) (i * heads + h) * keyDim + e))
                * element(keys, place(j, g) * keyDim + e);
      }
      z[j] = softCap == 0 ? dot * scale : softCap * Math.tanh(dot * scale / softCap);
      max = Math.max(max, z[j]);
    }
    double sum = Math.exp(sink - max);
    double out = 0;
    for (int j = from; j < until; j++) {
      double p = Math.exp(z[j] - max);
      sum += p;
      out += p * element(values, place(j, g) * valueDim + d);
    }
    return out / sum;
  }
}
