package dev.serval.engine.grammar;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Follows choices, calls and returns until something is to be read: makes a {@link State} of the
 * places that a text can be at. Reused; confined to one thread at a time.
 *
 * <p>Each node has one set of stacks, which grows until nothing changes: ways that reach the same
 * node become one. A node from which no text ends is never entered, nor one whose calls would go
 * deeper than allowed; so every state has a text that ends, but where the depth ends it.
 */
final class Closure {

  private static final Stacks[] NO_STACKS = {};

  private final Program program;
  private final Memory memory;
  private final int maxDepth;
  private final int[] nodeBytes;
  private final int[] nodeDepth;

  /** Stacks with which each node was reached. */
  private final @Nullable Stacks[] reached;

  private final List<Integer> touched = new ArrayList<>();
  private final Deque<Integer> waiting = new ArrayDeque<>();
  private final boolean[] isWaiting;
  private final Deque<Stacks> returning = new ArrayDeque<>();
  private final Set<Stacks> returned = new HashSet<>();

  /** Characters under way: tops, and their stacks in the same order. */
  private final List<Long> partial = new ArrayList<>();

  private final List<Stacks> partialStacks = new ArrayList<>();
  private boolean accepting;

  Closure(Program program, Memory memory, int maxDepth) {
    this.program = program;
    this.memory = memory;
    this.maxDepth = maxDepth;
    nodeBytes = program.bytes;
    nodeDepth = program.depth;
    reached = new Stacks[program.size()];
    isWaiting = new boolean[program.size()];
  }

  /** Begins a state. */
  void begin() {
    accepting = false;
    for (int node : touched) {
      reached[node] = null;
      isWaiting[node] = false;
    }
    touched.clear();
    waiting.clear();
    returning.clear();
    returned.clear();
    partial.clear();
    partialStacks.clear();
  }

  /** The text may be before a node. */
  void add(int node, Stacks stacks) {
    memory.work(1);
    if (node == Program.RETURN_NODE) {
      if (returned.add(stacks)) {
        returning.add(stacks);
      }
      return;
    }
    if (nodeBytes[node] == Program.NEVER || stacks.depth + nodeDepth[node] > maxDepth) {
      return;
    }
    Stacks before = reached[node];
    if (before == null) {
      touched.add(node);
      reached[node] = stacks;
    } else {
      Stacks all = memory.union(before, stacks);
      if (all.equals(before)) {
        return;
      }
      reached[node] = all;
    }
    if (!isWaiting[node]) {
      isWaiting[node] = true;
      waiting.add(node);
    }
  }

  /** The text may be inside a character that a node reads. */
  void addPartial(int node, int charState, Stacks stacks) {
    partial.add(State.top(node, charState));
    partialStacks.add(stacks);
  }

  /** The text may be where a state has it. */
  void addAll(State state) {
    for (int i = 0; i < state.tops.length; i++) {
      partial.add(state.tops[i]);
      partialStacks.add(state.stacks[i]);
    }
    accepting |= state.accepting;
  }

  /** Ends the state. */
  State end() {
    while (!waiting.isEmpty() || !returning.isEmpty()) {
      Stacks stacks = returning.poll();
      if (stacks != null) {
        accepting |= stacks.hasEmpty;
        for (int i = 0; i < stacks.nodes.length; i++) {
          add(stacks.nodes[i], stacks.below[i]);
        }
      } else {
        int node = waiting.remove();
        isWaiting[node] = false;
        Stacks all = reached[node];
        if (all != null) {
          follow(node, all);
        }
      }
    }
    return state();
  }

  private void follow(int node, Stacks stacks) {
    switch (program.nodes.kind[node]) {
      case Program.CHOICE -> {
        for (int target : program.nodes.targets[node]) {
          add(target, stacks);
        }
      }
      case Program.CALL -> {
        int entry = program.nodes.argument[node];
        if (program.nodes.isTailCall(node)) {
          add(entry, stacks);
        } else {
          add(entry, memory.push(program.nodes.next[node], stacks));
        }
      }
      default -> {} // it reads
    }
  }

  private State state() {
    for (int node : touched) {
      Stacks stacks = reached[node];
      if (stacks != null && (program.readsChar(node) || program.readsToken(node))) {
        int start = program.readsChar(node) ? program.alphabet.start(program.set(node)) : 0;
        addPartial(node, start, stacks);
      }
    }
    int n = partial.size();
    memory.work(n);
    Integer[] order = new Integer[n];
    Arrays.setAll(order, i -> i);
    Arrays.sort(order, (i, j) -> Long.compare(partial.get(i), partial.get(j)));
    long[] tops = new long[n];
    Stacks[] stacks = n == 0 ? NO_STACKS : new Stacks[n];
    int least = accepting ? 0 : Program.NEVER;
    int used = 0;
    for (int i : order) {
      long top = partial.get(i);
      Stacks of = partialStacks.get(i);
      if (used > 0 && tops[used - 1] == top) {
        stacks[used - 1] = memory.union(stacks[used - 1], of);
      } else {
        tops[used] = top;
        stacks[used++] = of;
      }
      least = Math.min(least, bytes(top, of));
    }
    return memory.keep(
        new State(Arrays.copyOf(tops, used), Arrays.copyOf(stacks, used), accepting, least));
  }

  /** Bytes from a top to the end of the text at least. */
  private int bytes(long top, Stacks stacks) {
    int node = State.node(top);
    int own = program.readsChar(node) ? program.alphabet.missing(State.charState(top)) : 1;
    int rest = Program.sum(nodeBytes[program.nodes.next[node]], stacks.bytes);
    return Program.sum(own, rest);
  }
}
