package dev.serval.engine.tokenizer;

/** What a token is, by the ids of {@code tokenizer.ggml.token_type} (llama.cpp {@code llama.h}). */
enum TokenType {
  NORMAL(1),
  UNKNOWN(2),
  CONTROL(3),
  USER_DEFINED(4),
  UNUSED(5),
  BYTE(6),

  /**
   * Markup that a reader of the generated text wants to see; in no file. A conversation names it in
   * markup only, so that a user's text cannot forge a turn; a text without any markup names it too,
   * as in llama.cpp, where it is user-defined.
   */
  SHOWN(-1);

  private static final TokenType[] STORED = {NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE};

  /** The number in files. */
  final int id;

  TokenType(int id) {
    this.id = id;
  }

  /** The type with an id; an unknown id is a normal token, as in llama.cpp. */
  static TokenType ofId(long id) {
    for (TokenType type : STORED) {
      if (type.id == id) {
        return type;
      }
    }
    return NORMAL;
  }

  /** Whether the token's text names it and is not text itself. */
  boolean isMarkup() {
    return isHidden() || this == SHOWN;
  }

  /** Whether the token is markup that gives no text when generated. */
  boolean isHidden() {
    return this == CONTROL || this == UNKNOWN;
  }
}
