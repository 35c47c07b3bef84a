package dev.serval.engine.tokenizer;

import dev.serval.api.error.ModelRefusedException;
import dev.serval.api.error.ModelRefusedException.Reason;
import dev.serval.api.model.Metadata;
import dev.serval.api.model.TextArray;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * The merges of a vocabulary: pairs of symbols, each with its rank and the symbol it becomes.
 * Immutable and thread-safe.
 *
 * <p>A symbol is a text. Its number is the token with that text, or, for what is part of a merge
 * but no token, a number from the size of the vocabulary on. Merges that make a control token are
 * left out: plain text must not become one.
 */
final class MergeTable {

  static final int NONE = Vocabulary.NONE;

  private static final String MERGES = "tokenizer.ggml.merges";

  private final Vocabulary vocabulary;

  /** Symbols that are no tokens, by their bytes as ISO 8859-1. */
  private final Map<String, Integer> others = new HashMap<>();

  // By rank; NONE in all for an entry that is no merge.
  private final int[] left;
  private final int[] right;
  private final int[] merged;

  /** Open-addressing table of ranks, {@link #NONE} for a free place; its length is 2^n. */
  private final int[] table;

  /** Log2 of the table's length. */
  private final int bits;

  private MergeTable(Vocabulary vocabulary, TextArray merges) {
    this.vocabulary = vocabulary;
    int n = merges.size();
    this.left = new int[n];
    this.right = new int[n];
    this.merged = new int[n];
    this.table = new int[Integer.highestOneBit(Math.max(8, n)) * 4];
    this.bits = Integer.numberOfTrailingZeros(table.length);
    Arrays.fill(table, NONE);
    for (int rank = 0; rank < n; rank++) {
      read(merges.bytes(rank), rank);
    }
  }

  /**
   * Reads {@code tokenizer.ggml.merges}. Of equal pairs the first counts; an entry without a
   * separator is ignored, as in llama.cpp.
   *
   * @throws ModelRefusedException ({@code KEY_MISSING} or {@code KEY_INVALID}) naming the key
   */
  static MergeTable read(Metadata metadata, Vocabulary vocabulary) {
    TextArray merges =
        metadata
            .texts(MERGES)
            .orElseThrow(() ->
                new ModelRefusedException(Reason.KEY_MISSING, "key " + MERGES + " is missing"));
    return new MergeTable(vocabulary, merges);
  }

  /** Takes an entry: two texts with a space between; the first may begin with one. */
  private void read(byte[] entry, int rank) {
    left[rank] = NONE;
    right[rank] = NONE;
    merged[rank] = NONE;
    int space = 1;
    while (space < entry.length && entry[space] != ' ') {
      space++;
    }
    if (space >= entry.length) {
      return;
    }
    int rightBytes = entry.length - space - 1;
    int l = symbol(entry, 0, space);
    int r = symbol(entry, space + 1, rightBytes);
    System.arraycopy(entry, space + 1, entry, space, rightBytes);
    int both = vocabulary.id(entry, 0, entry.length - 1);
    int place = place(l, r);
    if (table[place] == NONE && !(both != NONE && vocabulary.type(both).isMarkup())) {
      left[rank] = l;
      right[rank] = r;
      merged[rank] = symbol(entry, 0, entry.length - 1);
      table[place] = rank;
    }
  }

  private int symbol(byte[] text, int from, int length) {
    int id = tokenOf(text, from, length);
    return id != NONE
        ? id
        : others.computeIfAbsent(
            new String(text, from, length, StandardCharsets.ISO_8859_1),
            key -> vocabulary.size() + others.size());
  }

  /** The token with a text, unless it is markup. */
  private int tokenOf(byte[] text, int from, int length) {
    int id = vocabulary.id(text, from, length);
    return id != NONE && vocabulary.type(id).isMarkup() ? NONE : id;
  }

  /** The symbol with a text, or {@link #NONE}. */
  int find(byte[] text, int from, int length) {
    int id = tokenOf(text, from, length);
    if (id != NONE || others.isEmpty()) {
      return id;
    }
    return others.getOrDefault(new String(text, from, length, StandardCharsets.ISO_8859_1), NONE);
  }

  /** Whether a symbol, possibly {@link #NONE}, is a token. */
  boolean isToken(int symbol) {
    return symbol != NONE && symbol < vocabulary.size();
  }

  /** The rank of a merge, or {@link #NONE} if two symbols are not merged. */
  int rank(int leftSymbol, int rightSymbol) {
    return table[place(leftSymbol, rightSymbol)];
  }

  /** What a merge makes. */
  int merged(int rank) {
    return merged[rank];
  }

  /** Where the table has a pair, or would have it. */
  private int place(int l, int r) {
    int place = SecretHash.DRAWN.of(l, r, bits);
    while (table[place] != NONE && (left[table[place]] != l || right[table[place]] != r)) {
      place = (place + 1) & (table.length - 1);
    }
    return place;
  }
}
