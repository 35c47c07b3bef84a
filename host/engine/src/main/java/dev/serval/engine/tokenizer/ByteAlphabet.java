package dev.serval.engine.tokenizer;

import java.util.Arrays;

/**
 * The characters in which byte-level vocabularies write bytes (GPT-2, {@code encoder.py}): bytes
 * that are printable in Latin-1 stand for themselves, the other 68 for U+0100 and up, in order.
 */
final class ByteAlphabet {

  private static final int VALUES = 256;

  /** The character of each byte in UTF-8. */
  private static final byte[][] CHARACTERS = new byte[VALUES][];

  private static final int UNMAPPED = -1;

  /** The byte of each character below U+0144, or {@link #UNMAPPED}. */
  private static final int[] BYTES = new int[0x144];

  static {
    Arrays.fill(BYTES, UNMAPPED);
    int other = 0x100;
    for (int b = 0; b < VALUES; b++) {
      boolean isPrintable = (b >= '!' && b <= '~') || (b >= 0xA1 && b != 0xAD);
      int c = isPrintable ? b : other++;
      CHARACTERS[b] =
          c < 0x80
              ? new byte[] {(byte) c}
              : new byte[] {(byte) (0xC0 | (c >> 6)), (byte) (0x80 | (c & 0x3F))};
      BYTES[c] = b;
    }
  }

  private ByteAlphabet() {}

  /**
   * Writes a range of bytes in the alphabet.
   *
   * @param target takes up to two bytes for each
   * @return bytes written
   */
  static int encode(byte[] bytes, int from, int until, byte[] target) {
    int n = 0;
    for (int i = from; i < until; i++) {
      for (byte b : CHARACTERS[bytes[i] & 0xFF]) {
        target[n++] = b;
      }
    }
    return n;
  }

  /**
   * Turns a text of the alphabet into the bytes it stands for, in place; other characters stay.
   *
   * @return the number of bytes left
   */
  static int decode(byte[] text, int length) {
    int n = 0;
    for (int i = 0; i < length; ) {
      int bytes = Math.min(Utf8.bytes(text[i]), length - i);
      int b = byteAt(text, i, bytes);
      if (b != UNMAPPED) {
        text[n++] = (byte) b;
      } else {
        System.arraycopy(text, i, text, n, bytes);
        n += bytes;
      }
      i += bytes;
    }
    return n;
  }

  /** The byte that a character of {@code bytes} bytes stands for, or {@link #UNMAPPED}. */
  private static int byteAt(byte[] text, int at, int bytes) {
    if (bytes > 2 || bytes != Utf8.bytes(text[at])) {
      return UNMAPPED; // far beyond the alphabet, or cut off
    }
    int c = Utf8.codePoint(text, at);
    return c < BYTES.length ? BYTES[c] : UNMAPPED;
  }
}
