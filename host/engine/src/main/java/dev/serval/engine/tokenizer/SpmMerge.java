package dev.serval.engine.tokenizer;

/**
 * Merges the characters of one fragment of text into tokens, as SentencePiece's unigram-scored BPE
 * does (llama.cpp {@code llm_tokenizer_spm}): neighbours whose concatenation is a token are merged,
 * those with the highest score first. Confined to one thread; for one fragment.
 */
final class SpmMerge extends PairMerge {

  private final Vocabulary vocabulary;
  private final byte[] text;

  /**
   * Starts with one symbol per character.
   *
   * @param text well-formed UTF-8, not empty
   */
  SpmMerge(Vocabulary vocabulary, byte[] text) {
    this.vocabulary = vocabulary;
    this.text = text;
    begin(Utf8.characters(text, 0, text.length));
    for (int i = 0; i < text.length; ) {
      int bytes = Utf8.bytes(text[i]);
      addSymbol(i, bytes);
      i += bytes;
    }
  }

  /** Merges, then hands on the tokens from left to right. */
  void run(ByteTokens byteTokens, TokenList out) {
    mergeAll();
    for (int symbol = 0; symbol != NONE; symbol = next(symbol)) {
      int id = textId(start(symbol), length(symbol));
      if (id != NONE) {
        out.add(id);
      } else {
        // What is not a token was never merged: it is a single character.
        byteTokens.add(text, start(symbol), start(symbol) + length(symbol), out);
      }
    }
  }

  @Override
  void offer(int left, int right) {
    int id = textId(start(left), length(left) + length(right));
    if (id != NONE) {
      candidate(MergeQueue.highestFirst(vocabulary.score(id)), left, right);
    }
  }

  @Override
  void merged(int left, int order) {
    // A symbol is known by its text.
  }

  /** The token with a text, unless it is markup: plain text must not become a control token. */
  private int textId(int from, int bytes) {
    int id = vocabulary.id(text, from, bytes);
    return id != NONE && vocabulary.type(id).isMarkup() ? NONE : id;
  }
}
