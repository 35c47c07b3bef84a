package dev.serval.engine.inspect;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;

/**
 * A pattern for names of values.
 *
 * @param text {@code *} stands for any characters, also none, {@code ?} for one, all others for
 *     themselves
 */
record NamePattern(String text) {

  /** Whether a whole name is like the pattern. */
  boolean matches(String name) {
    int p = 0;
    int star = -1;
    int resumeAt = 0;
    for (int n = 0; n < name.length(); ) {
      if (p < text.length() && text.charAt(p) == '*') {
        star = p++;
        resumeAt = n;
      } else if (p < text.length() && (text.charAt(p) == '?' || text.charAt(p) == name.charAt(n))) {
        p++;
        n++;
      } else if (star >= 0) {
        p = star + 1; // the last star takes one character more: no earlier one needs to
        n = ++resumeAt;
      } else {
        return false;
      }
    }
    while (p < text.length() && text.charAt(p) == '*') {
      p++;
    }
    return p == text.length();
  }

  /**
   * The names that are most like the pattern.
   *
   * @param most how many at most
   */
  List<String> nearest(Collection<String> names, int most) {
    return names.stream().sorted(Comparator.comparingInt(this::distance)).limit(most).toList();
  }

  /** Characters to insert, delete or replace, Levenshtein 1966; wildcards are plain here. */
  private int distance(String name) {
    int[] row = new int[name.length() + 1];
    for (int j = 0; j < row.length; j++) {
      row[j] = j;
    }
    for (int i = 1; i <= text.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j < row.length; j++) {
        int replaced = diagonal + (text.charAt(i - 1) == name.charAt(j - 1) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(replaced, 1 + Math.min(row[j], row[j - 1]));
      }
    }
    return row[name.length()];
  }
}
