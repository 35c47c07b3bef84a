package dev.serval.tck.reference;

import dev.serval.api.backend.CompileSpec;
import dev.serval.api.graph.Graph;
import dev.serval.api.kv.KvFormat;
import dev.serval.api.kv.KvGroup;
import dev.serval.api.kv.KvSlot;
import dev.serval.api.kv.KvStorage;
import dev.serval.api.tensor.DataType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Key/value rows in canonical form: slot after slot, cell after cell. Borrows its memory from the
 * program.
 */
final class ReferenceKv implements KvStorage {

  private static final ValueLayout.OfFloat F32 =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfShort F16 =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final KvFormat format;
  private final MemorySegment memory;
  private final WeightReader weights;
  private final Map<KvSlot, Rows> rows = new LinkedHashMap<>();

  /** The rows of one slot. */
  final class Rows {
    private final long offset;
    private final int cells;
    private final long rowBytes;

    private Rows(long offset, int cells, long rowBytes) {
      this.offset = offset;
      this.cells = cells;
      this.rowBytes = rowBytes;
    }

    private long at(int cell) {
      if (cell < 0 || cell >= cells) {
        throw new IllegalArgumentException("cell " + cell + " of " + cells);
      }
      return offset + cell * rowBytes;
    }

    /**
     * Stores element {@code i} of a row, keys before values, rounded to F32 and then to the cache's
     * type.
     */
    void set(int cell, int i, double x) {
      if (format.type() == DataType.F32) {
        memory.set(F32, at(cell) + 4L * i, (float) x);
      } else {
        memory.set(F16, at(cell) + 2L * i, Float.floatToFloat16((float) x));
      }
    }

    /** Element {@code i} of a row, keys before values. */
    double get(int cell, int i) {
      return format.type() == DataType.F32
          ? memory.get(F32, at(cell) + 4L * i)
          : Float.float16ToFloat(memory.get(F16, at(cell) + 2L * i));
    }
  }

  /**
   * Lays the slots out.
   *
   * @param memory {@link #bytes} long
   * @param weights of the graph, for the frequency factors of rotations
   */
  ReferenceKv(Graph graph, CompileSpec spec, MemorySegment memory, WeightReader weights) {
    this.format = format(graph, spec.kvType());
    this.memory = memory;
    this.weights = weights;
    long at = 0;
    for (KvGroup group : graph.groups()) {
      int n = spec.limits().cells().get(group.index());
      for (KvSlot slot : group.slots()) {
        Rows r = new Rows(at, n, format.rowBytes(slot));
        rows.put(slot, r);
        at += n * r.rowBytes;
      }
    }
  }

  private static KvFormat format(Graph graph, DataType type) {
    List<KvSlot> slots = new ArrayList<>();
    graph.groups().forEach(g -> slots.addAll(g.slots()));
    slots.sort(Comparator.comparingInt(KvSlot::index));
    return new KvFormat(KvFormat.VERSION, graph.digest(), type, slots);
  }

  /** Bytes of all rows. */
  static long bytes(Graph graph, CompileSpec spec) {
    KvFormat format = format(graph, spec.kvType());
    long bytes = 0;
    for (KvGroup group : graph.groups()) {
      for (KvSlot slot : group.slots()) {
        bytes += spec.limits().cells().get(group.index()) * format.rowBytes(slot);
      }
    }
    return bytes;
  }

  @Override
  public KvFormat format() {
    return format;
  }

  /**
   * The rows of a slot.
   *
   * @throws IllegalArgumentException if the program has no such slot
   */
  Rows rows(KvSlot slot) {
    Rows r = rows.get(slot);
    if (r == null) {
      throw new IllegalArgumentException("slot " + slot + " is not one of " + rows.keySet());
    }
    return r;
  }

  @Override
  public void exportRows(KvSlot slot, MemorySegment cells, MemorySegment target) {
    Rows r = rows(slot);
    int n = check(r, cells, target);
    for (int i = 0; i < n; i++) {
      MemorySegment.copy(memory, r.at(index(cells, i)), target, i * r.rowBytes, r.rowBytes);
    }
  }

  @Override
  public void importRows(KvFormat from, KvSlot slot, MemorySegment cells, MemorySegment source) {
    format().requireEqual(from);
    Rows r = rows(slot);
    int n = check(r, cells, source);
    for (int i = 0; i < n; i++) {
      MemorySegment.copy(source, i * r.rowBytes, memory, r.at(index(cells, i)), r.rowBytes);
    }
  }

  @Override
  public List<String> shiftProblems() {
    return List.of();
  }

  @Override
  public void shiftKeys(KvSlot slot, MemorySegment cells, int by) {
    Rows r = rows(slot);
    if (slot.rotation().isEmpty()) {
      return;
    }
    Rotation rotation = new Rotation(slot.rotation().get(), weights);
    double[] head = new double[slot.keyDim()];
    for (int n = 0; n < cells.byteSize() / Integer.BYTES; n++) {
      for (int h = 0; h < slot.nKvHeads(); h++) {
        for (int i = 0; i < head.length; i++) {
          head[i] = r.get(index(cells, n), h * head.length + i);
        }
        rotation.turn(head, by, 1);
        for (int i = 0; i < head.length; i++) {
          r.set(index(cells, n), h * head.length + i, head[i]);
        }
      }
    }
  }

  private static int check(Rows r, MemorySegment cells, MemorySegment canonical) {
    long n = cells.byteSize() / Integer.BYTES;
    if (canonical.byteSize() < n * r.rowBytes) {
      throw new IllegalArgumentException(
          n + " rows of " + r.rowBytes + " bytes, got " + canonical.byteSize() + " bytes");
    }
    return Math.toIntExact(n);
  }

  private static int index(MemorySegment cells, int i) {
    return cells.get(ValueLayout.JAVA_INT_UNALIGNED, 4L * i);
  }
}
