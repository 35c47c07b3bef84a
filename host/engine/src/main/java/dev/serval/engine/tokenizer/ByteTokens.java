package dev.serval.engine.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;

/** The tokens that stand for single bytes of characters without a token of their own. Immutable. */
final class ByteTokens {

  private static final int VALUES = 256;

  private final int[] ids = new int[VALUES];
  private final int unknown;

  /**
   * Finds {@code <0xNN>}, or failing that the token whose text is the byte.
   *
   * @param unknown stands for characters without byte tokens, or {@link Vocabulary#NONE}
   */
  ByteTokens(Vocabulary vocabulary, int unknown) {
    this.unknown = unknown;
    HexFormat upper = HexFormat.of().withUpperCase();
    for (int b = 0; b < VALUES; b++) {
      String name = "<0x" + upper.toHexDigits((byte) b) + ">";
      byte[] bytes = name.getBytes(StandardCharsets.US_ASCII);
      int id = vocabulary.id(bytes, 0, bytes.length);
      ids[b] = id != Vocabulary.NONE ? id : vocabulary.id(new byte[] {(byte) b}, 0, 1);
    }
  }

  /** Hands on a character: a token for each byte, or one unknown token for it. */
  void add(byte[] text, int from, int until, TokenList out) {
    for (int i = from; i < until; i++) {
      if (ids[text[i] & 0xFF] == Vocabulary.NONE) {
        out.add(unknown);
        return;
      }
    }
    for (int i = from; i < until; i++) {
      out.add(ids[text[i] & 0xFF]);
    }
  }

  /**
   * Replaces {@code <0xNN>} by the byte it names, in place; other texts are left alone.
   *
   * @return the number of bytes left
   */
  static int decode(byte[] text, int length) {
    if (length != 6 || text[0] != '<' || text[1] != '0' || text[2] != 'x' || text[5] != '>') {
      return length;
    }
    int high = Character.digit(text[3], 16);
    int low = Character.digit(text[4], 16);
    if (high < 0 || low < 0) {
      return length;
    }
    text[0] = (byte) ((high << 4) | low);
    return 1;
  }
}
