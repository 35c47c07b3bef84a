package dev.serval.engine.tokenizer;

import dev.serval.api.model.Metadata;
import dev.serval.api.text.Detokenizer;
import dev.serval.api.text.TextPart;
import dev.serval.api.text.Tokenizer;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Objects;

/**
 * What the tokenizers of {@code tokenizer.ggml.*} share: special tokens are cut out of the text,
 * the fragments between them are tokenized each on its own. Immutable and thread-safe.
 */
abstract class VocabularyTokenizer implements Tokenizer, TokenBytes {

  static final String PREFIX = "tokenizer.ggml.";

  /**
   * What holds for files that do not say.
   *
   * @param bos beginning of a text, or {@link Vocabulary#NONE}
   * @param eos end of a text, or {@link Vocabulary#NONE}
   * @param unknown what no token stands for, or {@link Vocabulary#NONE}
   * @param addBos whether texts begin with {@code bos}
   */
  record Defaults(int bos, int eos, int unknown, boolean addBos) {}

  /** Tokenizes the fragments of one text. Confined to one thread. */
  interface FragmentEncoder {
    /** Adds the tokens of a range of the text that is not empty and holds no special token. */
    void encode(int from, int until);
  }

  private final Vocabulary vocabulary;
  private final SpecialTokens specials;
  private final BitSet endOfGeneration;
  private final BitSet suppressed;

  /** What begins and ends a text, or {@link Vocabulary#NONE}. */
  private final int first;

  private final int last;
  private final int unknown;

  VocabularyTokenizer(Metadata metadata, Defaults defaults) {
    Vocabulary stored = Vocabulary.read(metadata);
    int bos = stored.special(metadata, PREFIX + "bos_token_id", defaults.bos());
    int eos = stored.special(metadata, PREFIX + "eos_token_id", defaults.eos());
    this.unknown = stored.special(metadata, PREFIX + "unknown_token_id", defaults.unknown());
    this.endOfGeneration = EndOfGeneration.ids(stored, metadata, eos);
    this.suppressed = suppressed(metadata, stored.size());
    this.vocabulary = stored.withTypes(EndOfGeneration.repairedTypes(stored, metadata));
    this.specials = new SpecialTokens(vocabulary);
    boolean addBos = metadata.bool(PREFIX + "add_bos_token").orElse(defaults.addBos());
    this.first = addBos ? bos : Vocabulary.NONE;
    this.last = metadata.bool(PREFIX + "add_eos_token").orElse(false) ? eos : Vocabulary.NONE;
  }

  /** Ids that are never drawn; those outside the vocabulary are ignored, as in llama.cpp. */
  private static BitSet suppressed(Metadata metadata, int size) {
    BitSet ids = new BitSet(size);
    for (long id : metadata.integers(PREFIX + "suppress_tokens").orElse(new long[0])) {
      if (id >= 0 && id < size) {
        ids.set((int) id);
      }
    }
    return ids;
  }

  /** The tokens, their types repaired. */
  final Vocabulary vocabulary() {
    return vocabulary;
  }

  /** What stands for characters without a token, or {@link Vocabulary#NONE}. */
  final int unknown() {
    return unknown;
  }

  /**
   * Starts a text.
   *
   * @param text in well-formed UTF-8, possibly longer than the text
   * @param out takes the tokens
   */
  abstract FragmentEncoder encoder(byte[] text, TokenList out);

  /**
   * Turns the text of a token into the bytes it stands for, in place; names of markup stay.
   *
   * @return the number of bytes left
   */
  abstract int decode(byte[] text, int length, TokenType type);

  @Override
  public final int vocabSize() {
    return vocabulary.size();
  }

  @Override
  public final int[] encode(List<TextPart> parts, boolean addSpecial) {
    PromptText text = PromptText.of(parts);
    TokenList out = new TokenList();
    if (addSpecial) {
      out.add(first);
    }
    Fragments fragments = new Fragments(encoder(text.bytes(), out), out);
    specials.find(text, fragments);
    fragments.finish(text.length());
    if (addSpecial) {
      out.add(last);
    }
    return out.toArray();
  }

  /** Hands on special tokens and what lies between them. */
  private static final class Fragments implements SpecialTokens.Finder {
    private final FragmentEncoder encoder;
    private final TokenList out;
    private int done;

    Fragments(FragmentEncoder encoder, TokenList out) {
      this.encoder = encoder;
      this.out = out;
    }

    @Override
    public void found(int start, int length, int id) {
      finish(start);
      out.add(id);
      done = start + length;
    }

    void finish(int end) {
      if (end > done) {
        encoder.encode(done, end);
      }
    }
  }

  @Override
  public final byte[] bytes(int token) {
    byte[] text = vocabulary.text(checked(token));
    return Arrays.copyOf(text, decode(text, text.length, vocabulary.type(token)));
  }

  @Override
  public final int longestToken() {
    return vocabulary.longestBytes();
  }

  @Override
  public final int text(int token, byte[] target) {
    return isControl(token) || isEndOfGeneration(token)
        ? 0
        : decode(target, vocabulary.copy(token, target), vocabulary.type(token));
  }

  @Override
  public final boolean isControl(int token) {
    return vocabulary.type(checked(token)).isHidden();
  }

  @Override
  public final boolean isEndOfGeneration(int token) {
    return endOfGeneration.get(checked(token));
  }

  @Override
  public final boolean isSuppressed(int token) {
    return suppressed.get(checked(token));
  }

  private int checked(int token) {
    return Objects.checkIndex(token, vocabulary.size());
  }

  @Override
  public final Detokenizer detokenizer() {
    return new StreamingDetokenizer(this);
  }
}
