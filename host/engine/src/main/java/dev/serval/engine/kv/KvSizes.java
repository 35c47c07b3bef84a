package dev.serval.engine.kv;

import dev.serval.api.kv.KvGroup;
import java.util.ArrayList;
import java.util.List;

/** How many cells the groups of a model need. */
public final class KvSizes {

  /** Cell counts are multiples of this: one word of the bitmap of free cells. */
  private static final int ROUNDING = Long.SIZE;

  /** Cells of all groups together; keeps the cell moves of a step below 2 GiB. */
  private static final long MAX_CELLS = 1L << 27;

  private KvSizes() {}

  /**
   * The cells that each group needs so that no step ever lacks one: all positions of all sequences,
   * or, where attention sees only so far back, the window, the memory and one step of each
   * sequence.
   *
   * @param groups the groups of the graph, by index
   * @param contextLength positions per sequence
   * @param maxSequences sequences, running and cached
   * @param maxTokens tokens per step
   * @param windowMemory positions that window groups keep beyond the window
   * @return cells per group, multiples of 64; 0 for a group without slots
   * @throws IllegalArgumentException if that are more than 2^27 cells
   */
  public static List<Integer> cells(
      List<KvGroup> groups, int contextLength, int maxSequences, int maxTokens, int windowMemory) {
    List<Integer> sizes = new ArrayList<>();
    long total = 0;
    for (KvGroup g : groups) {
      long cells = 0;
      if (!g.slots().isEmpty()) {
        long reach = reach(g, contextLength, maxTokens, windowMemory);
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

  /** Positions that a sequence holds at most in a group. */
  static int reach(KvGroup g, int contextLength, int maxTokens, int windowMemory) {
    int window = g.mask().window();
    return window == 0
        ? contextLength
        : (int) Math.min(contextLength, (long) window + windowMemory + maxTokens);
  }
}
