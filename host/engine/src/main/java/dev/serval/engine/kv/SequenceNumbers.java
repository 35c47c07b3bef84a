package dev.serval.engine.kv;

import dev.serval.api.kv.SequenceSet;

/**
 * The numbers of the sequences of a model: those that run and those that are only kept for reuse
 * share them, 64 at most. One long; confined to the model's runner thread.
 */
public final class SequenceNumbers {

  private final int limit;
  private long used;

  /**
   * All numbers are unused.
   *
   * @param limit numbers in all, 1 to {@link SequenceSet#MAX_SEQUENCES}
   * @throws IllegalArgumentException if there are more than fit
   */
  public SequenceNumbers(int limit) {
    if (limit < 1 || limit > SequenceSet.MAX_SEQUENCES) {
      throw new IllegalArgumentException(
          "sequences must be 1.." + SequenceSet.MAX_SEQUENCES + ": " + limit);
    }
    this.limit = limit;
  }

  /**
   * Takes the lowest unused number.
   *
   * @throws SequenceLimitException if all are used
   */
  public int take() {
    int number = Long.numberOfTrailingZeros(~used);
    if (number >= limit) {
      throw new SequenceLimitException(limit);
    }
    used |= 1L << number;
    return number;
  }

  /** Whether a number can be taken. */
  public boolean isAnyLeft() {
    return Long.bitCount(used) < limit;
  }

  /**
   * Gives a number back.
   *
   * @throws IllegalStateException if it is not used
   */
  public void release(int number) {
    if (!inUse().contains(number)) {
      throw new IllegalStateException("sequence " + number + " is not in use");
    }
    used &= ~(1L << number);
  }

  /** The numbers in use. */
  public SequenceSet inUse() {
    return new SequenceSet(used);
  }
}
