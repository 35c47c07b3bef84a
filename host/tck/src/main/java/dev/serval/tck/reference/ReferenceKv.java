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
  private final Map<KvSlot, Long> offsets = new LinkedHashMap<>();
  private final Map<KvSlot, Integer> cells = new LinkedHashMap<>();

  /** Lays the slots out; {@code memory} is {@link #bytes} long. */
  ReferenceKv(Graph graph, CompileSpec spec, MemorySegment memory) {
    this.format = format(graph, spec.kvType());
    this.memory = memory;
    long at = 0;
    for (KvGroup group : graph.groups()) {
      int n = spec.limits().cells().get(group.index());
      for (KvSlot slot : group.slots()) {
        offsets.put(slot, at);
        cells.put(slot, n);
        at += n * format.rowBytes(slot);
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

  @Override
  public void exportRows(KvSlot slot, MemorySegment cellIndices, MemorySegment target) {
    long bytes = format.rowBytes(slot);
    int n = check(slot, cellIndices, target);
    for (int i = 0; i < n; i++) {
      MemorySegment.copy(memory, at(slot, index(cellIndices, i)), target, i * bytes, bytes);
    }
  }

  @Override
  public void importRows(KvSlot slot, MemorySegment cellIndices, MemorySegment source) {
    long bytes = format.rowBytes(slot);
    int n = check(slot, cellIndices, source);
    for (int i = 0; i < n; i++) {
      MemorySegment.copy(source, i * bytes, memory, at(slot, index(cellIndices, i)), bytes);
    }
  }

  private int check(KvSlot slot, MemorySegment cellIndices, MemorySegment rows) {
    if (!offsets.containsKey(slot)) {
      throw new IllegalArgumentException("slot " + slot + " is not one of " + offsets.keySet());
    }
    long n = cellIndices.byteSize() / Integer.BYTES;
    if (rows.byteSize() < n * format.rowBytes(slot)) {
      throw new IllegalArgumentException(
          n + " rows of " + format.rowBytes(slot) + " bytes, got " + rows.byteSize() + " bytes");
    }
    return Math.toIntExact(n);
  }

  private static int index(MemorySegment cellIndices, int i) {
    return cellIndices.get(ValueLayout.JAVA_INT_UNALIGNED, 4L * i);
  }

  private long at(KvSlot slot, int cell) {
    Long offset = offsets.get(slot);
    Integer n = cells.get(slot);
    if (offset == null || n == null || cell < 0 || cell >= n) {
      throw new IllegalArgumentException("cell " + cell + " of " + n + ", slot " + slot);
    }
    return offset + cell * format.rowBytes(slot);
  }

  /**
   * Stores element {@code i} of a row, keys before values, rounded to F32 and then to the cache's
   * type.
   */
  void set(KvSlot slot, int cell, int i, double x) {
    if (format.type() == DataType.F32) {
      memory.set(F32, at(slot, cell) + 4L * i, (float) x);
    } else {
      memory.set(F16, at(slot, cell) + 2L * i, Float.floatToFloat16((float) x));
    }
  }

  /** Element {@code i} of a row, keys before values. */
  double get(KvSlot slot, int cell, int i) {
    return format.type() == DataType.F32
        ? memory.get(F32, at(slot, cell) + 4L * i)
        : Float.float16ToFloat(memory.get(F16, at(slot, cell) + 2L * i));
  }
}
