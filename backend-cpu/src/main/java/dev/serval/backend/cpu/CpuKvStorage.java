package dev.serval.backend.cpu;

import dev.serval.api.kv.KvFormat;
import dev.serval.api.kv.KvSlot;
import dev.serval.api.kv.KvStorage;
import dev.serval.backend.cpu.layout.KvLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/** The key/value rows of a program: those of a head lie together, so rows travel in parts. */
final class CpuKvStorage implements KvStorage {

  private final KvFormat format;
  private final KvLayout layout;
  private final MemorySegment memory;
  private final KeyShift shift;
  private final Runnable check;

  /**
   * Rows in memory.
   *
   * @param shift moves keys
   * @param check throws if the program is closed
   */
  CpuKvStorage(
      String graphDigest, KvLayout layout, MemorySegment memory, KeyShift shift, Runnable check) {
    this.format = new KvFormat(KvFormat.VERSION, graphDigest, layout.type(), layout.slots());
    this.layout = layout;
    this.memory = memory;
    this.shift = shift;
    this.check = check;
  }

  @Override
  public KvFormat format() {
    return format;
  }

  @Override
  public void exportRows(KvSlot slot, MemorySegment cells, MemorySegment target) {
    KvLayout.SlotRows rows = checked(slot, cells, target);
    long rowBytes = format.rowBytes(slot);
    for (long i = 0; i < cells.byteSize() / 4; i++) {
      long cell = cells.get(ValueLayout.JAVA_INT_UNALIGNED, 4 * i);
      long at = i * rowBytes;
      for (int head = 0; head < slot.nKvHeads(); head++, at += rows.keyBytes()) {
        MemorySegment.copy(memory, rows.key(head, cell), target, at, rows.keyBytes());
      }
      for (int head = 0; head < slot.nKvHeads(); head++, at += rows.valueBytes()) {
        MemorySegment.copy(memory, rows.value(head, cell), target, at, rows.valueBytes());
      }
    }
  }

  @Override
  public void importRows(KvFormat from, KvSlot slot, MemorySegment cells, MemorySegment source) {
    format.requireEqual(from);
    KvLayout.SlotRows rows = checked(slot, cells, source);
    long rowBytes = format.rowBytes(slot);
    for (long i = 0; i < cells.byteSize() / 4; i++) {
      long cell = cells.get(ValueLayout.JAVA_INT_UNALIGNED, 4 * i);
      long at = i * rowBytes;
      for (int head = 0; head < slot.nKvHeads(); head++, at += rows.keyBytes()) {
        MemorySegment.copy(source, at, memory, rows.key(head, cell), rows.keyBytes());
      }
      for (int head = 0; head < slot.nKvHeads(); head++, at += rows.valueBytes()) {
        MemorySegment.copy(source, at, memory, rows.value(head, cell), rows.valueBytes());
      }
    }
  }

  @Override
  public List<String> shiftProblems() {
    return List.of();
  }

  @Override
  public void shiftKeys(KvSlot slot, MemorySegment cells, int by) {
    KvLayout.SlotRows rows = checked(slot, cells);
    shift.shift(rows, cells.toArray(ValueLayout.JAVA_INT_UNALIGNED), by);
  }

  private KvLayout.SlotRows checked(KvSlot slot, MemorySegment cells, MemorySegment data) {
    KvLayout.SlotRows rows = checked(slot, cells);
    if (data.byteSize() < cells.byteSize() / 4 * format.rowBytes(slot)) {
      throw new IllegalArgumentException(
          "slot "
              + slot.index()
              + ": "
              + cells.byteSize()
              + " bytes of cells and "
              + data.byteSize()
              + " bytes for rows of "
              + format.rowBytes(slot));
    }
    return rows;
  }

  private KvLayout.SlotRows checked(KvSlot slot, MemorySegment cells) {
    check.run();
    if (!format.slots().contains(slot)) {
      throw new IllegalArgumentException(slot + " is not one of " + format.slots());
    }
    KvLayout.SlotRows rows = layout.slot(slot);
    if (cells.byteSize() % 4 != 0) {
      throw new IllegalArgumentException(
          "slot " + slot.index() + ": " + cells.byteSize() + " bytes of cells");
    }
    for (long i = 0; i < cells.byteSize() / 4; i++) {
      int cell = cells.get(ValueLayout.JAVA_INT_UNALIGNED, 4 * i);
      if (cell < 0 || cell >= rows.cells()) {
        throw new IllegalArgumentException(
            "slot " + slot.index() + ": cell " + cell + " of " + rows.cells());
      }
    }
    return rows;
  }
}
