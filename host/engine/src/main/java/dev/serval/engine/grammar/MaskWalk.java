package dev.serval.engine.grammar;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Finds the tokens that keep a text alive, by a walk through the trie of the vocabulary: whatever
 * begins with bytes that the grammar forbids is skipped, and whatever consists of characters that
 * all lead on ({@link Flow}) is taken as a whole. Reused; confined to one thread at a time.
 */
final class MaskWalk {

  private final TokenTrie trie;
  private final Automaton automaton;
  private int[] ranges = new int[256];
  private int size;
  private int farthest;

  // The path: what each level's subtree ends before, and the state before its nodes.
  private int[] ends = new int[64];
  private @Nullable State[] states = new State[64];

  MaskWalk(TokenTrie trie, Automaton automaton) {
    this.trie = trie;
    this.automaton = automaton;
  }

  /**
   * The mask of a state.
   *
   * @param mostBytes tokens after which the text takes more bytes to its end are left out
   */
  TokenMask mask(State state, int mostBytes) {
    size = 0;
    farthest = 0;
    int[] named = {};
    if (automaton.readsTokens(state)) {
      named = named(state);
    }
    if (trie.size() > 1) {
      walk(state, mostBytes);
    }
    return new TokenMask(trie, Arrays.copyOf(ranges, size), named, state.accepting, farthest);
  }

  private void walk(State start, int mostBytes) {
    int depth = 0;
    int end = trie.size();
    State state = start;
    Flow flow = flow(state);
    int node = 1;
    while (true) {
      while (node == end) {
        if (depth == 0) {
          return;
        }
        depth--;
        end = ends[depth];
        state = pathState(depth);
        flow = flow(state);
      }
      int skip = trie.skip(node);
      int chars = trie.chars(node);
      if (flow.takes(trie.groups(node), chars) && flow.bytes(chars) <= mostBytes) {
        add(trie.place(node), trie.place(skip), flow.bytes(chars));
        node = skip;
        continue;
      }
      State next = automaton.step(state, trie.label(node));
      if (next.isDead()) {
        node = skip;
        continue;
      }
      if (next.bytes <= mostBytes) {
        add(trie.place(node), trie.place(node + 1), next.bytes);
      }
      node++;
      if (node < skip) {
        push(depth, end, state);
        depth++;
        end = skip;
        state = next;
        flow = flow(state);
      }
    }
  }

  private Flow flow(State state) {
    automaton.memory().refresh(state);
    return Flow.of(state, automaton, trie.longestChars());
  }

  private State pathState(int depth) {
    State state = states[depth];
    if (state == null) {
      throw new IllegalStateException("no state at depth " + depth);
    }
    return state;
  }

  private void push(int depth, int end, State state) {
    if (depth == ends.length) {
      ends = Arrays.copyOf(ends, 2 * depth);
      states = Arrays.copyOf(states, 2 * depth);
    }
    ends[depth] = end;
    states[depth] = state;
  }

  private void add(int from, int until, int bytes) {
    if (from == until) {
      return;
    }
    farthest = Math.max(farthest, bytes);
    if (size > 0 && ranges[size - 1] == from) {
      ranges[size - 1] = until;
      return;
    }
    if (size == ranges.length) {
      ranges = Arrays.copyOf(ranges, 2 * size);
    }
    ranges[size++] = from;
    ranges[size++] = until;
  }

  /** The tokens that the state reads by their ids; of those that it does not name, texts only. */
  private int[] named(State state) {
    Program program = automaton.program();
    boolean[] allowed = new boolean[trie.width()];
    for (long top : state.tops) {
      int node = State.node(top);
      if (program.readsToken(node)) {
        Expr.Token term = program.term(node);
        if (!term.negated()) {
          allowed[term.id()] = true;
        }
        for (int p = 0; term.negated() && p < trie.tokens(); p++) {
          allowed[trie.idAt(p)] |= trie.idAt(p) != term.id();
        }
      }
    }
    int n = 0;
    int[] ids = new int[allowed.length];
    for (int id = 0; id < allowed.length; id++) {
      if (allowed[id] && !trie.isEndOfGeneration(id)) {
        ids[n++] = id;
      }
    }
    return Arrays.copyOf(ids, n);
  }
}
