package dev.serval.engine.grammar;

import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.error.RequestRejectedException.Reason;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * Keeps each set of stacks and each state once, and counts what they take. When they take too much
 * everything is forgotten and a new <b>generation</b> begins: what is still in use stays valid, and
 * loses what was found out about it the next time it is looked at. Also counts the work of one
 * token. Confined to one thread at a time.
 */
final class Memory {

  /** Memory of an entry of a map. */
  private static final long ENTRY_BYTES = 48;

  /** One state alone, with the sets it is made from, may take this many times the limit. */
  private static final int MOST_OVER = 8;

  private record Pair(Stacks first, Stacks second) {}

  private final GrammarLimits limits;
  private final int[] nodeBytes;
  private final Map<Stacks, Stacks> stacks = new HashMap<>();
  private final Map<State, State> states = new HashMap<>();
  private final Map<Pair, Stacks> unions = new HashMap<>();
  private long used;
  private long work;
  private int generation;

  /**
   * An empty memory.
   *
   * @param nodeBytes per node of the program: bytes to the end of its rule at least
   */
  Memory(GrammarLimits limits, int[] nodeBytes) {
    this.limits = limits;
    this.nodeBytes = nodeBytes;
  }

  /** Begins the work of a token. */
  void beginWork() {
    work = 0;
  }

  /**
   * Counts work.
   *
   * @throws RequestRejectedException ({@code GRAMMAR_LIMIT}) if one token takes too much
   */
  void work(int steps) {
    work += steps;
    if (work > limits.work()) {
      throw new RequestRejectedException(
          Reason.GRAMMAR_LIMIT,
          "grammar: too many ways to read the text; one token takes more than "
              + limits.work()
              + " steps");
    }
  }

  /** Forgets everything if it takes too much; not while a state is made. */
  void trim() {
    if (used > limits.cacheBytes()) {
      stacks.clear();
      states.clear();
      unions.clear();
      used = 0;
      generation++;
    }
  }

  /** Drops what was found out about a state in an earlier generation. */
  void refresh(State state) {
    if (state.generation != generation) {
      state.next = null;
      state.mask = null;
      state.flow = null;
      state.generation = generation;
    }
  }

  /** What everything takes, in bytes. */
  long used() {
    return used;
  }

  /** Counts memory that a state took besides its content. */
  void take(long bytes) {
    used += bytes;
  }

  /** The one object for a state. */
  State keep(State state) {
    State known = states.putIfAbsent(state, state);
    if (known != null) {
      return known;
    }
    state.generation = generation;
    used += state.size() + ENTRY_BYTES;
    return state;
  }

  private Stacks keep(Stacks set) {
    Stacks known = stacks.putIfAbsent(set, set);
    if (known != null) {
      return known;
    }
    used += set.size() + ENTRY_BYTES;
    if (used > MOST_OVER * limits.cacheBytes()) {
      throw new RequestRejectedException(
          Reason.GRAMMAR_LIMIT,
          "grammar: too many ways to read the text; a place in it takes more than "
              + MOST_OVER * limits.cacheBytes()
              + " bytes");
    }
    return set;
  }

  /** The stacks with a node on top of each. */
  Stacks push(int node, Stacks below) {
    return keep(Stacks.of(new int[] {node}, new Stacks[] {below}, false, nodeBytes));
  }

  /** The stacks of two sets. */
  Stacks union(Stacks a, Stacks b) {
    if (a.equals(b)) {
      return a;
    }
    Pair pair = new Pair(a, b);
    Stacks known = unions.get(pair);
    if (known != null) {
      return known;
    }
    work(a.nodes.length + b.nodes.length);
    int[] nodes = new int[a.nodes.length + b.nodes.length];
    Stacks[] below = new Stacks[nodes.length];
    int n = 0;
    int i = 0;
    int j = 0;
    while (i < a.nodes.length || j < b.nodes.length) {
      int x = i < a.nodes.length ? a.nodes[i] : Integer.MAX_VALUE;
      int y = j < b.nodes.length ? b.nodes[j] : Integer.MAX_VALUE;
      nodes[n] = Math.min(x, y);
      if (x == y) {
        below[n] = union(a.below[i], b.below[j]);
      } else {
        below[n] = x < y ? a.below[i] : b.below[j];
      }
      i += x <= y ? 1 : 0;
      j += y <= x ? 1 : 0;
      n++;
    }
    Stacks union =
        keep(
            Stacks.of(
                Arrays.copyOf(nodes, n),
                Arrays.copyOf(below, n),
                a.hasEmpty || b.hasEmpty,
                nodeBytes));
    unions.put(pair, union);
    used += ENTRY_BYTES;
    return union;
  }
}
