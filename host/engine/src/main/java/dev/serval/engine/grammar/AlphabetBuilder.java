package dev.serval.engine.grammar;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Collects the sets of characters of a grammar. */
final class AlphabetBuilder {

  private final List<CodePoints> sets = new ArrayList<>();
  private final Map<CodePoints, Integer> numbers = new HashMap<>();

  /** The number of a set that is not empty. */
  int set(CodePoints set) {
    Integer known = numbers.putIfAbsent(set, sets.size());
    if (known != null) {
      return known;
    }
    sets.add(set);
    return sets.size() - 1;
  }

  /** What an {@link Alphabet} is made of; see there. */
  static final class Parts {
    final byte[] classOf = new byte[256];
    final int classes;
    final int[] start;
    final int[] next;
    final int[] missing;
    final long[] within;
    final long[] touched;

    Parts(List<CodePoints> sets) {
      List<Utf8Automaton> automata = sets.stream().map(Utf8Automaton::new).toList();
      List<Integer> firstBytes = classes(automata, classOf);
      classes = firstBytes.size();
      start = new int[sets.size()];
      int states = automata.stream().mapToInt(Utf8Automaton::size).sum();
      next = new int[Math.multiplyExact(states, classes)];
      missing = new int[states];
      int base = 0;
      for (int s = 0; s < automata.size(); s++) {
        start[s] = base + Utf8Automaton.START;
        fill(automata.get(s), base, firstBytes);
        base += automata.get(s).size();
      }
      within = sets.stream().mapToLong(CharGroups::within).toArray();
      touched = sets.stream().mapToLong(CharGroups::touched).toArray();
    }

    private void fill(Utf8Automaton automaton, int base, List<Integer> firstBytes) {
      for (int state = 0; state < automaton.size(); state++) {
        missing[base + state] = automaton.missing(state);
        for (int c = 0; c < classes; c++) {
          int to = automaton.next(state, firstBytes.get(c));
          next[(base + state) * classes + c] = to < 0 ? to : base + to;
        }
      }
    }
  }

  Alphabet build() {
    return Alphabet.of(new Parts(sets));
  }

  /**
   * Sorts bytes into classes that no automaton tells apart.
   *
   * @return a byte of each class
   */
  private static List<Integer> classes(List<Utf8Automaton> automata, byte[] classOf) {
    List<Integer> firstBytes = new ArrayList<>();
    // Refined automaton by automaton: (class so far, transition) is the class afterwards.
    int[] so = new int[256];
    int count = 1;
    for (Utf8Automaton automaton : automata) {
      for (int state = 0; state < automaton.size(); state++) {
        Map<Long, Integer> refined = new HashMap<>();
        int[] finer = new int[256];
        for (int b = 0; b < 256; b++) {
          long signature = (long) so[b] << 32 | (automaton.next(state, b) & 0xFFFF_FFFFL);
          finer[b] = refined.computeIfAbsent(signature, s -> refined.size());
        }
        if (refined.size() > count) {
          count = refined.size();
          so = finer;
        }
      }
      if (count == 256) {
        break;
      }
    }
    int[] firstOf = new int[count];
    Arrays.fill(firstOf, -1);
    for (int b = 0; b < 256; b++) {
      classOf[b] = (byte) so[b];
      if (firstOf[so[b]] < 0) {
        firstOf[so[b]] = b;
      }
    }
    for (int b : firstOf) {
      firstBytes.add(b);
    }
    return firstBytes;
  }
}
