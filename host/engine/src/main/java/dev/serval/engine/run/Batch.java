package dev.serval.engine.run;

import dev.serval.api.error.ServalException;
import java.util.ArrayList;
import java.util.List;

/**
 * What the next step computes: for some sequences, how many of their next tokens. Reused; confined
 * to the runner thread, but for reads under its lock.
 */
final class Batch {

  private final List<Sequence> sequences = new ArrayList<>();
  private final int[] counts;
  private int tokens;

  /**
   * Creates an empty batch.
   *
   * @param maxSequences sequences it holds at most
   */
  Batch(int maxSequences) {
    counts = new int[maxSequences];
  }

  void clear() {
    sequences.clear();
    tokens = 0;
  }

  void add(Sequence sequence, int n) {
    counts[sequences.size()] = n;
    sequences.add(sequence);
    tokens += n;
  }

  /** Leaves sequence {@code i} out after all: none of its tokens are computed. */
  void leaveOut(int i) {
    tokens -= counts[i];
    counts[i] = 0;
  }

  /** Number of sequences. */
  int size() {
    return sequences.size();
  }

  Sequence sequence(int i) {
    return sequences.get(i);
  }

  /** Tokens of sequence {@code i}. */
  int count(int i) {
    return counts[i];
  }

  /** Tokens of all sequences. */
  int tokens() {
    return tokens;
  }

  boolean isEmpty() {
    return sequences.isEmpty();
  }

  /** Ends the sequences that have tokens in the step with a failure. */
  void fail(ServalException failure) {
    for (int i = 0; i < sequences.size(); i++) {
      if (counts[i] > 0) {
        sequences.get(i).fail(failure);
      }
    }
  }

  /** Whether an end was asked for one of the sequences. */
  boolean hasCancelled() {
    for (int i = 0; i < sequences.size(); i++) {
      if (sequences.get(i).isCancelled()) {
        return true;
      }
    }
    return false;
  }

  /**
   * Whether ending a sequence is worth aborting the step: it is alone in it, or in its prefill. A
   * step with one of its tokens beside others' is soon over.
   */
  boolean isWorthAborting(Sequence sequence) {
    int i = sequences.indexOf(sequence);
    return i >= 0 && (sequences.size() == 1 || counts[i] > 1);
  }
}
