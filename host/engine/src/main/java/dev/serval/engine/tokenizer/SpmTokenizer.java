package dev.serval.engine.tokenizer;

import dev.serval.api.model.Metadata;

/**
 * The tokenizer of {@code tokenizer.ggml.model} = {@code llama}: SentencePiece with scores, as in
 * Gemma 1 to 3 and Llama 2. No normalisation; a space is stored as U+2581. Immutable and
 * thread-safe.
 */
final class SpmTokenizer extends VocabularyTokenizer {

  /** llama.cpp, llama_vocab::impl::load, SPM. */
  private static final Defaults DEFAULTS = new Defaults(1, 2, 0, true);

  private final ByteTokens byteTokens;
  private final boolean addSpacePrefix;

  /** Reads {@code tokenizer.ggml.*}. */
  SpmTokenizer(Metadata metadata) {
    super(metadata, DEFAULTS);
    this.byteTokens = new ByteTokens(vocabulary(), unknown());
    this.addSpacePrefix = metadata.bool(PREFIX + "add_space_prefix").orElse(true);
  }

  /** A fragment always begins the text or follows a special token: it gets the prefix. */
  @Override
  FragmentEncoder encoder(byte[] text, TokenList out) {
    return (from, until) ->
        new SpmMerge(vocabulary(), SpaceMark.marked(text, from, until, addSpacePrefix))
            .run(byteTokens, out);
  }

  @Override
  int decode(byte[] text, int length, TokenType type) {
    return SpaceMark.decode(text, length, type);
  }
}
