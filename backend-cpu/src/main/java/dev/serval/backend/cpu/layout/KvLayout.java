package dev.serval.backend.cpu.layout;

import dev.serval.api.backend.CompileSpec;
import dev.serval.api.graph.Graph;
import dev.serval.api.kv.KvGroup;
import dev.serval.api.kv.KvSlot;
import dev.serval.api.tensor.DataType;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Where a program keeps its key/value rows and the tables of cells, all in one buffer. Pure.
 *
 * <pre>
 * per slot:  keys [nKvHeads, cells, keyDim], values [nKvHeads, cells, valueDim], in the cache's type
 * per group: tables [maxSequences, size] I32; position p of a sequence is in cell table[p mod size]
 * </pre>
 *
 * The size of a table is the power of two at or above the group's cells: positions alive together
 * are neighbours and no more than there are cells, so they never share an entry.
 */
public final class KvLayout {

  /**
   * Rows of one slot. Attention reads one head after the other, so that what it reads of many cells
   * is one run of memory.
   *
   * @param slot the slot
   * @param group index of its group
   * @param cells rows
   * @param keysOffset bytes before the key of head 0 in cell 0
   * @param valuesOffset bytes before the value of head 0 in cell 0
   * @param keyBytes bytes of the key of a head
   * @param valueBytes bytes of the value of a head
   */
  public record SlotRows(
      KvSlot slot,
      int group,
      int cells,
      long keysOffset,
      long valuesOffset,
      long keyBytes,
      long valueBytes) {

    /** Byte of the key of a head. */
    public long key(int head, long cell) {
      return keysOffset + ((long) head * cells + cell) * keyBytes;
    }

    /** Byte of the value of a head. */
    public long value(int head, long cell) {
      return valuesOffset + ((long) head * cells + cell) * valueBytes;
    }
  }

  /**
   * Cell tables of one group.
   *
   * @param group index of the group
   * @param offset bytes before the table of sequence 0
   * @param size entries of a table, a power of two
   */
  public record Tables(int group, long offset, int size) {}

  private final DataType type;
  private final Map<Integer, SlotRows> slots = new TreeMap<>();
  private final List<Tables> tables = new ArrayList<>();
  private long bytes;

  /**
   * The layout for a graph.
   *
   * @throws IllegalArgumentException if a group with slots has no cells
   */
  public KvLayout(Graph graph, CompileSpec spec) {
    type = spec.kvType();
    CompileSpec.Limits limits = spec.limits();
    for (KvGroup group : graph.groups()) {
      if (group.slots().isEmpty()) {
        continue;
      }
      int cells = limits.cells().get(group.index());
      if (cells == 0) {
        throw new IllegalArgumentException("group " + group.index() + " has slots but no cells");
      }
      for (KvSlot slot : group.slots()) {
        long keys = reserve(Math.multiplyExact(type.bytes(slot.keyWidth()), (long) cells));
        long values = reserve(Math.multiplyExact(type.bytes(slot.valueWidth()), (long) cells));
        long key = type.bytes(slot.keyDim());
        long value = type.bytes(slot.valueDim());
        slots.put(slot.index(), new SlotRows(slot, group.index(), cells, keys, values, key, value));
      }
      int size = powerOfTwo(cells);
      tables.add(new Tables(group.index(), reserve(4L * size * limits.maxSequences()), size));
    }
  }

  private long reserve(long size) {
    long at = bytes;
    bytes = Math.addExact(bytes, BlockArena.aligned(size));
    return at;
  }

  /** The least power of two that is at least {@code n}. */
  static int powerOfTwo(int n) {
    int size = Math.max(1, Integer.highestOneBit(n));
    return size < n ? Math.multiplyExact(size, 2) : size;
  }

  /** Element type of keys and values. */
  public DataType type() {
    return type;
  }

  /** The rows of a slot of the graph. */
  public SlotRows slot(KvSlot slot) {
    SlotRows rows = slots.get(slot.index());
    if (rows == null) {
      throw new IllegalArgumentException("no storage for " + slot);
    }
    return rows;
  }

  /** All slots, ascending. */
  public List<KvSlot> slots() {
    return slots.values().stream()
        .map(SlotRows::slot)
        .sorted(Comparator.comparingInt(KvSlot::index))
        .toList();
  }

  /** Tables of all groups with slots, ascending by group. */
  public List<Tables> tables() {
    return List.copyOf(tables);
  }

  /** Bytes of the buffer; 0 without slots. */
  public long bytes() {
    return bytes;
  }
}
