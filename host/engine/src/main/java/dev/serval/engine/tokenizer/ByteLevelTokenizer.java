package dev.serval.engine.tokenizer;

import dev.serval.api.model.Metadata;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The tokenizer of {@code tokenizer.ggml.model} = {@code gpt2}: byte-level BPE. Text is cut into
 * pre-tokens, and the bytes of each are merged by rank. Immutable and thread-safe.
 */
final class ByteLevelTokenizer extends VocabularyTokenizer {

  private static final Logger LOG = LoggerFactory.getLogger(ByteLevelTokenizer.class);

  private static final String PRE = PREFIX + "pre";

  private static final int VALUES = 256;

  private final Splitting splitting;
  private final MergeTable table;

  /** The symbol of each byte, or {@link MergeTable#NONE}. */
  private final int[] symbols = new int[VALUES];

  /** Reads {@code tokenizer.ggml.*}. */
  ByteLevelTokenizer(Metadata metadata) {
    this(metadata, splitting(metadata));
  }

  private ByteLevelTokenizer(Metadata metadata, Splitting splitting) {
    // llama.cpp, llama_vocab::impl::load, gpt2: ids of GPT-2's first conversions
    super(metadata, new Defaults(11, 11, Vocabulary.NONE, splitting.addsBos()));
    this.splitting = splitting;
    this.table = MergeTable.read(metadata, vocabulary());
    byte[] character = new byte[2];
    for (int b = 0; b < VALUES; b++) {
      int length = ByteAlphabet.encode(new byte[] {(byte) b}, 0, 1, character);
      symbols[b] = table.find(character, 0, length);
    }
  }

  private static Splitting splitting(Metadata metadata) {
    return metadata
        .text(PRE)
        .map(name -> Splitting.of(PRE, name))
        .orElseGet(() -> {
          LOG.warn("key {} is missing: text is cut by the default rules, answers may suffer", PRE);
          return Splitting.DEFAULT;
        });
  }

  @Override
  Words encoder(byte[] text, TokenList out) {
    return new Words(text, out);
  }

  /** Tokenizes the pre-tokens of one text. */
  final class Words implements FragmentEncoder {
    private final byte[] text;
    private final TokenList out;
    private final ScannedText scanned;
    private final BpeMerge merge = new BpeMerge(table);
    private byte[] whole = {};

    private Words(byte[] text, TokenList out) {
      this.text = text;
      this.out = out;
      this.scanned = new ScannedText(text);
    }

    @Override
    public void encode(int from, int until) {
      splitting.preTokenizer().split(scanned, from, until, this::word);
    }

    private void word(int from, int until) {
      int id = splitting.ignoresMerges() ? whole(from, until) : MergeTable.NONE;
      if (id != MergeTable.NONE) {
        out.add(id);
        return;
      }
      merge.begin(until - from);
      for (int i = from; i < until; i++) {
        merge.add(i, 1, symbols[text[i] & 0xFF]);
      }
      merge.mergeAll();
      for (int symbol = 0; symbol != PairMerge.NONE; symbol = merge.next(symbol)) {
        emit(symbol);
      }
    }

    /** The token that is all of a pre-token, or {@link MergeTable#NONE}. */
    private int whole(int from, int until) {
      int bytes = until - from;
      if (bytes > vocabulary().longestBytes()) {
        return MergeTable.NONE;
      }
      if (whole.length < 2 * bytes) {
        whole = new byte[4 * bytes];
      }
      int id = table.find(whole, 0, ByteAlphabet.encode(text, from, until, whole));
      return table.isToken(id) ? id : MergeTable.NONE;
    }

    /** Hands on a symbol, or its bytes if it is no token; bytes without a token are lost. */
    private void emit(int symbol) {
      if (table.isToken(merge.token(symbol))) {
        out.add(merge.token(symbol));
        return;
      }
      int start = merge.start(symbol);
      for (int i = start; i < start + merge.length(symbol); i++) {
        int id = symbols[text[i] & 0xFF];
        out.add(table.isToken(id) ? id : Vocabulary.NONE);
      }
    }

    /** Characters and bytes that the pre-tokenizer looked at. */
    long visits() {
      return scanned.visits();
    }

    /** Merges made. */
    long merges() {
      return merge.merges();
    }

    /** Merges considered. */
    long candidates() {
      return merge.candidates();
    }
  }

  @Override
  int decode(byte[] text, int length, TokenType type) {
    return switch (type) {
      case NORMAL, UNUSED -> ByteAlphabet.decode(text, length);
      case BYTE -> ByteTokens.decode(text, length);
      case UNKNOWN, CONTROL, USER_DEFINED, SHOWN -> length;
    };
  }
}
