package dev.serval.backend.cpu.kernel;

import dev.serval.api.tensor.DataType;
import java.lang.foreign.MemorySegment;

/**
 * What one call of an {@link AttentionKernel} computes. A mutable parameter block, reused by its
 * thread, so that a step allocates nothing. Floats and bytes as the names say; all memory native.
 *
 * <p>The key of head {@code kvHead} at position p lies {@code keyByte + cell(p) · keyRowBytes}
 * bytes into {@code keys}, keyDim elements of {@code type}; likewise the value. {@code cell(p) =
 * cells[cellsOffsetInts + (p & cellMask)]}, I32.
 */
public final class AttentionTask {

  /** Creates an empty block. */
  public AttentionTask() {}

  /** Scratch memory of the thread. */
  public MemorySegment scratch = MemorySegment.NULL;

  /** Queries, F32. */
  public MemorySegment queries = MemorySegment.NULL;

  /** Floats before the query of the first row and the group's first head. */
  public long queryOffset;

  /** Floats from row to row of the queries. */
  public int queryStride;

  /** Results, F32. */
  public MemorySegment results = MemorySegment.NULL;

  /** Floats before the result of the first row and the group's first head. */
  public long resultOffset;

  /** Floats from row to row of the results. */
  public int resultStride;

  /** Query rows, 1 to {@link AttentionKernel#MAX_ROWS}. */
  public int rows;

  /** First visible position per row, I32 [rows], ascending. */
  public MemorySegment from = MemorySegment.NULL;

  /** Ints before the first row in {@link #from}. */
  public long fromOffset;

  /** One past the last visible position per row, I32 [rows], ascending. */
  public MemorySegment until = MemorySegment.NULL;

  /** Ints before the first row in {@link #until}. */
  public long untilOffset;

  /** Query heads that share the key/value head. */
  public int headsPerGroup;

  /** Width of a query and key head. */
  public int keyDim;

  /** Width of a value head. */
  public int valueDim;

  /** Factor of the scores. */
  public float scale;

  /** Cap of the scaled scores, 0 for none. */
  public float softCap;

  /** One sink logit per query head of the group, F32; {@link MemorySegment#NULL} for none. */
  public MemorySegment sinks = MemorySegment.NULL;

  /** Floats before the group's first sink. */
  public long sinksOffset;

  /** Element type of keys and values: F32, F16, Q8_0 or Q4_0. */
  public DataType type = DataType.F32;

  /** Memory of the keys. */
  public MemorySegment keys = MemorySegment.NULL;

  /** Bytes before the key of this head in cell 0. */
  public long keyByte;

  /** Bytes from cell to cell of the keys. */
  public long keyRowBytes;

  /** Memory of the values. */
  public MemorySegment values = MemorySegment.NULL;

  /** Bytes before the value of this head in cell 0. */
  public long valueByte;

  /** Bytes from cell to cell of the values. */
  public long valueRowBytes;

  /** Cell of each position, I32. */
  public MemorySegment cells = MemorySegment.NULL;

  /** Ints before the sequence's table. */
  public long cellsOffset;

  /** Table size − 1; the size is a power of two. */
  public int cellMask;
}
