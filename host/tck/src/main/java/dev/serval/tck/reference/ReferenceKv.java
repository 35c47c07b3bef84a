package dev.serval.tck.reference;

import dev.serval.api.backend.CompileSpec;
import dev.serval.api.graph.Graph;
import dev.serval.api.kv.KvFormat;
import dev.serval.api.kv.KvGroup;
import dev.serval.api.kv.KvSlot;
import dev.serval.api.kv.KvStorage;
import dev.serval.api.tensor.DataType;
import dev.serval.tck.weights.Quantizers;
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
     * Stores elements of a row from {@code first} on, keys before values, rounded to F32 and then
     * to the cache's type. A block with an element that is not finite becomes NaN altogether.
     *
     * @param x whole blocks of the type
     */
    void set(int cell, int first, double... x) {
      DataType type = format.type();
      int length = type.blockLength();
      for (int from = 0; from < x.length; from += length) {
        float[] block = new float[length];
        boolean finite = true;
        for (int i = 0; i < length; i++) {
          block[i] = (float) x[from + i];
          finite &= Float.isFinite(block[i]);
        }
        MemorySegment target =
            memory.asSlice(at(cell) + type.bytes((long) first + from), type.blockBytes());
        switch (type) {
          case F32 -> target.set(F32, 0, block[0]);
          case F16 -> target.set(F16, 0, Float.floatToFloat16(block[0]));
          default -> {
            if (finite) {
              Quantizers.encode(type, block, target);
            } else {
              target.fill((byte) 0).set(F16, 0, Float.floatToFloat16(Float.NaN));
            }
          }
        }
      }
    }

    /** Element {@code i} of a row, keys before values. */
    double get(int cell, int i) {
      DataType type = format.type();
      int j = i % type.blockLength();
      long at = at(cell) + type.bytes(i - j);
      return switch (type) {
        case F32 -> memory.get(F32, at);
        case F16 -> Float.float16ToFloat(memory.get(F16, at));
        case Q8_0 ->
            Float.float16ToFloat(memory.get(F16, at))
                * (double) memory.get(ValueLayout.JAVA_BYTE, at + 2 + j);
        case Q4_0 -> {
          int two = memory.get(ValueLayout.JAVA_BYTE, at + 2 + j % 16);
          double code = (j < 16 ? two & 15 : (two >> 4) & 15) - 8;
          yield Float.float16ToFloat(memory.get(F16, at)) * code;
        }
        default -> throw new IllegalStateException("no cache of " + type);
      };
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
        r.set(index(cells, n), h * head.length, head);
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
