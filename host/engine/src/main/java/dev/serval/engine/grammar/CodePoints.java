package dev.serval.engine.grammar;

import java.util.Arrays;
import java.util.NoSuchElementException;

/**
 * A set of Unicode scalar values: code points without surrogates, which UTF-8 cannot write.
 * Immutable.
 */
public final class CodePoints {

  /** The empty set. */
  public static final CodePoints NONE = new CodePoints(new int[0]);

  /** All characters. */
  public static final CodePoints ANY = NONE.complement();

  private static final int FIRST_SURROGATE = 0xD800;
  private static final int LAST_SURROGATE = 0xDFFF;

  /** First and last of each range, ascending; no two ranges touch but around the surrogates. */
  private final int[] bounds;

  private CodePoints(int[] bounds) {
    this.bounds = bounds;
  }

  /** One character; none if it is a surrogate. */
  public static CodePoints of(int codePoint) {
    return range(codePoint, codePoint);
  }

  /** The characters of a text. */
  public static CodePoints of(String characters) {
    return characters.codePoints().mapToObj(CodePoints::of).reduce(NONE, CodePoints::union);
  }

  /**
   * The characters of a range.
   *
   * @param first code point of 0..0x10FFFF
   * @param last code point of first..0x10FFFF
   */
  public static CodePoints range(int first, int last) {
    if (first < 0 || last < first || last > Character.MAX_CODE_POINT) {
      throw new IllegalArgumentException(
          "expected a range of code points, got " + first + ".." + last);
    }
    if (first < FIRST_SURROGATE && last > LAST_SURROGATE) {
      return new CodePoints(new int[] {first, FIRST_SURROGATE - 1, LAST_SURROGATE + 1, last});
    }
    int from = first >= FIRST_SURROGATE && first <= LAST_SURROGATE ? LAST_SURROGATE + 1 : first;
    int to = last >= FIRST_SURROGATE && last <= LAST_SURROGATE ? FIRST_SURROGATE - 1 : last;
    return from > to ? NONE : new CodePoints(new int[] {from, to});
  }

  /** What is in one of two sets. */
  public CodePoints union(CodePoints other) {
    if (bounds.length == 0 || other.bounds.length == 0) {
      return bounds.length == 0 ? other : this;
    }
    int[] merged = new int[bounds.length + other.bounds.length];
    int n = 0;
    int i = 0;
    int j = 0;
    while (i < bounds.length || j < other.bounds.length) {
      boolean mine =
          j == other.bounds.length || (i < bounds.length && bounds[i] <= other.bounds[j]);
      int first = mine ? bounds[i] : other.bounds[j];
      int last = mine ? bounds[i + 1] : other.bounds[j + 1];
      i += mine ? 2 : 0;
      j += mine ? 0 : 2;
      if (n > 0 && first <= merged[n - 1] + 1) {
        merged[n - 1] = Math.max(merged[n - 1], last);
      } else {
        merged[n++] = first;
        merged[n++] = last;
      }
    }
    return new CodePoints(Arrays.copyOf(merged, n));
  }

  /** All characters but these. */
  public CodePoints complement() {
    CodePoints result = new CodePoints(new int[0]);
    int from = 0;
    for (int i = 0; i < bounds.length; i += 2) {
      if (from < bounds[i]) {
        result = result.append(from, bounds[i] - 1);
      }
      from = bounds[i + 1] + 1;
    }
    return from <= Character.MAX_CODE_POINT
        ? result.append(from, Character.MAX_CODE_POINT)
        : result;
  }

  /** Adds a range behind all others. */
  private CodePoints append(int first, int last) {
    int[] more = range(first, last).bounds;
    int[] all = Arrays.copyOf(bounds, bounds.length + more.length);
    System.arraycopy(more, 0, all, bounds.length, more.length);
    return new CodePoints(all);
  }

  /** What is in both sets. */
  public CodePoints intersect(CodePoints other) {
    return complement().union(other.complement()).complement();
  }

  /** What is in this set and not in the other. */
  public CodePoints minus(CodePoints other) {
    return complement().union(other).complement();
  }

  /** Whether nothing is in it. */
  public boolean isEmpty() {
    return bounds.length == 0;
  }

  /** Whether a code point is in it. */
  public boolean contains(int codePoint) {
    int at = Arrays.binarySearch(bounds, codePoint);
    return at >= 0 || ((-at - 1) & 1) == 1;
  }

  /** Number of characters. */
  public int size() {
    int n = 0;
    for (int i = 0; i < bounds.length; i += 2) {
      n += bounds[i + 1] - bounds[i] + 1;
    }
    return n;
  }

  /**
   * The character with the lowest code point.
   *
   * @throws java.util.NoSuchElementException if the set is empty
   */
  public int least() {
    if (isEmpty()) {
      throw new NoSuchElementException("the set is empty");
    }
    return bounds[0];
  }

  /** Number of ranges. */
  int ranges() {
    return bounds.length / 2;
  }

  /** First code point of a range. */
  int first(int range) {
    return bounds[2 * range];
  }

  /** Last code point of a range. */
  int last(int range) {
    return bounds[2 * range + 1];
  }

  @Override
  public boolean equals(Object o) {
    return o instanceof CodePoints other && Arrays.equals(bounds, other.bounds);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(bounds);
  }

  @Override
  public String toString() {
    return Arrays.toString(bounds);
  }
}
