package dev.serval.engine.tokenizer;

/** Expressions that set apart characters of one kind, as scanners. */
enum RunRule implements PreTokenizer.Rule {

  /** {@code \p{N}}: each number character by itself. */
  EACH_NUMBER(1, 1) {
    @Override
    boolean contains(ScannedText text, int at) {
      return text.is(CharacterClass.NUMBER, at);
    }
  },

  /** {@code \p{N}+}. */
  NUMBERS(1, Integer.MAX_VALUE) {
    @Override
    boolean contains(ScannedText text, int at) {
      return text.is(CharacterClass.NUMBER, at);
    }
  },

  /** {@code [0-9][0-9][0-9]}. */
  THREE_DIGITS(3, 3) {
    @Override
    boolean contains(ScannedText text, int at) {
      byte b = text.byteAt(at);
      return b >= '0' && b <= '9';
    }
  },

  /** {@code [\p{P}\$\+<=>\^~\|]+}. */
  PUNCTUATION(1, Integer.MAX_VALUE) {
    @Override
    boolean contains(ScannedText text, int at) {
      return text.is(CharacterClass.PUNCTUATION, at) || isOneOf("$+<=>^~|", text.byteAt(at));
    }
  },

  /** {@code [\p{P}\$\+<=>\^~\|`]+} (Falcon, {@code tokenizer.json}). */
  PUNCTUATION_FALCON(1, Integer.MAX_VALUE) {
    @Override
    boolean contains(ScannedText text, int at) {
      return text.is(CharacterClass.PUNCTUATION, at) || isOneOf("$+<=>^~|`", text.byteAt(at));
    }
  },

  /** {@code \n+}. */
  LINE_FEEDS(1, Integer.MAX_VALUE) {
    @Override
    boolean contains(ScannedText text, int at) {
      return text.byteAt(at) == '\n';
    }
  };

  private final int least;
  private final int most;

  RunRule(int least, int most) {
    this.least = least;
    this.most = most;
  }

  /** Whether the character at an offset is of the kind; false at the end of the range. */
  abstract boolean contains(ScannedText text, int at);

  private static boolean isOneOf(String characters, byte b) {
    return characters.indexOf(b) >= 0;
  }

  @Override
  public int end(ScannedText text, int from) {
    int end = match(text, from);
    if (end > from) {
      return end;
    }
    int at = from;
    do {
      at = text.after(at);
    } while (at < text.until() && match(text, at) == at);
    return at;
  }

  /** End of the match that begins at an offset, or the offset if none does. */
  private int match(ScannedText text, int from) {
    int at = from;
    int n = 0;
    while (n < most && contains(text, at)) {
      at = text.after(at);
      n++;
    }
    return n < least ? from : at;
  }
}
