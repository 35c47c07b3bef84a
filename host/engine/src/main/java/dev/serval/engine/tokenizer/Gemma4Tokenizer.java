package dev.serval.engine.tokenizer;

import dev.serval.api.model.Metadata;

/**
 * The tokenizer of {@code tokenizer.ggml.model} = {@code gemma4}: BPE on characters, cut at line
 * feeds only; a space is stored as U+2581, and characters without a token become bytes. Immutable
 * and thread-safe.
 */
final class Gemma4Tokenizer extends VocabularyTokenizer {

  private static final Defaults DEFAULTS =
      new Defaults(Vocabulary.NONE, Vocabulary.NONE, Vocabulary.NONE, true);

  private static final PreTokenizer LINES = new PreTokenizer(RunRule.LINE_FEEDS);

  private final MergeTable table;
  private final ByteTokens byteTokens;

  /** Reads {@code tokenizer.ggml.*}. */
  Gemma4Tokenizer(Metadata metadata) {
    // Published files deny the BOS that the models need: llama.cpp, #21500.
    super(metadata.without(PREFIX + "add_bos_token"), DEFAULTS);
    this.table = MergeTable.read(metadata, vocabulary());
    this.byteTokens = new ByteTokens(vocabulary(), unknown());
  }

  @Override
  Fragments encoder(byte[] text, TokenList out) {
    return new Fragments(text, out);
  }

  /** Tokenizes the fragments of one text. */
  final class Fragments implements FragmentEncoder {
    private final byte[] text;
    private final TokenList out;
    private final BpeMerge merge = new BpeMerge(table);
    private long visits;

    private Fragments(byte[] text, TokenList out) {
      this.text = text;
      this.out = out;
    }

    @Override
    public void encode(int from, int until) {
      byte[] marked = SpaceMark.marked(text, from, until, false);
      ScannedText scanned = new ScannedText(marked);
      LINES.split(scanned, 0, marked.length, (start, end) -> line(marked, start, end));
      visits += scanned.visits();
    }

    private void line(byte[] marked, int from, int until) {
      if (marked[from] == '\n') {
        int id = table.find(marked, from, until - from);
        if (table.isToken(id)) {
          out.add(id);
          return;
        }
      }
      merge.begin(until - from);
      for (int i = from; i < until; ) {
        int bytes = Utf8.bytes(marked[i]);
        merge.add(i, bytes, table.find(marked, i, bytes));
        i += bytes;
      }
      merge.mergeAll();
      for (int symbol = 0; symbol != PairMerge.NONE; symbol = merge.next(symbol)) {
        if (table.isToken(merge.token(symbol))) {
          out.add(merge.token(symbol));
        } else {
          int start = merge.start(symbol);
          byteTokens.add(marked, start, start + merge.length(symbol), out);
        }
      }
    }

    /** Characters and bytes that the pre-tokenizer looked at. */
    long visits() {
      return visits;
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
    return SpaceMark.decode(text, length, type);
  }
}
