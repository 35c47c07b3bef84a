package dev.serval.engine.grammar;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads one character of a set, byte by byte, in UTF-8 (RFC 3629). Every state can be finished:
 * bytes that begin no character of the set lead nowhere at once.
 */
final class Utf8Automaton {

  /** There is no such character. */
  static final int DEAD = -1;

  /** The character is read. */
  static final int DONE = -2;

  /** The state before the first byte. */
  static final int START = 0;

  private static final int CONTINUATION = 0x80;
  private static final int CONTINUATION_BITS = 6;

  /** First code point that takes n + 1 bytes, and one that no code point reaches. */
  private static final int[] LENGTH_BOUNDS = {0, 0x80, 0x800, 0x10000, 0x110000};

  /** What a first byte of n + 1 bytes has besides the code point's bits. */
  private static final int[] LEAD = {0, 0xC0, 0xE0, 0xF0};

  /** A place inside a character: bytes that follow, and the values that they may write. */
  private record Rest(int bytes, List<Integer> bounds) {}

  private final List<int[]> rows = new ArrayList<>();
  private final List<Integer> missing = new ArrayList<>();
  private final Map<Rest, Integer> states = new HashMap<>();

  /** Makes the automaton of a set that is not empty. */
  Utf8Automaton(CodePoints set) {
    int start = row(LENGTH_BOUNDS.length);
    for (int n = LENGTH_BOUNDS.length - 2; n >= 0; n--) {
      List<Integer> part = new ArrayList<>();
      for (int r = 0; r < set.ranges(); r++) {
        addOverlap(part, set.first(r), set.last(r), LENGTH_BOUNDS[n], LENGTH_BOUNDS[n + 1] - 1, 0);
      }
      if (!part.isEmpty()) {
        missing.set(start, n + 1);
        branch(start, LEAD[n], n, part);
      }
    }
  }

  private static void addOverlap(
      List<Integer> to, int first, int last, int from, int until, int base) {
    int low = Math.max(first, from);
    int high = Math.min(last, until);
    if (low <= high) {
      to.add(low - base);
      to.add(high - base);
    }
  }

  private int row(int bytesMissing) {
    int[] row = new int[256];
    Arrays.fill(row, DEAD);
    rows.add(row);
    missing.add(bytesMissing);
    return rows.size() - 1;
  }

  /**
   * Adds the transitions of a state.
   *
   * @param prefix what each byte has besides the value's bits
   * @param after bytes that follow this one
   * @param bounds values of all bits that are left, this byte's and those after it
   */
  private void branch(int state, int prefix, int after, List<Integer> bounds) {
    int shift = CONTINUATION_BITS * after;
    int last = bounds.getLast() >> shift;
    for (int bits = bounds.getFirst() >> shift; bits <= last; bits++) {
      int base = bits << shift;
      List<Integer> rest = new ArrayList<>();
      for (int i = 0; i < bounds.size(); i += 2) {
        addOverlap(rest, bounds.get(i), bounds.get(i + 1), base, base + (1 << shift) - 1, base);
      }
      if (!rest.isEmpty()) {
        rows.get(state)[prefix | bits] = after == 0 ? DONE : state(new Rest(after, rest));
      }
    }
  }

  private int state(Rest rest) {
    Integer known = states.get(rest);
    if (known != null) {
      return known;
    }
    int state = row(rest.bytes());
    states.put(rest, state);
    branch(state, CONTINUATION, rest.bytes() - 1, rest.bounds());
    return state;
  }

  /** Number of states. */
  int size() {
    return rows.size();
  }

  /** The state after a byte of 0..255, {@link #DEAD} or {@link #DONE}. */
  int next(int state, int b) {
    return rows.get(state)[b];
  }

  /** Bytes that follow at least. */
  int missing(int state) {
    return missing.get(state);
  }
}
