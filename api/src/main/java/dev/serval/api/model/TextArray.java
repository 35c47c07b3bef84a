package dev.serval.api.model;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * An array of byte strings, such as a vocabulary, kept as one block of bytes. Strings are expected
 * to be UTF-8 but not guaranteed to be. Immutable.
 */
public final class TextArray {

  private final byte[] bytes;
  private final int[] ends;

  /**
   * Takes over the arrays.
   *
   * @param bytes all strings one after the other
   * @param ends end offset of each string, ascending, the last at most {@code bytes.length}
   */
  public TextArray(byte[] bytes, int[] ends) {
    int last = 0;
    for (int end : ends) {
      if (end < last || end > bytes.length) {
        throw new IllegalArgumentException("ends must ascend up to " + bytes.length + ": " + end);
      }
      last = end;
    }
    this.bytes = bytes;
    this.ends = ends;
  }

  /** An array of these strings in UTF-8. */
  public static TextArray of(String... texts) {
    byte[][] all = new byte[texts.length][];
    int[] ends = new int[texts.length];
    int n = 0;
    for (int i = 0; i < texts.length; i++) {
      all[i] = texts[i].getBytes(StandardCharsets.UTF_8);
      n = Math.addExact(n, all[i].length);
      ends[i] = n;
    }
    byte[] bytes = new byte[n];
    for (int i = 0; i < texts.length; i++) {
      System.arraycopy(all[i], 0, bytes, ends[i] - all[i].length, all[i].length);
    }
    return new TextArray(bytes, ends);
  }

  /** Number of strings. */
  public int size() {
    return ends.length;
  }

  /** A copy of the bytes of string {@code i}. */
  public byte[] bytes(int i) {
    return Arrays.copyOfRange(bytes, start(i), ends[i]);
  }

  /** String {@code i}, malformed UTF-8 replaced by U+FFFD. */
  public String get(int i) {
    int start = start(i);
    return new String(bytes, start, ends[i] - start, StandardCharsets.UTF_8);
  }

  private int start(int i) {
    return i == 0 ? 0 : ends[i - 1];
  }
}
