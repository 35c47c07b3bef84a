package dev.serval.engine.recall;

import dev.serval.api.graph.Graph;
import dev.serval.api.kv.KvFormat;
import dev.serval.api.kv.KvGroup;
import dev.serval.api.kv.KvSlot;
import dev.serval.api.kv.KvStorage;
import dev.serval.api.tensor.DataType;
import dev.serval.engine.recall.RecallProgram.Held;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * The rows of a {@link RecallProgram}, whose slots are its groups: the token of a cell, and the
 * position that its key is rotated for.
 */
public final class RecallRows implements KvStorage {

  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;

  private final KvFormat format;
  private final List<? extends Map<Integer, Held>> inCell;
  private volatile List<String> shiftProblems = List.of();
  private volatile boolean failing;
  private int exported;
  private int imported;
  private int shifted;

  RecallRows(Graph graph, List<? extends Map<Integer, Held>> inCell) {
    this.inCell = inCell;
    List<KvSlot> slots = new ArrayList<>();
    for (KvGroup g : graph.groups()) {
      slots.addAll(g.slots());
    }
    format = new KvFormat(KvFormat.VERSION, graph.digest(), DataType.F32, slots);
  }

  /** Rows that were copied out. */
  public int exported() {
    return exported;
  }

  /** Rows that were copied in. */
  public int imported() {
    return imported;
  }

  /** Rows whose keys were rotated. */
  public int shifted() {
    return shifted;
  }

  /** Makes keys immovable. */
  public void denyShifts(String reason) {
    shiftProblems = List.of(reason);
  }

  /** Has the next rotation fail. */
  public void failShifts() {
    failing = true;
  }

  @Override
  public KvFormat format() {
    return format;
  }

  private static int cell(MemorySegment cells, int i) {
    return cells.getAtIndex(INT, i);
  }

  private static int count(MemorySegment cells) {
    return (int) (cells.byteSize() / Integer.BYTES);
  }

  @Override
  public void exportRows(KvSlot slot, MemorySegment cells, MemorySegment target) {
    long rowBytes = format.rowBytes(slot);
    for (int i = 0; i < count(cells); i++) {
      Held held = inCell.get(slot.index()).get(cell(cells, i));
      if (held == null) {
        throw new IllegalArgumentException("nothing in cell " + cell(cells, i));
      }
      target.set(INT, i * rowBytes, held.position());
      target.set(INT, i * rowBytes + Integer.BYTES, held.token());
      exported++;
    }
  }

  @Override
  public void importRows(KvFormat from, KvSlot slot, MemorySegment cells, MemorySegment source) {
    format.requireEqual(from);
    long rowBytes = format.rowBytes(slot);
    for (int i = 0; i < count(cells); i++) {
      int position = source.get(INT, i * rowBytes);
      int token = source.get(INT, i * rowBytes + Integer.BYTES);
      inCell.get(slot.index()).put(cell(cells, i), new Held(position, token));
      imported++;
    }
  }

  @Override
  public List<String> shiftProblems() {
    return shiftProblems;
  }

  @Override
  public void shiftKeys(KvSlot slot, MemorySegment cells, int by) {
    if (failing) {
      throw new IllegalStateException("told to fail");
    }
    for (int i = 0; i < count(cells); i++) {
      inCell
          .get(slot.index())
          .computeIfPresent(
              cell(cells, i), (cell, held) -> new Held(held.position() + by, held.token()));
      shifted++;
    }
  }
}
