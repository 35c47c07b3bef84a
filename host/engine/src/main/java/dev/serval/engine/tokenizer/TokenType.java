package dev.serval.engine.tokenizer;

/** What a token is, by the ids of {@code tokenizer.ggml.token_type} (llama.cpp {@code llama.h}). */
enum TokenType {
  NORMAL(1),
  UNKNOWN(2),
  CONTROL(3),
  USER_DEFINED(4),
  UNUSED(5),
  BYTE(6);

  private static final TokenType[] ALL = values();

  /** The number in files. */
  final int id;

  TokenType(int id) {
    this.id = id;
  }

  /** The type with an id; an unknown id is a normal token, as in llama.cpp. */
  static TokenType ofId(long id) {
    for (TokenType type : ALL) {
      if (type.id == id) {
        return type;
      }
    }
    return NORMAL;
  }

  /** Whether the token's text names it and is not text itself. */
  boolean isMarkup() {
    return this == CONTROL || this == UNKNOWN;
  }
}
