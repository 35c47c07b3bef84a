package dev.serval.engine.tokenizer;

import dev.serval.api.text.Detokenizer;

/**
 * Decodes UTF-8 as it comes. A byte that cannot continue what came before ends it: each maximal
 * part of a well-formed sequence, and each byte that begins none, becomes one U+FFFD (Unicode 17,
 * section 3.9, "substitution of maximal subparts"). Tokens that are control tokens or end the
 * generation give no text. Confined to one thread.
 */
final class StreamingDetokenizer implements Detokenizer {

  private static final char REPLACEMENT = '\uFFFD';

  private final TokenBytes tokens;
  private final byte[] bytes;

  /** Bytes that the current character still lacks; 0 between characters. */
  private int missing;

  /** Bits of the current character so far. */
  private int bits;

  /** Least and greatest next byte of the current character. */
  private int least;

  private int most;

  StreamingDetokenizer(TokenBytes tokens) {
    this.tokens = tokens;
    bytes = new byte[tokens.longestToken()];
  }

  @Override
  public void append(int token, StringBuilder text) {
    int n = tokens.text(token, bytes);
    for (int i = 0; i < n; i++) {
      accept(bytes[i] & 0xFF, text);
    }
  }

  @Override
  public void flush(StringBuilder text) {
    if (missing > 0) {
      missing = 0;
      text.append(REPLACEMENT);
    }
  }

  private void accept(int b, StringBuilder text) {
    if (missing == 0) {
      begin(b, text);
    } else if (b < least || b > most) {
      text.append(REPLACEMENT);
      missing = 0;
      begin(b, text);
    } else {
      bits = (bits << 6) | (b & 0x3F);
      least = 0x80;
      most = 0xBF;
      missing--;
      if (missing == 0) {
        text.appendCodePoint(bits);
      }
    }
  }

  /** Takes the first byte of a character: Unicode 17, table 3-7. */
  private void begin(int b, StringBuilder text) {
    if (b < 0x80) {
      text.append((char) b);
    } else if (b >= 0xC2 && b <= 0xDF) {
      expect(1, b & 0x1F, 0x80, 0xBF);
    } else if (b >= 0xE0 && b <= 0xEF) {
      expect(2, b & 0x0F, b == 0xE0 ? 0xA0 : 0x80, b == 0xED ? 0x9F : 0xBF);
    } else if (b >= 0xF0 && b <= 0xF4) {
      expect(3, b & 0x07, b == 0xF0 ? 0x90 : 0x80, b == 0xF4 ? 0x8F : 0xBF);
    } else {
      text.append(REPLACEMENT);
    }
  }

  private void expect(int bytes, int firstBits, int leastNext, int mostNext) {
    missing = bytes;
    bits = firstBits;
    least = leastNext;
    most = mostNext;
  }
}
