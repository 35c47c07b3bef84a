package dev.serval.tck.far;

import dev.serval.api.backend.CompileSpec;
import dev.serval.api.graph.Graph;
import dev.serval.api.kv.KvFormat;
import dev.serval.api.kv.KvGroup;
import dev.serval.api.kv.KvSlot;
import dev.serval.api.kv.KvStorage;
import dev.serval.api.memory.BufferPool;
import dev.serval.api.tensor.DataType;
import dev.serval.tck.memory.Lease;
import java.lang.foreign.MemorySegment;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/**
 * The rows of a wrapped program, in pieces through one buffer: cell indices, then rows. Confined to
 * one thread at a time.
 */
final class FarKv implements KvStorage, AutoCloseable {

  private static final long CELLS_BYTES = 1024;

  private final FarDevice device;
  private final KvStorage there;
  private final Optional<Lease> buffer;
  private final Runnable check;

  /**
   * Leases the buffer, if there are slots.
   *
   * @param check throws if rows may not travel now
   */
  FarKv(FarDevice device, KvStorage there, CompileSpec.Resources resources, Runnable check) {
    this.device = device;
    this.there = there;
    this.check = check;
    long bytes = bytes(there.format().slots(), there.format().type());
    this.buffer =
        bytes == 0 ? Optional.empty() : Optional.of(Lease.of(bytes, "staging", resources));
  }

  /** Bytes of the buffer for a graph, tier rounding included. */
  static long leasedBytes(Graph graph, DataType type) {
    List<KvSlot> slots =
        graph.groups().stream().map(KvGroup::slots).flatMap(Collection::stream).toList();
    long bytes = bytes(slots, type);
    return bytes == 0 ? 0 : BufferPool.leasedBytes(bytes);
  }

  /** The smallest tier, or more if a row is longer. */
  private static long bytes(List<KvSlot> slots, DataType type) {
    long longest = 0;
    for (KvSlot s : slots) {
      longest = Math.max(longest, type.bytes(s.keyWidth()) + type.bytes(s.valueWidth()));
    }
    return longest == 0 ? 0 : Math.max(BufferPool.TIER_1_BYTES, CELLS_BYTES + longest);
  }

  /** Bytes of the buffer, tier rounding included. */
  long leasedBytes() {
    return buffer.map(Lease::leasedBytes).orElse(0L);
  }

  @Override
  public KvFormat format() {
    return there.format();
  }

  @Override
  public void exportRows(KvSlot slot, MemorySegment cells, MemorySegment target) {
    eachPiece(
        slot,
        cells,
        target,
        (indices, rows, outside) -> {
          device.run(() -> there.exportRows(slot, indices, rows));
          outside.copyFrom(rows);
        });
  }

  @Override
  public void importRows(KvFormat from, KvSlot slot, MemorySegment cells, MemorySegment source) {
    eachPiece(
        slot,
        cells,
        source,
        (indices, rows, outside) -> {
          rows.copyFrom(outside);
          device.run(() -> there.importRows(from, slot, indices, rows));
        });
  }

  @Override
  public List<String> shiftProblems() {
    return there.shiftProblems();
  }

  @Override
  public void shiftKeys(KvSlot slot, MemorySegment cells, int by) {
    check.run();
    MemorySegment memory = buffer.orElseThrow().segment();
    for (long at = 0; at < cells.byteSize(); at += CELLS_BYTES) {
      long bytes = Math.min(CELLS_BYTES, cells.byteSize() - at);
      MemorySegment indices = memory.asSlice(0, bytes);
      indices.copyFrom(cells.asSlice(at, bytes));
      device.run(() -> there.shiftKeys(slot, indices, by));
    }
  }

  private interface Piece {
    void move(MemorySegment indices, MemorySegment rows, MemorySegment outside);
  }

  private void eachPiece(KvSlot slot, MemorySegment cells, MemorySegment outside, Piece piece) {
    check.run();
    if (!format().slots().contains(slot)) {
      throw new IllegalArgumentException(slot + " is not one of " + format().slots());
    }
    long rowBytes = format().rowBytes(slot);
    long n = cells.byteSize() / Integer.BYTES;
    if (cells.byteSize() % Integer.BYTES != 0 || outside.byteSize() < n * rowBytes) {
      throw new IllegalArgumentException(
          n + " rows of " + rowBytes + " bytes, got " + outside.byteSize() + " bytes");
    }
    MemorySegment memory = buffer.orElseThrow().segment();
    long most = Math.min(CELLS_BYTES / Integer.BYTES, (memory.byteSize() - CELLS_BYTES) / rowBytes);
    for (long at = 0; at < n; at += most) {
      long count = Math.min(most, n - at);
      MemorySegment indices = memory.asSlice(0, count * Integer.BYTES);
      indices.copyFrom(cells.asSlice(at * Integer.BYTES, count * Integer.BYTES));
      MemorySegment rows = memory.asSlice(CELLS_BYTES, count * rowBytes);
      piece.move(indices, rows, outside.asSlice(at * rowBytes, count * rowBytes));
    }
  }

  @Override
  public void close() {
    buffer.ifPresent(Lease::close);
  }
}
