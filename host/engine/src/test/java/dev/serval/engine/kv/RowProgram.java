package dev.serval.engine.kv;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.serval.api.attention.MaskKind;
import dev.serval.api.backend.Step;
import dev.serval.api.graph.Graph;
import dev.serval.api.kv.KvFormat;
import dev.serval.api.kv.KvGroup;
import dev.serval.api.kv.KvSlot;
import dev.serval.api.kv.KvStorage;
import dev.serval.api.tensor.DataType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A program that computes nothing: the row of a token holds its number and position, and attention
 * checks that what it sees is what the text and the mask say. Moved keys move the position.
 */
final class RowProgram implements KvStorage {

  private final KvFormat format;
  private final List<KvGroup> groups;

  /** By group: the cell of each position of each sequence, as the program was told. */
  private final List<Map<Long, Integer>> cellOf = new ArrayList<>();

  /** By slot: rows of [cells, 8] I32, a token and a position in front. */
  private final List<MemorySegment> rows = new ArrayList<>();

  /** Slots whose keys cannot be shifted any more. */
  int failsAfterShifts = Integer.MAX_VALUE;

  private List<String> shiftProblems = List.of();

  /** Rows for a graph of {@link TestGroups}, whose slots are its groups. */
  RowProgram(Graph graph, List<Integer> cells) {
    groups = graph.groups();
    List<KvSlot> slots = new ArrayList<>();
    for (KvGroup g : groups) {
      slots.addAll(g.slots());
      cellOf.add(new HashMap<>());
      rows.add(MemorySegment.ofArray(new int[cells.get(g.index()) * 8]));
    }
    format = new KvFormat(KvFormat.VERSION, graph.digest(), DataType.F32, slots);
  }

  private static long key(int sequence, int position) {
    return (long) sequence << Integer.SIZE | position;
  }

  /** Takes over cells, and stores the rows of the tokens. */
  void enter(Step step) {
    for (int i = 0; i < step.moves(); i++) {
      cellOf.get(step.move(i, 0)).put(key(step.move(i, 1), step.move(i, 2)), step.move(i, 3));
    }
    for (int row = 0; row < step.tokens(); row++) {
      for (KvGroup g : groups) {
        int cell = step.cell(g.index(), row);
        cellOf.get(g.index()).put(key(step.sequence(row), step.position(row)), cell);
        MemorySegment all = rows.get(g.index());
        all.setAtIndex(ValueLayout.JAVA_INT, 8L * cell, step.tokenId(row));
        all.setAtIndex(ValueLayout.JAVA_INT, 8L * cell + 1, step.position(row));
      }
    }
  }

  /** Enters a step and checks what each of its tokens sees. */
  void compute(Step step, List<? extends List<Integer>> texts) {
    enter(step);
    for (int row = 0; row < step.tokens(); row++) {
      int s = step.sequence(row);
      for (KvGroup g : groups) {
        List<Integer> seen = new ArrayList<>();
        for (int p = step.from(g.index(), row); p < step.until(g.index(), row); p++) {
          int cell = cellOf.get(g.index()).getOrDefault(key(s, p), -1);
          assertEquals(p, rows.get(g.index()).getAtIndex(ValueLayout.JAVA_INT, 8L * cell + 1));
          seen.add(rows.get(g.index()).getAtIndex(ValueLayout.JAVA_INT, 8L * cell));
        }
        assertEquals(visible(g.mask(), step.position(row), texts.get(s)), seen);
      }
    }
  }

  /** The rule of the mask, position by position. */
  private static List<Integer> visible(MaskKind mask, int position, List<Integer> text) {
    List<Integer> all = new ArrayList<>();
    for (int p = 0; p <= position; p++) {
      boolean sees =
          switch (mask.type()) {
            case CAUSAL -> true;
            case SLIDING -> position - p < mask.window();
            case CHUNKED -> p / mask.window() == position / mask.window();
            case SYMMETRIC, BIDIRECTIONAL -> throw new IllegalArgumentException(mask.toString());
          };
      if (sees) {
        all.add(text.get(p));
      }
    }
    return all;
  }

  @Override
  public KvFormat format() {
    return format;
  }

  @Override
  public void exportRows(KvSlot slot, MemorySegment cells, MemorySegment target) {
    for (long i = 0; i < cells.byteSize() / 4; i++) {
      long from = 32L * cells.getAtIndex(ValueLayout.JAVA_INT, i);
      MemorySegment.copy(rows.get(slot.index()), from, target, 32 * i, 32);
    }
  }

  @Override
  public void importRows(KvFormat from, KvSlot slot, MemorySegment cells, MemorySegment source) {
    for (long i = 0; i < cells.byteSize() / 4; i++) {
      long to = 32L * cells.getAtIndex(ValueLayout.JAVA_INT, i);
      MemorySegment.copy(source, 32 * i, rows.get(slot.index()), to, 32);
    }
  }

  /** Makes keys immovable. */
  void denyShifts(String reason) {
    shiftProblems = List.of(reason);
  }

  @Override
  public List<String> shiftProblems() {
    return shiftProblems;
  }

  @Override
  public void shiftKeys(KvSlot slot, MemorySegment cells, int by) {
    if (failsAfterShifts-- == 0) {
      throw new IllegalStateException("told to fail");
    }
    for (long i = 0; i < cells.byteSize() / 4; i++) {
      long at = 8L * cells.getAtIndex(ValueLayout.JAVA_INT, i) + 1;
      MemorySegment all = rows.get(slot.index());
      all.setAtIndex(ValueLayout.JAVA_INT, at, all.getAtIndex(ValueLayout.JAVA_INT, at) + by);
    }
  }
}
