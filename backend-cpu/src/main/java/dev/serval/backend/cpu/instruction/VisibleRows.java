package dev.serval.backend.cpu.instruction;

import dev.serval.api.backend.Step;
import dev.serval.backend.cpu.kernel.AttentionKernel;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;

/**
 * What the tokens of a step see in one group, cut into chunks of rows that are attended together:
 * of one sequence, at most {@link AttentionKernel#MAX_ROWS}, with ascending intervals. Runs before
 * the attention that reads it.
 *
 * <p>Attention over a cache counts positions, as the step states them. Attention without a cache
 * counts rows of the sequence in the step: there the intervals are translated, so that positions
 * may have gaps.
 *
 * <p>No token sees more positions than there are entries in a sequence's table, and a chunk spans
 * no more: a step that nobody checked cannot keep the team busy with numbers of its own making.
 */
public final class VisibleRows implements Instruction {

  /**
   * Where the intervals lie.
   *
   * @param memory the memory, absent for that of the step under way
   * @param from ints before the first visible one of row 0
   * @param until ints before the end of row 0
   */
  public record Intervals(Optional<MemorySegment> memory, long from, long until) {

    MemorySegment memory(StepRun run) {
      return memory.isPresent() ? memory.get() : run.stepMemory();
    }
  }

  /** So that counting blocks of positions does not overflow. */
  private static final int LAST = Integer.MAX_VALUE - AttentionKernel.BLOCK;

  private final int group;
  private final Intervals intervals;
  private final int most;
  private final int[] chunkStart;
  private int chunks;
  private long visible;

  /**
   * Rows of a group.
   *
   * @param intervals the step's own, or memory for translated ones
   * @param most positions that a token may see
   */
  public VisibleRows(int group, Intervals intervals, int maxTokens, int most) {
    this.group = group;
    this.intervals = intervals;
    this.most = most;
    this.chunkStart = new int[maxTokens + 1];
  }

  @Override
  public void run(StepRun run) {
    Step step = run.step();
    if (intervals.memory.isPresent()) {
      translate(step, intervals.memory.get());
    }
    MemorySegment memory = intervals.memory(run);
    chunks = 0;
    visible = 0;
    for (int i = 0; i < step.runs(); i++) {
      cut(memory, step.runStart(i), step.runStart(i + 1));
    }
    chunkStart[chunks] = step.tokens();
  }

  private void cut(MemorySegment memory, int first, int end) {
    int start = first;
    for (int row = first; row < end; row++) {
      int until = at(memory, intervals.until, row);
      long length = (long) until - at(memory, intervals.from, row);
      if (length > most || until > LAST) {
        throw new IllegalArgumentException(
            "row " + row + " sees [" + (until - length) + ", " + until + ") of " + most + " cells");
      }
      boolean full =
          row - start == AttentionKernel.MAX_ROWS
              || (long) until - at(memory, intervals.from, start) > most;
      if (row == first || full || descends(memory, row)) {
        chunkStart[chunks++] = row;
        start = row;
      }
      visible += length;
    }
  }

  private boolean descends(MemorySegment memory, int row) {
    return at(memory, intervals.from, row) < at(memory, intervals.from, row - 1)
        || at(memory, intervals.until, row) < at(memory, intervals.until, row - 1);
  }

  private static int at(MemorySegment memory, long offset, int row) {
    return memory.get(ValueLayout.JAVA_INT, 4 * (offset + row));
  }

  private void translate(Step step, MemorySegment target) {
    for (int i = 0; i < step.runs(); i++) {
      int first = step.runStart(i);
      int end = step.runStart(i + 1);
      for (int row = first; row < end; row++) {
        int from = rowsBefore(step, first, end, step.from(group, row));
        int until = rowsBefore(step, first, end, step.until(group, row));
        target.set(ValueLayout.JAVA_INT, 4 * (intervals.from + row), from);
        target.set(ValueLayout.JAVA_INT, 4 * (intervals.until + row), Math.max(from, until));
      }
    }
  }

  /** Rows of a run whose position is below {@code position}. */
  private static int rowsBefore(Step step, int first, int end, int position) {
    int low = first;
    int high = end;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (step.position(middle) < position) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low - first;
  }

  /** Where the intervals lie. */
  Intervals intervals() {
    return intervals;
  }

  /** Chunks of this step. */
  int chunks() {
    return chunks;
  }

  /** First row of a chunk; for {@link #chunks} the number of tokens. */
  int chunkStart(int chunk) {
    return chunkStart[chunk];
  }

  /** First row of the sequence that {@code row} belongs to. */
  static int sequenceStart(Step step, int row) {
    int low = 0;
    int high = step.runs();
    while (high - low > 1) {
      int middle = (low + high) >>> 1;
      if (step.runStart(middle) <= row) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return step.runStart(low);
  }

  /** Pairs of a token and a position it sees. */
  long visible() {
    return visible;
  }
}
