package dev.serval.engine.grammar;

import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * Where most characters lead from a state, and from there, and so on: inside a text in quotes
 * nearly all characters lead back to where they came from. What consists of such characters only
 * need not be walked through.
 */
final class Flow {

  /** A state from which no group of characters leads anywhere. */
  private static final Flow NONE = new Flow(0, null);

  /** States with more tops than this are not looked at. */
  private static final int MAX_TOPS = Long.SIZE;

  private final long groups;
  private final @Nullable State target;

  /** [n]: the groups of which each of n characters leads on; none for n = 0. */
  private long[] masks = {};

  /** [n]: bytes to the end of the text at least, at the worst place of n characters on. */
  private int[] bytes = {};

  private Flow(long groups, @Nullable State target) {
    this.groups = groups;
    this.target = target;
  }

  /** Whether any {@code n} characters of some groups lead on. */
  boolean takes(long wanted, int n) {
    return n < masks.length && (wanted & ~masks[n]) == 0;
  }

  /** Bytes to the end of the text at least, at the worst place that n characters lead to. */
  int bytes(int n) {
    return bytes[n];
  }

  /**
   * The flow of a state.
   *
   * @param longest characters to look ahead
   */
  static Flow of(State state, Automaton automaton, int longest) {
    Flow flow = first(state, automaton);
    if (flow.target == null || flow.masks.length > 0) {
      return flow;
    }
    long[] masks = new long[longest + 1];
    int[] bytes = new int[longest + 1];
    bytes[0] = state.bytes;
    Flow at = flow;
    for (int n = 1; n <= longest; n++) {
      State to = at.target;
      if (to == null) {
        masks[n] = 0;
        bytes[n] = bytes[n - 1];
        continue;
      }
      masks[n] = n == 1 ? at.groups : masks[n - 1] & at.groups;
      // a token may end inside a character, up to three bytes before the place behind it
      bytes[n] = Math.max(bytes[n - 1], Program.sum(to.bytes, 3));
      at = to.equals(state) ? flow : first(to, automaton);
    }
    flow.masks = masks;
    flow.bytes = bytes;
    automaton.memory().take(12L * longest);
    return flow;
  }

  private static Flow first(State state, Automaton automaton) {
    automaton.memory().refresh(state);
    Flow known = state.flow;
    if (known != null) {
      return known;
    }
    Flow flow = make(state, automaton);
    automaton.memory().refresh(state);
    automaton.memory().take(48);
    state.flow = flow;
    return flow;
  }

  private static Flow make(State state, Automaton automaton) {
    Program program = automaton.program();
    Alphabet alphabet = program.alphabet;
    int n = state.tops.length;
    if (n > MAX_TOPS) {
      return NONE;
    }
    int[] sets = new int[n];
    for (int i = 0; i < n; i++) {
      int node = State.node(state.tops[i]);
      boolean reads = program.readsChar(node);
      sets[i] = reads ? program.set(node) : -1;
      if (reads && alphabet.start(sets[i]) != State.charState(state.tops[i])) {
        return NONE; // inside a character
      }
    }
    automaton.memory().work(n);
    long best = mostOfOneKind(sets, alphabet);
    if ((best & CharGroups.FREQUENT) == 0) {
      return NONE; // too few tokens to be worth it
    }
    String member = Character.toString(CharGroups.member(Long.numberOfTrailingZeros(best)));
    State target = automaton.run(state, member.getBytes(StandardCharsets.UTF_8));
    return target.isDead() ? NONE : new Flow(best, target);
  }

  /** The most groups that the same sets take, each as a whole; 0 if none is taken. */
  private static long mostOfOneKind(int[] sets, Alphabet alphabet) {
    long undecided = 0;
    long taken = 0;
    for (int set : sets) {
      if (set >= 0) {
        undecided |= alphabet.touched(set) & ~alphabet.within(set);
        taken |= alphabet.within(set);
      }
    }
    long left = taken & ~undecided;
    long best = 0;
    while (left != 0) {
      long like = left;
      long first = Long.lowestOneBit(left);
      for (int set : sets) {
        if (set >= 0) {
          long within = alphabet.within(set);
          like &= (within & first) != 0 ? within : ~within;
        }
      }
      if (weight(like) > weight(best)) {
        best = like;
      }
      left &= ~like;
    }
    return best;
  }

  private static int weight(long groups) {
    return Long.bitCount(groups) + CharGroups.COUNT * Long.bitCount(groups & CharGroups.FREQUENT);
  }
}
