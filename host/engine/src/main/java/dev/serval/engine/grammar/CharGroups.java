package dev.serval.engine.grammar;

/**
 * Characters sorted into 59 groups, so that the characters of many tokens fit one {@code long}.
 * Whatever a grammar is likely to tell apart has a group of its own: each mark of punctuation,
 * white space, digits, letters that are hexadecimal digits and those that are not. Other characters
 * are grouped by ranges of Unicode.
 */
final class CharGroups {

  /** A bit that is no group: bytes that are no text. */
  static final long NO_TEXT = 1L << 63;

  /** Number of groups. */
  static final int COUNT = 59;

  /** Groups whose characters are many or frequent: digits, letters, the space and all non-ASCII. */
  static final long FREQUENT;

  private static final int DIGITS = 0;
  private static final int UPPER_HEX = 1;
  private static final int UPPER = 2;
  private static final int LOWER_HEX = 3;
  private static final int LOWER = 4;
  private static final int CONTROLS = 5;
  private static final int FIRST_SINGLE = 6;
  private static final String SINGLES = "\t\n\r !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~\u007f";

  /** First code point of each group behind ASCII: scripts, punctuation, symbols, ideographs. */
  private static final int[] WIDE = {
    0x80, 0x250, 0x370, 0x530, 0x900, 0x10A0, 0x2000, 0x2070, 0x3000, 0x3400, 0xA000, 0xAC00,
    0xE000, 0xF900, 0x10000, 0x20000
  };

  private static final int FIRST_WIDE = FIRST_SINGLE + SINGLES.length();
  private static final int[] ASCII = new int[0x80];
  private static final CodePoints[] MEMBERS = new CodePoints[COUNT];

  static {
    for (int c = 0; c < ASCII.length; c++) {
      ASCII[c] = ascii((char) c);
    }
    for (int c = 0; c < ASCII.length; c++) {
      CodePoints members = MEMBERS[ASCII[c]];
      MEMBERS[ASCII[c]] = CodePoints.of(c).union(members == null ? CodePoints.NONE : members);
    }
    for (int i = 0; i < WIDE.length; i++) {
      int last = i + 1 < WIDE.length ? WIDE[i + 1] - 1 : Character.MAX_CODE_POINT;
      MEMBERS[FIRST_WIDE + i] = CodePoints.range(WIDE[i], last);
    }
    long frequent = bit(DIGITS) | bit(UPPER_HEX) | bit(UPPER) | bit(LOWER_HEX) | bit(LOWER);
    FREQUENT = frequent | bit(ASCII[' ']) | (bit(COUNT) - bit(FIRST_WIDE));
  }

  private CharGroups() {}

  private static int ascii(char c) {
    if (c >= '0' && c <= '9') {
      return DIGITS;
    }
    if (c >= 'A' && c <= 'Z') {
      return c <= 'F' ? UPPER_HEX : UPPER;
    }
    if (c >= 'a' && c <= 'z') {
      return c <= 'f' ? LOWER_HEX : LOWER;
    }
    int single = SINGLES.indexOf(c);
    return single < 0 ? CONTROLS : FIRST_SINGLE + single;
  }

  private static long bit(int group) {
    return 1L << group;
  }

  /** The group of a character, as a bit. */
  static long of(int codePoint) {
    if (codePoint < ASCII.length) {
      return bit(ASCII[codePoint]);
    }
    int i = WIDE.length - 1;
    while (WIDE[i] > codePoint) {
      i--;
    }
    return bit(FIRST_WIDE + i);
  }

  /** The groups of which a set holds all characters. */
  static long within(CodePoints set) {
    long within = 0;
    CodePoints others = set.complement();
    for (int g = 0; g < COUNT; g++) {
      within |= overlap(MEMBERS[g], others) ? 0 : bit(g);
    }
    return within;
  }

  /** The groups of which a set holds a character. */
  static long touched(CodePoints set) {
    long touched = 0;
    for (int g = 0; g < COUNT; g++) {
      touched |= overlap(MEMBERS[g], set) ? bit(g) : 0;
    }
    return touched;
  }

  private static boolean overlap(CodePoints a, CodePoints b) {
    int i = 0;
    int j = 0;
    while (i < a.ranges() && j < b.ranges()) {
      if (a.last(i) < b.first(j)) {
        i++;
      } else if (b.last(j) < a.first(i)) {
        j++;
      } else {
        return true;
      }
    }
    return false;
  }

  /** A character of a group. */
  static int member(int group) {
    return MEMBERS[group].first(0);
  }
}
