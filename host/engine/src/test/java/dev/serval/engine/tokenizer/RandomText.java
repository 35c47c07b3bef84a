package dev.serval.engine.tokenizer;

import java.util.Random;

/** Texts of characters from all of Unicode, half of them from its first pages. */
final class RandomText {

  private RandomText() {}

  static String of(long seed) {
    Random random = new Random(seed);
    StringBuilder text = new StringBuilder();
    for (int n = random.nextInt(80); n > 0; n--) {
      text.appendCodePoint(codePoint(random));
    }
    return text.toString();
  }

  private static int codePoint(Random random) {
    int c =
        switch (random.nextInt(4)) {
          case 0 -> ' ' + random.nextInt(95);
          case 1 -> random.nextInt(0x800);
          case 2 -> random.nextInt(0x10000);
          default -> random.nextInt(0x110000);
        };
    return c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE ? ' ' : c;
  }
}
