package dev.serval.engine.tokenizer;

/** What tokens stand for, without an object for it. Thread-safe. */
interface TokenBytes {

  /** Bytes of the longest token. */
  int longestToken();

  /**
   * Copies the bytes that a token stands for.
   *
   * @param token vocabulary id
   * @param target [{@link #longestToken} or more] bytes, overwritten from its beginning
   * @return how many bytes those are; 0 for tokens that give no text: markup, ends of generation
   */
  int text(int token, byte[] target);
}
