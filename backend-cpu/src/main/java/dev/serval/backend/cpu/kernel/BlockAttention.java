package dev.serval.backend.cpu.kernel;

import dev.serval.api.graph.Elementwise.BinaryKind;
import dev.serval.api.graph.Reduction.ReduceKind;
import dev.serval.api.tensor.DataType;
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
 * with dot products and sums in 16 parts and the values in ascending position.
 *
 * <p>Keys, then values, of {@link #TILE} positions are expanded to F32, exactly, and used by all
 * rows and heads of the task while they are in the first level of the processor's caches. What is
 * done element by element is left to the subclass and its {@link RowKernel}. Scratch memory:
 *
 * <pre>
 * parts [TILE, 16] · tile [wider of key and value / 16, TILE, 16] · row [wider of key and value]
 *   · scores [states, BLOCK] · accumulators [states, value] · queries [states, key] · M and S [states, 2]
 * </pre>
 *
 * of F32, a state being a row and head. Widths are filled up with zeros to a multiple of 16. In the
 * tile the same 16 elements of all positions lie together, at distances known to the compiler.
 */
abstract sealed class BlockAttention implements AttentionKernel
    permits ScalarAttentionKernel, VectorAttentionKernel {

  /** Positions that are expanded together: a vector of scores at most. */
  static final int TILE = 16;

  /** Byte of the parts of {@link #TILE} sums, scratch of the subclass. */
  static final long PARTS = 0;

  /** Bytes from a group of 16 elements of a position to the next in a tile. */
  static final long GROUP_BYTES = 4L * TILE * Sums.PARTS;

  /** Byte of the tile. */
  private static final long TILE_AT = PARTS + 4L * TILE * Sums.PARTS;

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
    long tile = (TILE + 1L) * Math.max(padded(keyDim), padded(valueDim));
    long states = (long) MAX_ROWS * headsPerGroup;
    return TILE_AT + 4 * (tile + states * (BLOCK + padded(keyDim) + padded(valueDim) + 2));
  }

  /**
   * z[h, j] = scale · Σ q[h]·k[j] in 16 parts, for all heads of a row and the positions {@code
   * from} until {@code until} of a tile; byte offsets. Scores of other positions of the tile may be
   * overwritten with anything.
   *
   * @param heads queries, one after the other; scores are {@link #BLOCK} floats apart
   * @param n floats of a query and of a key, a multiple of 16
   */
  abstract void scores(
      MemorySegment s,
      long queries,
      int heads,
      long tile,
      int n,
      int from,
      int until,
      float scale,
      long z);

  /** z[j] = exp(z[j] − max) for all positions of a block. */
  abstract void exponentials(MemorySegment s, long z, float max);

  /**
   * a[h, d] += Σ p[h, j]·v[j, d] for all heads of a row and j in {@code from} until {@code until},
   * by fused multiply-adds in ascending order; byte offsets.
   *
   * @param p weights of the tile's first position, {@link #BLOCK} floats from head to head
   * @param n floats of a value and of an accumulator, a multiple of 16
   */
  abstract void accumulate(
      MemorySegment s, long p, int heads, long tile, int n, int from, int until, long a);

  @Override
  public void attend(AttentionTask t) {
    int states = t.rows * t.headsPerGroup;
    int keyWidth = padded(t.keyDim);
    int valueWidth = padded(t.valueDim);
    long line = TILE_AT + 4L * TILE * Math.max(keyWidth, valueWidth);
    long scores = line + 4L * Math.max(keyWidth, valueWidth);
    long acc = scores + 4L * BLOCK * states;
    long queries = acc + 4L * states * valueWidth;
    long state = queries + 4L * states * keyWidth;
    begin(t, acc, queries, state, keyWidth, valueWidth);
    int first = Integer.MAX_VALUE;
    int last = 0;
    for (int row = 0; row < t.rows; row++) {
      if (from(t, row) < until(t, row)) {
        first = Math.min(first, from(t, row));
        last = Math.max(last, until(t, row));
      }
    }
    for (int block = first / BLOCK * BLOCK; block < last; block += BLOCK) {
      int start = Math.max(block, first / TILE * TILE);
      int end = Math.min(block + BLOCK, last);
      for (int at = start; at < end; at += TILE) {
        expand(t, at, true, t.keyDim, line);
        scoreTile(t, block, at, queries, keyWidth, scores);
      }
      softmax(t, block, scores, acc, valueWidth, state);
      for (int at = start; at < end; at += TILE) {
        expand(t, at, false, t.valueDim, line);
        addTile(t, block, at, scores, acc, valueWidth);
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

  /**
   * Expands a row of whole groups of 16 elements into a tile; byte offsets.
   *
   * @param to place of the row's first element; groups are {@link #GROUP_BYTES} apart
   */
  abstract void spread(
      DataType type, MemorySegment source, long from, MemorySegment s, long to, int n);

  /** Expands the keys or values of a tile that some row sees, and no others. */
  private void expand(AttentionTask t, int tile, boolean keys, int dim, long line) {
    MemorySegment s = t.scratch;
    MemorySegment source = keys ? t.keys : t.values;
    long base = keys ? t.keyByte : t.valueByte;
    long rowBytes = keys ? t.keyRowBytes : t.valueRowBytes;
    int done = tile;
    for (int row = 0; row < t.rows; row++) {
      int until = Math.min(tile + TILE, until(t, row));
      for (int p = Math.max(done, from(t, row)); p < until; p++) {
        long cell = t.cells.get(INT, 4 * (t.cellsOffset + (p & t.cellMask)));
        long from = base + cell * rowBytes;
        long to = TILE_AT + 4L * Sums.PARTS * (p - tile);
        if (dim % Sums.PARTS == 0) {
          spread(t.type, source, from, s, to, dim);
        } else {
          rowKernel.load(t.type, source, from, s, line / 4, dim);
          clear(s, line + 4L * dim, padded(dim) - dim);
          spread(DataType.F32, s, line, s, to, padded(dim));
        }
      }
      done = Math.max(done, until);
    }
  }

  /** Scores of a tile for the rows that see some of it; positions a row does not see get −∞. */
  private void scoreTile(
      AttentionTask t, int block, int tile, long queries, int keyWidth, long scores) {
    MemorySegment s = t.scratch;
    int heads = t.headsPerGroup;
    for (int row = 0; row < t.rows; row++) {
      long z = scores + 4L * (row * heads * BLOCK + tile - block);
      int from = Math.max(0, from(t, row) - tile);
      int until = Math.min(TILE, until(t, row) - tile);
      if (from < until) {
        long q = queries + 4L * row * heads * keyWidth;
        scores(s, q, heads, TILE_AT, keyWidth, from, until, t.scale, z);
      }
      for (int j = 0; until - from < TILE && j < TILE; j++) {
        if (j < from || j >= until) {
          for (int head = 0; head < heads; head++) {
            s.set(FLOAT, z + 4L * (head * BLOCK + j), Float.NEGATIVE_INFINITY);
          }
        }
      }
    }
  }

  /** Adds the values of a tile, weighted, to the rows that see some of it. */
  private void addTile(
      AttentionTask t, int block, int tile, long scores, long acc, int valueWidth) {
    int heads = t.headsPerGroup;
    for (int row = 0; row < t.rows; row++) {
      int from = Math.max(0, from(t, row) - tile);
      int until = Math.min(TILE, until(t, row) - tile);
      if (from < until) {
        long p = scores + 4L * (row * heads * BLOCK + tile - block);
        long a = acc + 4L * row * heads * valueWidth;
        accumulate(t.scratch, p, heads, TILE_AT, valueWidth, from, until, a);
      }
    }
  }

  /** Takes the scores of a block into the states of the rows that see some of it. */
  private void softmax(
      AttentionTask t, int block, long scores, long acc, int valueWidth, long state) {
    for (int row = 0; row < t.rows; row++) {
      int from = Math.max(0, from(t, row) - block);
      int until = Math.min(BLOCK, until(t, row) - block);
      for (int head = 0; from < until && head < t.headsPerGroup; head++) {
        int i = row * t.headsPerGroup + head;
        long z = scores + 4L * i * BLOCK;
        // tiles that no row sees
        fill(t.scratch, z, 0, from / TILE * TILE);
        fill(t.scratch, z, (until + TILE - 1) / TILE * TILE, BLOCK);
        step(t, z, from, until, acc + 4L * i * valueWidth, valueWidth, state + 8L * i);
      }
    }
  }

  private static void fill(MemorySegment s, long z, int from, int until) {
    for (int j = from; j < until; j++) {
      s.set(FLOAT, z + 4L * j, Float.NEGATIVE_INFINITY);
    }
  }

  private void step(
      AttentionTask t, long z, int from, int until, long acc, int valueWidth, long state) {
    MemorySegment s = t.scratch;
    if (t.softCap != 0) {
      rowKernel.softCap(t.softCap, s, z / 4 + from, s, z / 4 + from, until - from);
    }
    float max = s.get(FLOAT, state);
    float highest = rowKernel.reduce(ReduceKind.MAX, s, z / 4, BLOCK);
    float newMax = Math.max(max, highest);
    // nothing but −∞ so far: take 0, so that −∞ adds nothing
    float base = newMax == Float.NEGATIVE_INFINITY ? 0 : newMax;
    exponentials(s, z, base);
    float factor = ScalarFunctions.exp(max - base);
    float sum = rowKernel.reduce(ReduceKind.SUM, s, z / 4, BLOCK);
    s.set(FLOAT, state, newMax);
    s.set(FLOAT, state + 4, Math.fma(s.get(FLOAT, state + 4), factor, sum));
    if (factor != 1) {
      rowKernel.binaryScalar(BinaryKind.MUL, s, acc / 4, factor, false, s, acc / 4, valueWidth);
    }
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
