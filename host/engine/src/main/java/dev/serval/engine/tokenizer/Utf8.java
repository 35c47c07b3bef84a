package dev.serval.engine.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Characters of well-formed UTF-8. */
final class Utf8 {

  private Utf8() {}

  /** Bytes of the character that begins with a byte. */
  static int bytes(byte lead) {
    if (lead >= 0) {
      return 1;
    }
    return lead < (byte) 0xE0 ? 2 : lead < (byte) 0xF0 ? 3 : 4;
  }

  /** The code point at an offset. */
  static int codePoint(byte[] text, int at) {
    byte lead = text[at];
    return switch (bytes(lead)) {
      case 1 -> lead;
      case 2 -> (lead & 0x1F) << 6 | tail(text, at + 1);
      case 3 -> (lead & 0x0F) << 12 | tail(text, at + 1) << 6 | tail(text, at + 2);
      default ->
          (lead & 0x07) << 18
              | tail(text, at + 1) << 12
              | tail(text, at + 2) << 6
              | tail(text, at + 3);
    };
  }

  private static int tail(byte[] text, int at) {
    return text[at] & 0x3F;
  }

  /** Whether a text is well-formed. */
  static boolean isWellFormed(byte[] text) {
    byte[] repaired = new String(text, StandardCharsets.UTF_8).getBytes(StandardCharsets.UTF_8);
    return Arrays.equals(repaired, text);
  }

  /** Number of characters in a range. */
  static int characters(byte[] text, int from, int until) {
    int n = 0;
    for (int i = from; i < until; i += bytes(text[i])) {
      n++;
    }
    return n;
  }
}
