package dev.serval.engine.kv;

import dev.serval.api.attention.MaskKind;
import dev.serval.api.backend.CompileSpec;
import dev.serval.api.error.OutOfBudgetException;
import dev.serval.api.kv.KvSlot;
import dev.serval.api.kv.KvStorage;
import dev.serval.api.memory.BufferPool;
import dev.serval.api.memory.PooledBuffer;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The rows of a sequence from a position on, while they move down: those that other sequences see
 * too get cells of their own, then all keys are rotated. A moved row holds the same bits whether it
 * was shared or not.
 *
 * <p>Rows go from cell to cell through host memory, in canonical form, which is the storage's own
 * type: nothing is rounded. Confined to the model's runner thread.
 */
final class MovedRows implements AutoCloseable {

  /** Cells whose keys are rotated at once. */
  private static final int PIECE = 1024;

  /** Bytes of rows on their way at once; one row may be longer. */
  private static final long COPY_BYTES = BufferPool.TIER_3_BYTES;

  private final KvCells cells;
  private final Function<KvSlot, KvStorage> storages;
  private final CompileSpec.Resources host;
  private final int sequence;
  private final int position;

  /** [PIECE] I32 cells each. */
  private final MemorySegment some = MemorySegment.ofArray(new int[PIECE]);

  private final MemorySegment own = MemorySegment.ofArray(new int[PIECE]);

  /** Rows on their way; null if none is shared. */
  private final @Nullable PooledBuffer rows;

  /**
   * Takes host memory where rows have to be copied.
   *
   * @param cells the cells of the model
   * @param storages the rows of a slot
   * @param host where memory comes from
   * @param sequence the sequence
   * @param position the first position that moves
   * @throws OutOfBudgetException if there is no memory for some rows
   */
  MovedRows(
      KvCells cells,
      Function<KvSlot, KvStorage> storages,
      CompileSpec.Resources host,
      int sequence,
      int position) {
    this.cells = cells;
    this.storages = storages;
    this.host = host;
    this.sequence = sequence;
    this.position = position;
    rows = lease();
  }

  /**
   * Whether the next token of a sequence would see no other positions without {@code [begin, end)}
   * than it sees with them, so that none is missing from a window. A matter of positions alone: not
   * of what happens to be kept beyond the windows.
   */
  static boolean keepsWindows(KvCells cells, int sequence, int begin, int end) {
    for (CellTable t : cells.tables()) {
      MaskKind mask = t.group().mask();
      int until = t.until(sequence);
      int first = mask.visibleFrom(until - (end - begin));
      int before = first < begin ? first : first + end - begin;
      if (before < mask.visibleFrom(until)) {
        return false;
      }
    }
    return true;
  }

  /**
   * Whether there are cells for copies of what is behind {@code [begin, end)} and shared, among
   * those that are free and those that are left.
   */
  static boolean hasRoom(KvCells cells, int sequence, int begin, int end) {
    boolean has = true;
    for (CellTable t : cells.tables()) {
      if (needed(t, sequence, begin, end) > t.freeCells()) {
        cells.pruneAll(t);
      }
      has &= needed(t, sequence, begin, end) <= t.freeCells();
    }
    return has;
  }

  /**
   * Checks that there are cells for all copies.
   *
   * @throws CacheFullException unless {@link #hasRoom}
   */
  static void requireRoom(KvCells cells, int sequence, int begin, int end) {
    if (!hasRoom(cells, sequence, begin, end)) {
      cells.tables().forEach(t -> t.requireFree(needed(t, sequence, begin, end)));
    }
  }

  private static int needed(CellTable table, int sequence, int begin, int end) {
    return shared(table, sequence, end) - table.alone(sequence, begin, end);
  }

  private static int shared(CellTable table, int sequence, int position) {
    int until = table.until(sequence);
    int held = until - Math.clamp(position, table.from(sequence), until);
    return held - table.alone(sequence, position, until);
  }

  private int next(CellTable table, int cell) {
    return table.next(sequence, position, Integer.MAX_VALUE, cell);
  }

  private @Nullable PooledBuffer lease() {
    long bytes = 0;
    for (CellTable t : cells.tables()) {
      int shared = shared(t, sequence, position);
      for (KvSlot slot : t.group().slots()) {
        long rowBytes = storage(slot).format().rowBytes(slot);
        bytes = Math.max(bytes, Math.min(shared * rowBytes, Math.max(COPY_BYTES, rowBytes)));
      }
    }
    if (bytes == 0) {
      return null;
    }
    String holder = "rows that move " + host.holder();
    long leased = BufferPool.leasedBytes(bytes);
    host.budget().reserve(leased, holder);
    try {
      return host.pool().lease(bytes, holder);
    } catch (RuntimeException | Error e) {
      host.budget().release(leased);
      throw e;
    }
  }

  private KvStorage storage(KvSlot slot) {
    return storages.apply(slot);
  }

  /**
   * Moves them.
   *
   * @param begin where the first of them goes; what was between is taken away from the sequence
   */
  void move(int begin) {
    for (CellTable t : cells.tables()) {
      t.drop(sequence, begin, position);
      if (rows != null) {
        separate(t, rows.segment());
      }
      rotate(t, begin - position);
    }
    cells.close(sequence, begin, position);
  }

  /** Gives the sequence copies of what others see too. */
  private void separate(CellTable table, MemorySegment through) {
    int most = PIECE;
    for (KvSlot slot : table.group().slots()) {
      most = (int) Math.min(most, through.byteSize() / storage(slot).format().rowBytes(slot));
    }
    int n = 0;
    for (int c = next(table, 0); c >= 0; c = next(table, c + 1)) {
      if (table.isShared(sequence, c)) {
        some.setAtIndex(ValueLayout.JAVA_INT, n, c);
        own.setAtIndex(ValueLayout.JAVA_INT, n++, table.separate(sequence, c));
      }
      if (n == most) {
        copy(table, n, through);
        n = 0;
      }
    }
    copy(table, n, through);
  }

  private void copy(CellTable table, int n, MemorySegment through) {
    if (n > 0) {
      for (KvSlot slot : table.group().slots()) {
        KvStorage storage = storage(slot);
        MemorySegment copied = through.asSlice(0, n * storage.format().rowBytes(slot));
        storage.exportRows(slot, some.asSlice(0, 4L * n), copied);
        storage.importRows(storage.format(), slot, own.asSlice(0, 4L * n), copied);
      }
    }
  }

  private void rotate(CellTable table, int by) {
    int n = 0;
    for (int c = next(table, 0); c >= 0; c = next(table, c + 1)) {
      some.setAtIndex(ValueLayout.JAVA_INT, n++, c);
      if (n == PIECE) {
        rotate(table, n, by);
        n = 0;
      }
    }
    rotate(table, n, by);
  }

  private void rotate(CellTable table, int n, int by) {
    if (n > 0) {
      for (KvSlot slot : table.group().slots()) {
        storage(slot).shiftKeys(slot, some.asSlice(0, 4L * n), by);
      }
    }
  }

  /** Gives the host memory back. */
  @Override
  public void close() {
    if (rows != null) {
      long leased = rows.leasedBytes();
      rows.close();
      host.budget().release(leased);
    }
  }
}
