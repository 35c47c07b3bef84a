package dev.serval.engine.tokenizer;

import java.nio.charset.StandardCharsets;

/** U+2581, which stands for a space in SentencePiece's vocabularies. */
final class SpaceMark {

  /** U+2581 in UTF-8. */
  private static final byte[] MARK = "▁".getBytes(StandardCharsets.UTF_8);

  private SpaceMark() {}

  /**
   * A copy of a range with its spaces replaced.
   *
   * @param prefix whether to begin with one more
   */
  static byte[] marked(byte[] bytes, int from, int until, boolean prefix) {
    int spaces = prefix ? 1 : 0;
    for (int i = from; i < until; i++) {
      spaces += bytes[i] == ' ' ? 1 : 0;
    }
    long size = until - from + (long) spaces * (MARK.length - 1) + (prefix ? 1 : 0);
    byte[] marked = new byte[Math.toIntExact(size)];
    int n = 0;
    if (prefix) {
      n = mark(marked, n);
    }
    for (int i = from; i < until; i++) {
      if (bytes[i] == ' ') {
        n = mark(marked, n);
      } else {
        marked[n++] = bytes[i];
      }
    }
    return marked;
  }

  private static int mark(byte[] target, int at) {
    System.arraycopy(MARK, 0, target, at, MARK.length);
    return at + MARK.length;
  }

  /**
   * Turns the text of a token of a marked vocabulary into what it stands for, in place.
   *
   * @return the number of bytes left
   */
  static int decode(byte[] text, int length, TokenType type) {
    return switch (type) {
      case NORMAL, UNUSED -> unmark(text, length);
      case BYTE -> ByteTokens.decode(text, length);
      case UNKNOWN, CONTROL, USER_DEFINED, SHOWN -> length;
    };
  }

  private static int unmark(byte[] text, int length) {
    int n = 0;
    for (int i = 0; i < length; n++) {
      boolean isMark =
          i + 2 < length && text[i] == MARK[0] && text[i + 1] == MARK[1] && text[i + 2] == MARK[2];
      text[n] = isMark ? (byte) ' ' : text[i];
      i += isMark ? MARK.length : 1;
    }
    return n;
  }
}
