package dev.serval.engine.tokenizer;

import java.util.List;

/**
 * Holds back generated text that may become a stop text. The first stop text to be complete ends
 * the text; of several that end together the longest counts. What is shown does not depend on how
 * the text is cut into pieces. Confined to one thread.
 *
 * <p>Each stop text is an automaton (Knuth, Morris and Pratt) that knows how much of it the end of
 * the text is, so that the work grows with the text alone.
 */
public final class StopFilter {

  private final String[] stops;

  /**
   * For each stop text and each number n of its characters: the length of the longest proper prefix
   * that also ends these n characters.
   */
  private final int[][] fallbacks;

  /** Characters of each stop text that the text ends with. */
  private final int[] progress;

  private final StringBuilder held = new StringBuilder();
  private boolean matched;

  /**
   * Starts with an empty text.
   *
   * @param stops the stop texts, none of them empty; without any nothing is held back
   */
  public StopFilter(List<String> stops) {
    if (stops.contains("")) {
      throw new IllegalArgumentException("a stop text must not be empty");
    }
    this.stops = stops.toArray(String[]::new);
    this.fallbacks = stops.stream().map(StopFilter::fallbacks).toArray(int[][]::new);
    this.progress = new int[this.stops.length];
  }

  private static int[] fallbacks(String stop) {
    int[] fallback = new int[stop.length() + 1];
    int n = 0;
    for (int i = 1; i < stop.length(); i++) {
      while (n > 0 && stop.charAt(i) != stop.charAt(n)) {
        n = fallback[n];
      }
      n += stop.charAt(i) == stop.charAt(n) ? 1 : 0;
      fallback[i + 1] = n;
    }
    return fallback;
  }

  /**
   * Adds text.
   *
   * @param text what comes next
   * @param shown gets what may be shown now: everything before a stop text that is complete,
   *     otherwise everything but an end that may become one; nothing after a match
   */
  public void append(CharSequence text, StringBuilder shown) {
    if (matched) {
      return;
    }
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      held.append(c);
      int complete = advance(c);
      if (complete > 0) {
        matched = true;
        release(held.length() - complete, shown);
        return;
      }
    }
    int hold = 0;
    for (int n : progress) {
      hold = Math.max(hold, n);
    }
    release(held.length() - hold, shown);
  }

  /** Feeds all automata; returns the length of the longest stop text that is complete, or 0. */
  private int advance(char c) {
    int complete = 0;
    for (int s = 0; s < stops.length; s++) {
      String stop = stops[s];
      int n = progress[s];
      while (n > 0 && stop.charAt(n) != c) {
        n = fallbacks[s][n];
      }
      n += stop.charAt(n) == c ? 1 : 0;
      progress[s] = n;
      if (n == stop.length()) {
        complete = Math.max(complete, n);
      }
    }
    return complete;
  }

  private void release(int n, StringBuilder shown) {
    shown.append(held, 0, n);
    held.delete(0, n);
  }

  /** Whether a stop text was found. */
  public boolean matched() {
    return matched;
  }

  /**
   * Ends the text.
   *
   * @param shown gets what was held back, or nothing if a stop text was found
   */
  public void flush(StringBuilder shown) {
    if (!matched) {
      shown.append(held);
    }
    held.setLength(0);
  }
}
