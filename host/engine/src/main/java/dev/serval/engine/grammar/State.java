package dev.serval.engine.grammar;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Where a text stands in a grammar: the nodes that may read next, each with the stacks to return
 * to, and whether the text may end. Its content never changes; an {@link Automaton} keeps what it
 * found out about it: where bytes lead, and which tokens are allowed.
 */
final class State {

  /**
   * What may read next, ascending: node in the upper half; in the lower half the state inside a
   * character, 0 for a token.
   */
  final long[] tops;

  /** Per top the stacks to return to. */
  final Stacks[] stacks;

  /** Whether the text may end here. */
  final boolean accepting;

  /** Bytes to the end of the text at least. */
  final int bytes;

  private final int hash;

  /** Where each class of bytes leads; null where not known. */
  State @Nullable [] next;

  /** Which tokens are allowed; null where not known. */
  @Nullable TokenMask mask;

  /** Where most characters lead; null where not known. */
  @Nullable Flow flow;

  /** The generation of the automaton's memory that the three fields above belong to. */
  int generation;

  State(long[] tops, Stacks[] stacks, boolean accepting, int bytes) {
    this.tops = tops;
    this.stacks = stacks;
    this.accepting = accepting;
    this.bytes = bytes;
    int h = Arrays.hashCode(tops) * 31 + (accepting ? 1 : 0);
    for (Stacks s : stacks) {
      h = 31 * h + s.hashCode();
    }
    hash = h;
  }

  /** Whether no text goes on from here, nor ends. */
  boolean isDead() {
    return tops.length == 0 && !accepting;
  }

  static int node(long top) {
    return (int) (top >> 32);
  }

  static int charState(long top) {
    return (int) top;
  }

  static long top(int node, int charState) {
    return (long) node << 32 | charState;
  }

  /** Memory that it takes, in bytes, without what was found out about it. */
  long size() {
    return 112 + 12L * tops.length;
  }

  @Override
  public boolean equals(Object o) {
    if (this == o) {
      return true;
    }
    return o instanceof State other
        && hash == other.hash
        && accepting == other.accepting
        && Arrays.equals(tops, other.tops)
        && Arrays.equals(stacks, other.stacks);
  }

  @Override
  public int hashCode() {
    return hash;
  }
}
