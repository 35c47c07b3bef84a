package dev.serval.engine.kv;

import dev.serval.api.backend.Step;
import dev.serval.api.kv.KvGroup;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The cell tables of one program, one per group of its graph that has slots. Confined to the
 * model's runner thread.
 */
public final class KvCells {

  /** Cell counts are multiples of this: one word of the bitmap of free cells. */
  private static final int ROUNDING = Long.SIZE;

  /** Cells of all groups together; keeps the cell moves of a step below 2 GiB. */
  private static final long MAX_CELLS = 1L << 27;

  private final List<KvGroup> groups;
  private final @Nullable CellTable[] tables;
  private final int[] taken;

  /**
   * Creates tables of free cells.
   *
   * @param groups the groups of the graph, by index
   * @param cells cells per group, 0 for a group without slots
   * @param maxTokens tokens of a sequence that one step holds at most
   */
  public KvCells(List<KvGroup> groups, List<Integer> cells, int maxTokens) {
    this.groups = List.copyOf(groups);
    tables = new @Nullable CellTable[groups.size()];
    for (KvGroup g : groups) {
      if (!g.slots().isEmpty()) {
        tables[g.index()] = new CellTable(cells.get(g.index()), g.mask());
      }
    }
    taken = new int[maxTokens];
  }

  /**
   * The cells that each group needs so that no step ever lacks one: all positions of all sequences,
   * or, where attention sees only so far back, the window and one step of each sequence.
   *
   * @param groups the groups of the graph, by index
   * @param contextLength positions per sequence
   * @param maxSequences sequences
   * @param maxTokens tokens per step
   * @return cells per group, multiples of 64; 0 for a group without slots
   * @throws IllegalArgumentException if that are more than 2^27 cells
   */
  public static List<Integer> sizes(
      List<KvGroup> groups, int contextLength, int maxSequences, int maxTokens) {
    List<Integer> sizes = new ArrayList<>();
    long total = 0;
    for (KvGroup g : groups) {
      long cells = 0;
      if (!g.slots().isEmpty()) {
        long reach = contextLength;
        if (g.mask().window() > 0) {
          reach = Math.min(reach, (long) g.mask().window() + maxTokens);
        }
        cells = (reach * maxSequences + ROUNDING - 1) / ROUNDING * ROUNDING;
      }
      total += cells;
      if (total > MAX_CELLS) {
        throw new IllegalArgumentException(
            maxSequences
                + " sequences of "
                + contextLength
                + " tokens need more than "
                + MAX_CELLS
                + " cells");
      }
      sizes.add((int) cells);
    }
    return List.copyOf(sizes);
  }

  /** The table of a group, or null for one without slots. */
  @Nullable CellTable table(int group) {
    return tables[group];
  }

  /**
   * Gives the newest tokens of a step cells, and states what each of them sees. Positions that the
   * sequence cannot see any more are freed first.
   *
   * @param step holds the tokens already, in rows {@code firstRow} to {@code firstRow + n − 1}
   * @param firstRow row of the first token
   * @param sequence number of the sequence
   * @param position position of the first token; all before it are in the cache or out of sight
   * @param n number of tokens, consecutive positions
   */
  public void place(Step step, int firstRow, int sequence, int position, int n) {
    for (int k = 0; k < tables.length; k++) {
      KvGroup g = groups.get(k);
      CellTable table = tables[k];
      if (table != null) {
        table.advance(sequence, position);
        table.allocate(sequence, position, n, taken);
      }
      for (int i = 0; i < n; i++) {
        int cell = table == null ? 0 : taken[i];
        int from = g.mask().visibleFrom(position + i);
        int until = g.mask().visibleUntil(position + i, position + n);
        step.visible(g.index(), firstRow + i, cell, from, until);
      }
    }
  }

  /** Frees the positions of a sequence from one on, in all groups; 0 for the whole sequence. */
  public void remove(int sequence, int from) {
    for (CellTable table : tables) {
      if (table != null) {
        table.remove(sequence, from);
      }
    }
  }
}
