package dev.serval.engine.tokenizer;

/**
 * Classes of characters as the expressions of the pre-tokenizers tell them apart. Each character is
 * of exactly one; sets of classes are bit masks.
 */
final class CharacterClass {

  /** {@code \p{Lu}} and {@code \p{Lt}}. */
  static final int UPPER = 1;

  /** {@code \p{Ll}}. */
  static final int LOWER = 1 << 1;

  /** {@code \p{Lm}} and {@code \p{Lo}}. */
  static final int CASELESS = 1 << 2;

  /** {@code \p{M}}. */
  static final int MARK = 1 << 3;

  /** {@code \p{N}}. */
  static final int NUMBER = 1 << 4;

  /** {@code \s}: White_Space, without the line ends. */
  static final int BLANK = 1 << 5;

  /** Carriage return and line feed. */
  static final int LINE_END = 1 << 6;

  /** {@code \p{P}}. */
  static final int PUNCTUATION = 1 << 7;

  /** Everything else: symbols, controls, formats, unassigned. */
  static final int REST = 1 << 8;

  /** {@code \p{L}}. */
  static final int LETTER = UPPER | LOWER | CASELESS;

  /** {@code \s}. */
  static final int SPACE = BLANK | LINE_END;

  private static final int ASCII = 0x80;
  private static final short[] OF_ASCII = ofAscii();

  private CharacterClass() {}

  private static short[] ofAscii() {
    short[] classes = new short[ASCII];
    for (int c = 0; c < ASCII; c++) {
      classes[c] = (short) (isWhiteSpace(c) ? spaceClass(c) : ofType(Character.getType(c)));
    }
    return classes;
  }

  /** The class of a code point. */
  static int of(int c) {
    if (c < ASCII) {
      return OF_ASCII[c];
    }
    return isWhiteSpace(c) ? spaceClass(c) : ofType(Character.getType(c));
  }

  private static int spaceClass(int c) {
    return c == '\n' || c == '\r' ? LINE_END : BLANK;
  }

  /** White_Space: Unicode 17, PropList.txt. */
  private static boolean isWhiteSpace(int c) {
    return switch (c) {
      case ' ', 0x85, 0xA0, 0x1680, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000 -> true;
      default -> (c >= '\t' && c <= '\r') || (c >= 0x2000 && c <= 0x200A);
    };
  }

  private static int ofType(int type) {
    return switch (type) {
      case Character.UPPERCASE_LETTER, Character.TITLECASE_LETTER -> UPPER;
      case Character.LOWERCASE_LETTER -> LOWER;
      case Character.MODIFIER_LETTER, Character.OTHER_LETTER -> CASELESS;
      case Character.NON_SPACING_MARK, Character.ENCLOSING_MARK, Character.COMBINING_SPACING_MARK ->
          MARK;
      case Character.DECIMAL_DIGIT_NUMBER, Character.LETTER_NUMBER, Character.OTHER_NUMBER ->
          NUMBER;
      case Character.CONNECTOR_PUNCTUATION,
          Character.DASH_PUNCTUATION,
          Character.START_PUNCTUATION,
          Character.END_PUNCTUATION,
          Character.INITIAL_QUOTE_PUNCTUATION,
          Character.FINAL_QUOTE_PUNCTUATION,
          Character.OTHER_PUNCTUATION ->
          PUNCTUATION;
      default -> REST;
    };
  }
}
