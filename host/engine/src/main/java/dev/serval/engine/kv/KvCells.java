package dev.serval.engine.kv;

import dev.serval.api.backend.Step;
import dev.serval.api.kv.KvGroup;
import dev.serval.api.kv.SequenceSet;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The cell tables of one program, one per group of its graph that has slots: bookkeeping only, the
 * rows are the program's.
 *
 * <p><b>A step</b>: {@link #place} gives the tokens of each of its sequences cells; when the step
 * is done, {@link #settle}. A step that was aborted is taken back by {@link #remove}. What the
 * program cannot know from tokens (shared, moved or restored cells) is told to it with the next
 * step of the sequence, again until one is settled.
 *
 * <p><b>Windows</b>: a group whose attention sees only so far back keeps what can be seen, {@code
 * windowMemory} positions before that, and, while there is room, up to a step more: pruning visits
 * all cells of a sequence, so that it is done once per {@code maxTokens} tokens, not per token.
 *
 * <p>Sequences are numbered 0 to 63, running and cached ones together. Confined to the model's
 * runner thread, as assertions check; {@link #place}, {@link #settle} and {@link #remove} allocate
 * nothing.
 */
public final class KvCells {

  private final List<KvGroup> groups;
  private final List<CellTable> tables;
  private final int[] taken;
  private final int windowMemory;

  /** Where a sequence goes on if the step under way comes to nothing. */
  private final int[] settledUntil = new int[SequenceSet.MAX_SEQUENCES];

  /** Sequences with tokens in the step under way. */
  private long unsettled;

  /** The first thread that changed a table, by which assertions know others. */
  private @Nullable Thread owner;

  /**
   * Creates tables of free cells.
   *
   * @param groups the groups of the graph, by index
   * @param cells cells per group, 0 for a group without slots
   * @param maxTokens tokens of a sequence that one step holds at most
   * @param windowMemory positions that window groups keep beyond the window
   */
  public KvCells(List<KvGroup> groups, List<Integer> cells, int maxTokens, int windowMemory) {
    this.groups = List.copyOf(groups);
    List<CellTable> all = new ArrayList<>();
    for (KvGroup g : groups) {
      if (!g.slots().isEmpty()) {
        int share = KvSizes.reach(g, Integer.MAX_VALUE, maxTokens, windowMemory);
        all.add(new CellTable(g, cells.get(g.index()), windowMemory, share));
      }
    }
    tables = List.copyOf(all);
    taken = new int[maxTokens];
    this.windowMemory = windowMemory;
  }

  /** Positions that window groups keep beyond the window. */
  int windowMemory() {
    return windowMemory;
  }

  /** The tables of the groups that have slots, ascending. */
  List<CellTable> tables() {
    return tables;
  }

  /** Where a sequence goes on: tokens it has in the cache or had and lost sight of. */
  public int length(int sequence) {
    requireSequence(sequence);
    return tables.isEmpty() ? 0 : tables.getFirst().until(sequence);
  }

  /**
   * Whether tokens of a sequence would find cells, one step after the other. If not, another
   * sequence must be removed first.
   *
   * @param position position of the first token
   * @param n number of tokens, more than a step takes or not
   */
  public boolean fits(int sequence, int position, int n) {
    requireSequence(sequence);
    boolean fits = true;
    for (int i = 0; i < tables.size(); i++) {
      CellTable table = tables.get(i);
      prune(table, sequence, position, Math.min(n, table.share()));
      fits &= table.freeCells() >= Math.min(n, table.share() - table.held(sequence));
    }
    return fits;
  }

  /**
   * Whether a step has room for all that its program has to be told about a sequence. A step has
   * room for any one; where many sequences begin with a long common text, some wait for the next.
   */
  public boolean canTell(Step step, int sequence) {
    requireSequence(sequence);
    int moves = step.moves();
    for (int i = 0; i < tables.size(); i++) {
      moves += tables.get(i).untold(sequence);
    }
    return moves <= step.layout().maxMoves();
  }

  /**
   * Gives the newest tokens of a step cells, and states what each of them sees. Positions that the
   * sequence cannot see any more are freed where there is need. Each sequence is placed once per
   * step.
   *
   * @param step holds the tokens already, in rows {@code firstRow} to {@code firstRow + n − 1}
   * @param firstRow row of the first token
   * @param sequence number of the sequence
   * @param position position of the first token: where the sequence goes on
   * @param n number of tokens, consecutive positions
   * @throws CacheFullException if a group lacks cells; no group gave any then
   * @throws IllegalStateException if what the first token sees is not in the cache, or the step has
   *     no room for what has to be {@linkplain #canTell told}; nothing is changed then
   */
  public void place(Step step, int firstRow, int sequence, int position, int n) {
    assert isConfined() : "cells belong to " + owner;
    requireSequence(sequence);
    for (int i = 0; i < tables.size(); i++) {
      CellTable table = tables.get(i);
      if (table.until(sequence) != position || !table.canResume(sequence, position)) {
        throw new IllegalStateException(cannotGoOn(table, sequence, position));
      }
      prune(table, sequence, position, n);
      table.requireFree(n);
    }
    if (!canTell(step, sequence)) {
      throw new IllegalStateException(
          "the step holds "
              + step.moves()
              + " moves, those of sequence "
              + sequence
              + " do not fit");
    }
    unsettled |= 1L << sequence;
    settledUntil[sequence] = position;
    for (int i = 0; i < tables.size(); i++) {
      CellTable table = tables.get(i);
      table.tell(step, sequence);
      table.allocate(sequence, position, n, taken);
      state(step, table.group(), firstRow, position, n);
    }
    for (int i = 0; i < groups.size(); i++) {
      if (groups.get(i).slots().isEmpty()) {
        Arrays.fill(taken, 0, n, 0);
        state(step, groups.get(i), firstRow, position, n);
      }
    }
  }

  /** States the taken cells, and what tokens see by the rule of their group. */
  private void state(Step step, KvGroup g, int firstRow, int position, int n) {
    for (int i = 0; i < n; i++) {
      int from = g.mask().visibleFrom(position + i);
      int until = g.mask().visibleUntil(position + i, position + n);
      step.visible(g.index(), firstRow + i, taken[i], from, until);
    }
  }

  private static String cannotGoOn(CellTable table, int sequence, int position) {
    return "sequence "
        + sequence
        + " cannot go on at "
        + position
        + ": it holds ["
        + table.from(sequence)
        + ", "
        + table.until(sequence)
        + ")";
  }

  /** Frees what the sequence does not need, and if that is not enough, what nobody needs. */
  private void prune(CellTable table, int sequence, int position, int n) {
    if ((long) table.held(sequence) + n > table.share()) {
      table.prune(sequence, position);
    }
    if (table.freeCells() < n) {
      pruneAll(table);
    }
  }

  /** Frees what nobody needs. */
  void pruneAll(CellTable table) {
    for (int s = 0; s < SequenceSet.MAX_SEQUENCES; s++) {
      boolean open = (unsettled & 1L << s) != 0;
      table.prune(s, open ? settledUntil[s] : table.until(s));
    }
  }

  /**
   * Lifts the causal rule among some tokens of a step, such as those of an image: each of them sees
   * all positions up to the last of them. How far back they see does not change. Holds for this
   * step only.
   *
   * @param step in which the tokens were placed
   * @param sequence number of the sequence
   * @param first position of the first token
   * @param end one past the position of the last token
   * @throws IllegalArgumentException if not all of them are in the step
   */
  public void seeEachOther(Step step, int sequence, int first, int end) {
    int row = 0;
    while (row < step.tokens() && (step.sequence(row) != sequence || step.position(row) != first)) {
      row++;
    }
    int last = row + end - first - 1;
    if (last < row
        || last >= step.tokens()
        || step.sequence(last) != sequence
        || step.position(last) != end - 1) {
      throw new IllegalArgumentException(
          "positions ["
              + first
              + ", "
              + end
              + ") of sequence "
              + sequence
              + " are not all in the step");
    }
    for (KvGroup g : groups) {
      int k = g.index();
      for (int r = row; r <= last; r++) {
        int until = Math.max(step.until(k, r), end);
        step.visible(k, r, step.cell(k, r), step.from(k, r), until);
      }
    }
  }

  /** Notes that the step under way is done: its tokens and what it told are in the program. */
  public void settle() {
    assert isConfined() : "cells belong to " + owner;
    while (unsettled != 0) {
      int sequence = Long.numberOfTrailingZeros(unsettled);
      unsettled &= unsettled - 1;
      for (int i = 0; i < tables.size(); i++) {
        tables.get(i).told(sequence);
      }
    }
  }

  /**
   * Fills an empty step with the most that a step can be asked for: n tokens of a sequence that see
   * the whole cache. For measuring and warming up; changes no table. The step may be submitted: it
   * writes to free cells only.
   *
   * @param step without tokens
   * @param sequence a sequence that holds nothing
   * @param n number of tokens, at most as many as a step takes
   * @throws CacheFullException if a group has fewer than n free cells
   * @throws IllegalArgumentException if the sequence holds something
   */
  public void reserve(Step step, int sequence, int n) {
    if (length(sequence) > 0) {
      throw new IllegalArgumentException("sequence " + sequence + " is in use");
    }
    int length = n;
    for (CellTable table : tables) {
      table.requireFree(n);
      int window = table.group().mask().window();
      length = Math.max(length, window == 0 ? table.cells() : Math.addExact(window, n));
    }
    int position = length - n;
    for (int i = 0; i < n; i++) {
      step.token(0, position + i, sequence);
    }
    for (CellTable table : tables) {
      KvGroup g = table.group();
      int earliest = Math.max(position - (table.cells() - n), g.mask().visibleFrom(position));
      for (int p = earliest; p < position; p++) {
        step.move(g.index(), sequence, p, p % table.cells());
      }
      table.free().peek(n, taken);
      for (int i = 0; i < n; i++) {
        int from = Math.max(earliest, g.mask().visibleFrom(position + i));
        step.visible(g.index(), i, taken[i], from, position + i + 1);
      }
    }
  }

  /**
   * Frees the positions of a sequence from one on, in all groups; 0 for the whole sequence. Also
   * takes back what an aborted step placed. Never fails.
   */
  public void remove(int sequence, int from) {
    assert isConfined() : "cells belong to " + owner;
    requireSequence(sequence);
    unsettled &= ~(1L << sequence);
    for (int i = 0; i < tables.size(); i++) {
      tables.get(i).remove(sequence, from);
    }
  }

  /**
   * Makes a sequence begin as another does, without copying: they share cells. What the target held
   * is removed. Where it can go on says {@link #resumable}: a window group may not hold what the
   * next token sees.
   *
   * @param source the sequence to share with; one that holds nothing empties the target
   * @param target the sequence that changes
   * @param length positions that are shared
   * @throws IllegalArgumentException if both are the same
   */
  public void fork(int source, int target, int length) {
    assert isConfined() : "cells belong to " + owner;
    requireSequence(source);
    requireSequence(target);
    unsettled &= ~(1L << target);
    for (CellTable table : tables) {
      table.copyPrefix(source, target, length);
    }
  }

  /** {@link CellTable#close} in all groups. */
  void close(int sequence, int begin, int end) {
    for (CellTable table : tables) {
      table.close(sequence, begin, end);
    }
  }

  /** Whether a sequence could hold n other positions instead of those it holds in a group. */
  boolean canHold(CellTable table, int sequence, int n) {
    if (table.freeCells() + table.alone(sequence, 0, Integer.MAX_VALUE) < n) {
      pruneAll(table);
    }
    return table.freeCells() + table.alone(sequence, 0, Integer.MAX_VALUE) >= n;
  }

  /**
   * The greatest position up to {@code position} at which a sequence may go on, with what is in the
   * cells now: it got there, and each group holds what the token there sees.
   *
   * @return 0 if it has to start over
   */
  public int resumable(int sequence, int position) {
    requireSequence(sequence);
    int p = Math.min(position, length(sequence));
    int before;
    do {
      before = p;
      for (CellTable table : tables) {
        p = table.resumable(sequence, p);
      }
    } while (p < before);
    return p;
  }

  private boolean isConfined() {
    Thread current = Thread.currentThread();
    owner = owner == null ? current : owner;
    return current.equals(owner);
  }

  private static void requireSequence(int sequence) {
    if (sequence < 0 || sequence >= SequenceSet.MAX_SEQUENCES) {
      throw new IllegalArgumentException(
          "sequence must be 0.." + (SequenceSet.MAX_SEQUENCES - 1) + ": " + sequence);
    }
  }
}
