package dev.serval.engine.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;

/** The ids of a text while it is tokenized. Confined to one thread. */
final class TokenList {

  /** Tokens for single bytes, found once per vocabulary. Immutable. */
  static final class ByteTokens {
    private final int[] ids = new int[256];
    private final int unknown;

    /**
     * Finds {@code <0xNN>}, or failing that the token whose text is the byte.
     *
     * @param unknown stands for characters without byte tokens, or {@link Vocabulary#NONE}
     */
    ByteTokens(Vocabulary vocabulary, int unknown) {
      this.unknown = unknown;
      HexFormat upper = HexFormat.of().withUpperCase();
      for (int b = 0; b < ids.length; b++) {
        String name = "<0x" + upper.toHexDigits((byte) b) + ">";
        byte[] bytes = name.getBytes(StandardCharsets.US_ASCII);
        int id = vocabulary.id(bytes, 0, bytes.length);
        ids[b] = id != Vocabulary.NONE ? id : vocabulary.id(new byte[] {(byte) b}, 0, 1);
      }
    }
  }

  private final ByteTokens byteTokens;
  private int[] ids = new int[32];
  private int size;

  TokenList(ByteTokens byteTokens) {
    this.byteTokens = byteTokens;
  }

  /** Adds a token; does nothing for {@link Vocabulary#NONE}. */
  void add(int id) {
    if (id == Vocabulary.NONE) {
      return;
    }
    if (size == ids.length) {
      ids = Arrays.copyOf(ids, Math.addExact(size, size));
    }
    ids[size++] = id;
  }

  /** Adds a character that is no token: a token for each byte, or one unknown token for it. */
  void addBytes(byte[] character) {
    for (byte b : character) {
      if (byteTokens.ids[b & 0xFF] == Vocabulary.NONE) {
        add(byteTokens.unknown);
        return;
      }
    }
    for (byte b : character) {
      add(byteTokens.ids[b & 0xFF]);
    }
  }

  int[] toArray() {
    return Arrays.copyOf(ids, size);
  }
}
