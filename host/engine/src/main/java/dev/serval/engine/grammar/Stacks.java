package dev.serval.engine.grammar;

import java.util.Arrays;

/**
 * A set of stacks of nodes to return to, as a tree whose equal branches are one object: the nodes
 * on top, ascending, and below each of them the stacks that it lies on. {@link Memory} keeps each
 * set once, so that comparing two seldom looks further than their identity. Immutable.
 */
final class Stacks {

  /** The set of the one empty stack: what follows is the end of the text. */
  static final Stacks BOTTOM = new Stacks(new int[0], new Stacks[0], true, 0, 0);

  /** Nodes on top. */
  final int[] nodes;

  /** Per node the stacks that it lies on. */
  final Stacks[] below;

  /** Whether the empty stack is in the set. */
  final boolean hasEmpty;

  /** Nodes on the deepest stack. */
  final int depth;

  /** Bytes to the end of the text at least. */
  final int bytes;

  private final int hash;

  private Stacks(int[] nodes, Stacks[] below, boolean hasEmpty, int depth, int bytes) {
    this.nodes = nodes;
    this.below = below;
    this.hasEmpty = hasEmpty;
    this.depth = depth;
    this.bytes = bytes;
    int h = Arrays.hashCode(nodes) * 31 + (hasEmpty ? 1 : 0);
    for (Stacks s : below) {
      h = 31 * h + s.hash;
    }
    hash = h;
  }

  /**
   * A set, not yet kept.
   *
   * @param nodes nodes on top, ascending
   * @param below per node the stacks that it lies on
   * @param hasEmpty whether the empty stack is in the set
   * @param nodeBytes per node of the program: bytes to the end of its rule at least
   */
  static Stacks of(int[] nodes, Stacks[] below, boolean hasEmpty, int[] nodeBytes) {
    int deepest = 0;
    int least = hasEmpty ? 0 : Program.NEVER;
    for (int i = 0; i < nodes.length; i++) {
      deepest = Math.max(deepest, below[i].depth + 1);
      least = Math.min(least, Program.sum(nodeBytes[nodes[i]], below[i].bytes));
    }
    return new Stacks(nodes, below, hasEmpty, deepest, least);
  }

  /** Memory that it takes, in bytes. */
  long size() {
    return 80 + 8L * nodes.length;
  }

  @Override
  public boolean equals(Object o) {
    if (this == o) {
      return true;
    }
    return o instanceof Stacks other
        && hash == other.hash
        && hasEmpty == other.hasEmpty
        && Arrays.equals(nodes, other.nodes)
        && Arrays.equals(below, other.below);
  }

  @Override
  public int hashCode() {
    return hash;
  }
}
