package dev.serval.backend.cpu.kernel;

import dev.serval.api.graph.Elementwise.BinaryKind;
import dev.serval.api.graph.Reduction.ReduceKind;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The order of operations of attention: the running softmax of Milakov and Gimelshein (arXiv
 * 1805.02867) over blocks of {@link AttentionKernel#BLOCK} positions. Per row and head it keeps the
 * maximum M, the sum S and the accumulator A:
 *
 * <pre>
 * M' = max(M, max z_j) ;  r = exp(M − M') ;  S = S·r + Σ exp(z_j − M') ;  A = A·r + Σ exp(z_j − M')·v_j
 * </pre>
 *
 * with dot products and sums in 16 parts and the values in ascending position. Keys and values of a
 * block are expanded to F32 once for all rows and heads of the task. What is done element by
 * element is left to the subclass and its {@link RowKernel}.
 */
abstract sealed class BlockAttention implements AttentionKernel
    permits ScalarAttentionKernel, VectorAttentionKernel {

  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;

  private final RowKernel rowKernel;

  BlockAttention(RowKernel rowKernel) {
    this.rowKernel = rowKernel;
  }

  /** Width of a head in scratch memory, filled up with zeros. */
  private static int padded(int dim) {
    return (dim + Sums.PARTS - 1) / Sums.PARTS * Sums.PARTS;
  }

  @Override
  public long scratchBytes(int headsPerGroup, int keyDim, int valueDim) {
    long width = (long) padded(keyDim) + padded(valueDim);
    long states = (long) MAX_ROWS * headsPerGroup;
    return 4 * (width * (states + BLOCK) + BLOCK + 2 * states);
  }

  /**
   * z[j] = scale · Σ q·k[j] for j in {@code from} until {@code until}, in 16 parts; byte offsets.
   *
   * @param n floats of a key, a multiple of 16
   */
  abstract void scores(
      MemorySegment s, long query, long keys, int n, int from, int until, float scale, long z);

  /** z[j] = exp(z[j] − max) for all positions of a block. */
  abstract void exponentials(MemorySegment s, long z, float max);

  /**
   * a[d] += Σ p[j]·v[j, d] for j in {@code from} until {@code until}, by fused multiply-adds in
   * ascending order; byte offsets.
   *
   * @param n floats of a value, a multiple of 16
   */
  abstract void accumulate(
      MemorySegment s, long p, long values, int n, int from, int until, long a);

  @Override
  public void attend(AttentionTask t) {
    MemorySegment s = t.scratch;
    int states = t.rows * t.headsPerGroup;
    int keyWidth = padded(t.keyDim);
    int valueWidth = padded(t.valueDim);
    // bytes: scores, keys, values, then per row and head: accumulators, queries, M, S
    long keys = 4L * BLOCK;
    long values = keys + 4L * BLOCK * keyWidth;
    long acc = values + 4L * BLOCK * valueWidth;
    long queries = acc + 4L * states * valueWidth;
    long state = queries + 4L * states * keyWidth;
    begin(t, acc, queries, state, keyWidth, valueWidth);
    clearPadding(s, keys, t.keyDim, keyWidth);
    clearPadding(s, values, t.valueDim, valueWidth);
    int first = Integer.MAX_VALUE;
    int last = 0;
    for (int row = 0; row < t.rows; row++) {
      if (from(t, row) < until(t, row)) {
        first = Math.min(first, from(t, row));
        last = Math.max(last, until(t, row));
      }
    }
    for (int block = first / BLOCK * BLOCK; block < last; block += BLOCK) {
      expand(t, block, keys, keyWidth, values, valueWidth);
      for (int row = 0; row < t.rows; row++) {
        int from = Math.max(0, from(t, row) - block);
        int until = Math.min(BLOCK, until(t, row) - block);
        if (from < until) {
          for (int i = row * t.headsPerGroup; i < (row + 1) * t.headsPerGroup; i++) {
            fillScores(s, from, until);
            scores(s, queries + 4L * i * keyWidth, keys, keyWidth, from, until, t.scale, 0);
            long a = acc + 4L * i * valueWidth;
            step(t, from, until, values, valueWidth, a, state + 8L * i);
          }
        }
      }
    }
    finish(t, acc, valueWidth, state);
  }

  private static int from(AttentionTask t, int row) {
    return t.from.get(INT, 4 * (t.fromOffset + row));
  }

  private static int until(AttentionTask t, int row) {
    return t.until.get(INT, 4 * (t.untilOffset + row));
  }

  /** Copies queries and resets accumulators, maxima and sums. */
  private static void begin(
      AttentionTask t, long acc, long queries, long state, int keyWidth, int valueWidth) {
    MemorySegment s = t.scratch;
    for (int row = 0; row < t.rows; row++) {
      for (int head = 0; head < t.headsPerGroup; head++) {
        int i = row * t.headsPerGroup + head;
        long from = t.queryOffset + (long) row * t.queryStride + (long) head * t.keyDim;
        long to = queries + 4L * i * keyWidth;
        MemorySegment.copy(t.queries, 4 * from, s, to, 4L * t.keyDim);
        clear(s, to + 4L * t.keyDim, keyWidth - t.keyDim);
        clear(s, acc + 4L * i * valueWidth, valueWidth);
        s.set(FLOAT, state + 8L * i, Float.NEGATIVE_INFINITY);
        s.set(FLOAT, state + 8L * i + 4, 0);
      }
    }
  }

  private static void clear(MemorySegment s, long at, int floats) {
    for (int i = 0; i < floats; i++) {
      s.set(FLOAT, at + 4L * i, 0);
    }
  }

  private static void clearPadding(MemorySegment s, long at, int dim, int width) {
    if (dim < width) {
      for (int j = 0; j < BLOCK; j++) {
        clear(s, at + 4L * (j * width + dim), width - dim);
      }
    }
  }

  /** Expands the keys and values of a block that some row sees, and no others. */
  private void expand(
      AttentionTask t, int block, long keys, int keyWidth, long values, int valueWidth) {
    int done = block;
    for (int row = 0; row < t.rows; row++) {
      int until = Math.min(block + BLOCK, until(t, row));
      for (int p = Math.max(done, from(t, row)); p < until; p++) {
        long cell = t.cells.get(INT, 4 * (t.cellsOffset + (p & t.cellMask)));
        long key = t.keyByte + cell * t.keyRowBytes;
        long value = t.valueByte + cell * t.valueRowBytes;
        long toKey = keys / 4 + (long) (p - block) * keyWidth;
        long toValue = values / 4 + (long) (p - block) * valueWidth;
        rowKernel.load(t.type, t.keys, key, t.scratch, toKey, t.keyDim);
        rowKernel.load(t.type, t.values, value, t.scratch, toValue, t.valueDim);
      }
      done = Math.max(done, until);
    }
  }

  private static void fillScores(MemorySegment s, int from, int until) {
    if (until - from < BLOCK) {
      for (int j = 0; j < BLOCK; j++) {
        s.set(FLOAT, 4L * j, Float.NEGATIVE_INFINITY);
      }
    }
  }

  /** Takes the scores of a block into the state of one row and head. */
  private void step(
      AttentionTask t, int from, int until, long values, int valueWidth, long acc, long state) {
    MemorySegment s = t.scratch;
    if (t.softCap != 0) {
      rowKernel.softCap(t.softCap, s, from, s, from, until - from);
    }
    float max = s.get(FLOAT, state);
    float highest = rowKernel.reduce(ReduceKind.MAX, s, 0, BLOCK);
    float newMax = Math.max(max, highest);
    // nothing but −∞ so far: take 0, so that −∞ adds nothing
    float base = newMax == Float.NEGATIVE_INFINITY ? 0 : newMax;
    exponentials(s, 0, base);
    float factor = ScalarFunctions.exp(max - base);
    float sum = rowKernel.reduce(ReduceKind.SUM, s, 0, BLOCK);
    s.set(FLOAT, state, newMax);
    s.set(FLOAT, state + 4, Math.fma(s.get(FLOAT, state + 4), factor, sum));
    if (factor != 1) {
      rowKernel.binaryScalar(BinaryKind.MUL, s, acc / 4, factor, false, s, acc / 4, valueWidth);
    }
    accumulate(s, 0, values, valueWidth, from, until, acc);
  }

  /** Adds the sinks and divides. */
  private void finish(AttentionTask t, long acc, int valueWidth, long state) {
    MemorySegment s = t.scratch;
    boolean sinks = !t.sinks.equals(MemorySegment.NULL);
    for (int row = 0; row < t.rows; row++) {
      for (int head = 0; head < t.headsPerGroup; head++) {
        int i = row * t.headsPerGroup + head;
        long a = acc / 4 + (long) i * valueWidth;
        float max = s.get(FLOAT, state + 8L * i);
        float sum = s.get(FLOAT, state + 8L * i + 4);
        float factor = 1;
        float sink = sinks ? t.sinks.get(FLOAT, 4 * (t.sinksOffset + head)) : 0;
        if (sinks && sink > max) {
          factor = ScalarFunctions.exp(max - sink);
          sum = Math.fma(sum, factor, 1f);
        } else if (sinks && max != Float.NEGATIVE_INFINITY) {
          sum += ScalarFunctions.exp(sink - max);
        }
        if (factor != 1) {
          rowKernel.binaryScalar(BinaryKind.MUL, s, a, factor, false, s, a, valueWidth);
        }
        // the accumulator of a row that saw nothing is 0
        float divisor = sum == 0 ? 1 : sum;
        long to = t.resultOffset + (long) row * t.resultStride + (long) head * t.valueDim;
        rowKernel.binaryScalar(BinaryKind.DIV, s, a, divisor, false, t.results, to, t.valueDim);
      }
    }
  }
}
