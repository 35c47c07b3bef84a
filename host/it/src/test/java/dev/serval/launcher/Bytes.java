package dev.serval.launcher;

import java.util.Arrays;

/** Searching in bytes. */
final class Bytes {

  private Bytes() {}

  /** Where {@code part} begins first, or −1. */
  static int indexOf(byte[] all, byte[] part) {
    for (int i = 0; i + part.length <= all.length; i++) {
      if (Arrays.equals(all, i, i + part.length, part, 0, part.length)) {
        return i;
      }
    }
    return -1;
  }
}
