package dev.serval.engine.tokenizer;

import dev.serval.api.text.Detokenizer;
import dev.serval.api.text.Tokenizer;

/**
 * Decodes UTF-8 as it comes. A byte that cannot continue what came before ends it: each maximal
 * part of a well-formed sequence, and each byte that begins none, becomes one U+FFFD (Unicode 17,
 * section 3.9, "substitution of maximal subparts"). Tokens that are control tokens or end the
 * generation give no text. Confined to one thread.
 */
final class StreamingDetokenizer implements Detokenizer {

  private static final char REPLACEMENT = '\uFFFD';

  private final Tokenizer tokenizer;
  private final StringBuilder text = new StringBuilder();

  /** Bytes that the current character still lacks; 0 between characters. */
  private int missing;

  /** Bits of the current character so far. */
  private int bits;

  /** Least and greatest next byte of the current character. */
  private int least;

  private int most;

  StreamingDetokenizer(Tokenizer tokenizer) {
    this.tokenizer = tokenizer;
  }

  @Override
  public String append(int token) {
    if (tokenizer.isControl(token) || tokenizer.isEndOfGeneration(token)) {
      return "";
    }
    for (byte b : tokenizer.bytes(token)) {
      accept(b & 0xFF);
    }
    return take();
  }

  @Override
  public String flush() {
    if (missing > 0) {
      missing = 0;
      text.append(REPLACEMENT);
    }
    return take();
  }

  private String take() {
    String taken = text.toString();
    text.setLength(0);
    return taken;
  }

  private void accept(int b) {
    if (missing == 0) {
      begin(b);
    } else if (b < least || b > most) {
      text.append(REPLACEMENT);
      missing = 0;
      begin(b);
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
  private void begin(int b) {
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
