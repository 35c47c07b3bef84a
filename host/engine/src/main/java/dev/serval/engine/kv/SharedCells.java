package dev.serval.engine.kv;

import dev.serval.api.kv.KvGroup;
import java.util.List;

/** How many cells a model gets whose sequences share one context. */
public final class SharedCells {

  private SharedCells() {}

  /**
   * The cells that each group needs for sequences that hold as many positions together as one may
   * hold alone: memory does not grow with the number of sequences, but for what windows add where
   * they are much shorter than the context. One sequence alone never lacks a cell.
   *
   * @param groups the groups of the graph, by index
   * @param contextLength positions of all sequences together
   * @param running sequences that are computed at once
   * @param maxTokens tokens per step
   * @param windowMemory positions that window groups keep beyond the window
   * @return cells per group, multiples of 64; 0 for a group without slots
   * @throws IllegalArgumentException if there are too many, see {@link KvSizes#cells(List, int,
   *     int, int, int)}
   */
  public static List<Integer> of(
      List<KvGroup> groups, int contextLength, int running, int maxTokens, int windowMemory) {
    List<Integer> whole = KvSizes.cells(groups, contextLength, 1, maxTokens, contextLength);
    List<Integer> each = KvSizes.cells(groups, contextLength, running, maxTokens, windowMemory);
    return groups.stream().map(g -> Math.min(whole.get(g.index()), each.get(g.index()))).toList();
  }
}
