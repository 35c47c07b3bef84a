package dev.serval.engine.tokenizer;

import java.util.Arrays;

/** The ids of a text while it is tokenized. Confined to one thread. */
final class TokenList {

  private int[] ids = new int[32];
  private int size;

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

  int[] toArray() {
    return Arrays.copyOf(ids, size);
  }
}
