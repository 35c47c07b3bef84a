package dev.serval.api.backend;

import java.util.List;

/** What is asked of one wanted row. */
public sealed interface Output {

  /** All logits, [outputWidth] F32. */
  record Full() implements Output {
    private static final Full INSTANCE = new Full();
  }

  /**
   * The {@code k} best raw logits with their ids, descending, of equal ones the lower id first; the
   * raw logits of {@code ids}; and the log of the sum of exponentials of all logits. Spares a
   * device from handing over the whole row. {@code 2k + ids + 1} must not exceed the row's width.
   *
   * @param k how many best, at least 0
   * @param ids whose logits are wanted in any case
   */
  record Candidates(int k, List<Integer> ids) implements Output {
    /** Copies the list and checks k. */
    public Candidates {
      ids = List.copyOf(ids);
      if (k < 0) {
        throw new IllegalArgumentException("k must not be negative: " + k);
      }
    }
  }

  /** All logits; always the same object. */
  static Output full() {
    return Full.INSTANCE;
  }
}
