package dev.serval.engine.tokenizer;

import java.util.Arrays;

/**
 * Merges the characters of one fragment of text into tokens, as SentencePiece's unigram-scored BPE
 * does (llama.cpp {@code llm_tokenizer_spm}): of all neighbouring pairs whose concatenation is a
 * token the one with the highest score is merged, ties from the left, until no pair is left.
 *
 * <p>Each merge removes a symbol and adds at most two candidates, so that a fragment of n
 * characters takes fewer than n merges and 3n candidates, O(n log n) in all. Confined to one
 * thread; for one fragment.
 */
final class SpmMerge {

  private static final int NONE = -1;

  private final Vocabulary vocabulary;
  private final byte[] text;
  private final MergeQueue queue = new MergeQueue();

  /** Offset of each symbol in the text. */
  private final int[] start;

  /** Bytes of each symbol; 0 for one that was merged into its left neighbour. */
  private final int[] length;

  private final int[] previous;
  private final int[] next;
  private int merges;

  /**
   * Starts with one symbol per character.
   *
   * @param text well-formed UTF-8, not empty
   */
  SpmMerge(Vocabulary vocabulary, byte[] text) {
    this.vocabulary = vocabulary;
    this.text = text;
    int n = 0;
    for (byte b : text) {
      n += isLead(b) ? 1 : 0;
    }
    this.start = new int[n];
    this.length = new int[n];
    this.previous = new int[n];
    this.next = new int[n];
    int symbol = -1;
    for (int i = 0; i < text.length; i++) {
      if (isLead(text[i])) {
        symbol++;
        start[symbol] = i;
        previous[symbol] = symbol - 1;
        next[symbol] = symbol + 1 < n ? symbol + 1 : NONE;
      }
      length[symbol]++;
    }
  }

  private static boolean isLead(byte b) {
    return (b & 0xC0) != 0x80;
  }

  /** Merges, then hands on the tokens from left to right. */
  void run(TokenList out) {
    for (int right = 1; right < start.length; right++) {
      offer(right - 1, right);
    }
    while (queue.next()) {
      int left = queue.left();
      int right = queue.right();
      if (length[left] == 0
          || length[right] == 0
          || length[left] + length[right] != queue.bytes()) {
        continue; // one of them was merged since
      }
      merge(left, right);
    }
    for (int symbol = 0; symbol != NONE; symbol = next[symbol]) {
      emit(symbol, out);
    }
  }

  private void merge(int left, int right) {
    merges++;
    length[left] += length[right];
    length[right] = 0;
    next[left] = next[right];
    if (next[right] != NONE) {
      previous[next[right]] = left;
    }
    if (previous[left] != NONE) {
      offer(previous[left], left);
    }
    if (next[left] != NONE) {
      offer(left, next[left]);
    }
  }

  private void offer(int left, int right) {
    int bytes = length[left] + length[right];
    int id = textId(start[left], bytes);
    if (id != NONE) {
      queue.add(vocabulary.score(id), left, right, bytes);
    }
  }

  private void emit(int symbol, TokenList out) {
    int id = textId(start[symbol], length[symbol]);
    if (id != NONE) {
      out.add(id);
    } else {
      // What is not a token was never merged: it is a single character.
      out.addBytes(Arrays.copyOfRange(text, start[symbol], start[symbol] + length[symbol]));
    }
  }

  /** The token with a text, unless it is markup: plain text must not become a control token. */
  private int textId(int from, int bytes) {
    int id = vocabulary.id(text, from, bytes);
    return id != NONE && vocabulary.type(id).isMarkup() ? NONE : id;
  }

  /** Number of merges made. */
  int merges() {
    return merges;
  }

  /** Number of merges considered. */
  int candidates() {
    return queue.added();
  }
}
