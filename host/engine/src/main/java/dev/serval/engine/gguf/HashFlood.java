package dev.serval.engine.gguf;

import java.util.Arrays;

/**
 * Tells names that were made to share a hash code, so that every table they are put in becomes a
 * list and a small file costs minutes. One check where files are read spares all tables behind it,
 * those of plugins too.
 */
final class HashFlood {

  /** Names of one hash code that are accepted; among 65,536 random ones, three are rare. */
  private static final int MOST_EQUAL = 32;

  /** What a refusal expects. */
  static final String EXPECTED = "at most " + MOST_EQUAL + " names of one hash code";

  private HashFlood() {}

  /**
   * Whether too many are equal.
   *
   * @param hashCodes of all names; sorted by this call
   */
  static boolean isFlood(int[] hashCodes) {
    Arrays.sort(hashCodes);
    for (int i = MOST_EQUAL; i < hashCodes.length; i++) {
      if (hashCodes[i] == hashCodes[i - MOST_EQUAL]) {
        return true;
      }
    }
    return false;
  }
}
