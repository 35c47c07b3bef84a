package dev.serval.engine.kv;

import dev.serval.api.backend.Step;
import dev.serval.api.kv.SequenceSet;

/**
 * For each sequence of a group the positions whose cells the program may not know: those that did
 * not enter as tokens, as one interval.
 */
final class Untold {

  private final int[] from = new int[SequenceSet.MAX_SEQUENCES];
  private final int[] until = new int[SequenceSet.MAX_SEQUENCES];

  /** First such position. */
  int from(int sequence) {
    return from[sequence];
  }

  /** One past the last such position; not above {@link #from} if there is none. */
  int until(int sequence) {
    return until[sequence];
  }

  /** Adds positions, if there are any. */
  void add(int sequence, int first, int end) {
    if (first >= end) {
      return;
    }
    boolean none = from[sequence] >= until[sequence];
    from[sequence] = none ? first : Math.min(from[sequence], first);
    until[sequence] = none ? end : Math.max(until[sequence], end);
  }

  /** Takes the positions from one on away. */
  void cut(int sequence, int position) {
    until[sequence] = Math.min(until[sequence], position);
  }

  /** Writes the cells of those positions in a step. */
  void tell(Step step, CellTable table, int sequence) {
    int first = from[sequence];
    int end = until[sequence];
    if (first < end) {
      for (int c = table.next(sequence, first, end, 0);
          c >= 0;
          c = table.next(sequence, first, end, c + 1)) {
        step.move(table.group().index(), sequence, table.position(c), c);
      }
    }
  }
}
