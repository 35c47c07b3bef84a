package dev.serval.engine.tokenizer;

import dev.serval.api.model.Metadata;
import dev.serval.api.text.Detokenizer;
import dev.serval.api.text.TextPart;
import dev.serval.api.text.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Objects;

/**
 * The tokenizer of {@code tokenizer.ggml.model} = {@code llama}: SentencePiece with scores, as in
 * Gemma 1 to 3 and Llama 2. No normalisation; a space is stored as U+2581. Immutable and
 * thread-safe.
 */
final class SpmTokenizer implements Tokenizer, TokenBytes {

  /** U+2581 in UTF-8. */
  private static final byte[] SPACE_MARK = "▁".getBytes(StandardCharsets.UTF_8);

  private static final String PREFIX = "tokenizer.ggml.";

  // Ids of files that do not state them: llama.cpp, llama_vocab::impl::load, SPM.
  private static final int DEFAULT_BOS = 1;
  private static final int DEFAULT_EOS = 2;
  private static final int DEFAULT_UNKNOWN = 0;

  private final Vocabulary vocabulary;
  private final SpecialTokens specials;
  private final TokenList.ByteTokens byteTokens;
  private final BitSet endOfGeneration;
  private final int bos;
  private final int eos;
  private final boolean addSpacePrefix;

  private SpmTokenizer(Vocabulary stored, Metadata metadata) {
    int bosId = stored.special(metadata, PREFIX + "bos_token_id", DEFAULT_BOS);
    int eosId = stored.special(metadata, PREFIX + "eos_token_id", DEFAULT_EOS);
    int unknown = stored.special(metadata, PREFIX + "unknown_token_id", DEFAULT_UNKNOWN);
    this.endOfGeneration = EndOfGeneration.ids(stored, metadata, eosId);
    this.vocabulary = stored.withTypes(EndOfGeneration.repairedTypes(stored));
    this.specials = new SpecialTokens(vocabulary);
    this.byteTokens = new TokenList.ByteTokens(vocabulary, unknown);
    this.bos = metadata.bool(PREFIX + "add_bos_token").orElse(true) ? bosId : Vocabulary.NONE;
    this.eos = metadata.bool(PREFIX + "add_eos_token").orElse(false) ? eosId : Vocabulary.NONE;
    this.addSpacePrefix = metadata.bool(PREFIX + "add_space_prefix").orElse(true);
  }

  /** Reads {@code tokenizer.ggml.*}. */
  static SpmTokenizer read(Metadata metadata) {
    return new SpmTokenizer(Vocabulary.read(metadata), metadata);
  }

  @Override
  public int vocabSize() {
    return vocabulary.size();
  }

  @Override
  public int[] encode(List<TextPart> parts, boolean addSpecial) {
    PromptText text = PromptText.of(parts);
    TokenList out = new TokenList(byteTokens);
    if (addSpecial) {
      out.add(bos);
    }
    Fragments fragments = new Fragments(text, out);
    specials.find(text, fragments);
    fragments.finish();
    if (addSpecial) {
      out.add(eos);
    }
    return out.toArray();
  }

  /** Tokenizes what lies between the special tokens. */
  private final class Fragments implements SpecialTokens.Finder {
    private final PromptText text;
    private final TokenList out;
    private int done;

    Fragments(PromptText text, TokenList out) {
      this.text = text;
      this.out = out;
    }

    @Override
    public void found(int start, int length, int id) {
      fragment(start);
      out.add(id);
      done = start + length;
    }

    void finish() {
      fragment(text.length());
    }

    private void fragment(int end) {
      if (end > done) {
        new SpmMerge(vocabulary, marked(text.bytes(), done, end)).run(out);
      }
    }
  }

  /**
   * A fragment with its spaces replaced, and one before it if the vocabulary wants that: a fragment
   * always begins the text or follows a special token.
   */
  private byte[] marked(byte[] bytes, int from, int until) {
    int spaces = addSpacePrefix ? 1 : 0;
    for (int i = from; i < until; i++) {
      spaces += bytes[i] == ' ' ? 1 : 0;
    }
    long size = until - from + (long) spaces * (SPACE_MARK.length - 1) + (addSpacePrefix ? 1 : 0);
    byte[] marked = new byte[Math.toIntExact(size)];
    int n = 0;
    if (addSpacePrefix) {
      n = mark(marked, n);
    }
    for (int i = from; i < until; i++) {
      if (bytes[i] == ' ') {
        n = mark(marked, n);
      } else {
        marked[n++] = bytes[i];
      }
    }
    return marked;
  }

  private static int mark(byte[] target, int at) {
    System.arraycopy(SPACE_MARK, 0, target, at, SPACE_MARK.length);
    return at + SPACE_MARK.length;
  }

  @Override
  public byte[] bytes(int token) {
    byte[] target = new byte[vocabulary.textBytes(checked(token))];
    return Arrays.copyOf(target, surface(token, target));
  }

  @Override
  public int longestToken() {
    return vocabulary.longestBytes();
  }

  @Override
  public int text(int token, byte[] target) {
    return isControl(token) || isEndOfGeneration(token) ? 0 : surface(token, target);
  }

  /** Copies what a token stands for, markup by its name; returns the number of bytes. */
  private int surface(int token, byte[] target) {
    int n = vocabulary.copy(token, target);
    return switch (vocabulary.type(token)) {
      case NORMAL, UNUSED -> unmark(target, n);
      case BYTE -> single(target, n);
      case UNKNOWN, CONTROL, USER_DEFINED -> n;
    };
  }

  /** Replaces space marks by spaces; returns the number of bytes left. */
  private static int unmark(byte[] text, int length) {
    int n = 0;
    for (int i = 0; i < length; n++) {
      boolean isMark =
          i + 2 < length
              && text[i] == SPACE_MARK[0]
              && text[i + 1] == SPACE_MARK[1]
              && text[i + 2] == SPACE_MARK[2];
      text[n] = isMark ? (byte) ' ' : text[i];
      i += isMark ? SPACE_MARK.length : 1;
    }
    return n;
  }

  /** Replaces {@code <0xNN>} by the byte it names; other texts are left alone. */
  private static int single(byte[] text, int n) {
    if (n != 6 || text[0] != '<' || text[1] != '0' || text[2] != 'x' || text[5] != '>') {
      return n;
    }
    int high = Character.digit(text[3], 16);
    int low = Character.digit(text[4], 16);
    if (high < 0 || low < 0) {
      return n;
    }
    text[0] = (byte) ((high << 4) | low);
    return 1;
  }

  @Override
  public boolean isControl(int token) {
    return vocabulary.type(checked(token)).isMarkup();
  }

  @Override
  public boolean isEndOfGeneration(int token) {
    return endOfGeneration.get(checked(token));
  }

  private int checked(int token) {
    return Objects.checkIndex(token, vocabulary.size());
  }

  @Override
  public Detokenizer detokenizer() {
    return new StreamingDetokenizer(this);
  }
}
