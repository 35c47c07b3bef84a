package dev.serval.engine.tokenizer;

import dev.serval.api.error.ModelRefusedException;
import dev.serval.api.error.ModelRefusedException.Reason;
import dev.serval.api.model.Metadata;
import dev.serval.api.model.TextArray;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.OptionalLong;

/**
 * The tokens of a model: texts as bytes, scores and types, and the way back from text to id.
 * Immutable and thread-safe.
 *
 * <p>An empty text at id {@code i} becomes {@code [EMPTY_i]}, as in llama.cpp; of equal texts the
 * first id is found.
 */
final class Vocabulary {

  /** No token. */
  static final int NONE = -1;

  /**
   * Four times the longest text of a published vocabulary (128 spaces in the byte alphabet). Texts
   * of any length would let the work per byte of a prompt grow with the file.
   */
  private static final int MAX_TEXT_BYTES = 1024;

  static final String TOKENS = "tokenizer.ggml.tokens";
  private static final String SCORES = "tokenizer.ggml.scores";
  private static final String TYPES = "tokenizer.ggml.token_type";

  /** All texts one after the other. */
  private final byte[] texts;

  /** End of each text in {@link #texts}. */
  private final int[] ends;

  private final float[] scores;
  private final TokenType[] types;

  /** Bytes of the longest text. */
  private final int longestBytes;

  /** Open-addressing table of ids, {@link #NONE} for a free place; its length is a power of two. */
  private final int[] table;

  private Vocabulary(byte[] texts, int[] ends, float[] scores, TokenType[] types) {
    this.texts = texts;
    this.ends = ends;
    this.scores = scores;
    this.types = types;
    this.table = new int[Integer.highestOneBit(Math.max(8, ends.length)) * 4];
    Arrays.fill(table, NONE);
    int longest = 0;
    for (int id = 0; id < ends.length; id++) {
      int start = start(id);
      longest = Math.max(longest, ends[id] - start);
      int place = place(texts, start, ends[id] - start);
      if (table[place] == NONE) {
        table[place] = id;
      }
    }
    this.longestBytes = longest;
  }

  private Vocabulary(Vocabulary other, TokenType[] types) {
    this.texts = other.texts;
    this.ends = other.ends;
    this.scores = other.scores;
    this.types = types;
    this.longestBytes = other.longestBytes;
    this.table = other.table;
  }

  /**
   * Reads {@code tokenizer.ggml.tokens}, {@code scores} and {@code token_type}.
   *
   * @throws ModelRefusedException ({@code VOCABULARY}, {@code KEY_MISSING} or {@code KEY_INVALID})
   *     naming the key
   */
  static Vocabulary read(Metadata metadata) {
    TextArray tokens =
        metadata
            .texts(TOKENS)
            .orElseThrow(() ->
                new ModelRefusedException(Reason.KEY_MISSING, "key " + TOKENS + " is missing"));
    int n = tokens.size();
    if (n == 0) {
      throw refused(TOKENS, "at least one token", "none");
    }
    TokenType[] types = types(metadata, n);
    return build(tokens, scores(metadata, n), types);
  }

  private static Vocabulary build(TextArray tokens, float[] scores, TokenType[] types) {
    int n = tokens.size();
    int[] ends = new int[n];
    byte[] texts = new byte[16 * n];
    int used = 0;
    for (int id = 0; id < n; id++) {
      byte[] text = tokens.bytes(id);
      if (text.length == 0) {
        text = ("[EMPTY_" + id + "]").getBytes(StandardCharsets.US_ASCII);
      }
      if (text.length > MAX_TEXT_BYTES) {
        throw refused(
            TOKENS, "texts of at most " + MAX_TEXT_BYTES + " bytes", text.length + " at " + id);
      }
      if (text.length > texts.length - used) {
        texts = Arrays.copyOf(texts, Math.addExact(texts.length, Math.max(used, text.length)));
      }
      System.arraycopy(text, 0, texts, used, text.length);
      used += text.length;
      ends[id] = used;
    }
    return new Vocabulary(Arrays.copyOf(texts, used), ends, scores, types);
  }

  private static float[] scores(Metadata metadata, int n) {
    float[] scores = new float[n];
    double[] stored = metadata.reals(SCORES).orElse(null);
    if (stored == null) {
      return scores;
    }
    requireLength(SCORES, stored.length, n);
    for (int id = 0; id < n; id++) {
      scores[id] = (float) stored[id];
      if (Float.isNaN(scores[id])) {
        throw refused(SCORES, "numbers", "NaN at " + id);
      }
    }
    return scores;
  }

  private static TokenType[] types(Metadata metadata, int n) {
    TokenType[] types = new TokenType[n];
    Arrays.fill(types, TokenType.NORMAL);
    long[] stored = metadata.integers(TYPES).orElse(null);
    if (stored == null) {
      return types;
    }
    requireLength(TYPES, stored.length, n);
    for (int id = 0; id < n; id++) {
      types[id] = TokenType.ofId(stored[id]);
    }
    return types;
  }

  private static void requireLength(String key, int got, int tokens) {
    if (got < tokens) {
      throw refused(key, "one entry for each of " + tokens + " tokens", got + " entries");
    }
  }

  /**
   * The token that a key names.
   *
   * @param absent id that counts if the key is absent; ignored if there is no such token
   * @return the id, or {@link #NONE} also for the value −1 in 32 bits, which stands for no token
   * @throws ModelRefusedException ({@code VOCABULARY}) for any other id outside the vocabulary
   */
  int special(Metadata metadata, String key, int absent) {
    OptionalLong id = metadata.integer(key);
    if (id.isEmpty()) {
      return absent < size() ? absent : NONE;
    }
    return checked(key, id.getAsLong());
  }

  /** An id that a key states, checked as by {@link #special}. */
  int checked(String key, long id) {
    if (id == NONE || id == 0xFFFF_FFFFL) {
      return NONE;
    }
    if (id < 0 || id >= size()) {
      throw refused(key, "a token id below " + size(), Long.toString(id));
    }
    return (int) id;
  }

  private static ModelRefusedException refused(String key, String expected, String got) {
    return new ModelRefusedException(
        Reason.VOCABULARY, "key " + key + ": expected " + expected + ", got " + got);
  }

  /** The same tokens with other types. */
  Vocabulary withTypes(TokenType[] other) {
    return new Vocabulary(this, other);
  }

  /** Number of tokens. */
  int size() {
    return ends.length;
  }

  /** A copy of a token's text as it stands in the file. */
  byte[] text(int id) {
    return Arrays.copyOfRange(texts, start(id), ends[id]);
  }

  /** Copies a token's text to the beginning of an array; returns how many bytes it has. */
  int copy(int id, byte[] target) {
    int n = textBytes(id);
    System.arraycopy(texts, start(id), target, 0, n);
    return n;
  }

  /** Bytes of the longest text. */
  int longestBytes() {
    return longestBytes;
  }

  /** Bytes of a token's text. */
  int textBytes(int id) {
    return ends[id] - start(id);
  }

  float score(int id) {
    return scores[id];
  }

  TokenType type(int id) {
    return types[id];
  }

  /** A copy of all types by id. */
  TokenType[] types() {
    return types.clone();
  }

  /** The token with a text in UTF-8, or {@link #NONE}. */
  int id(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    return id(bytes, 0, bytes.length);
  }

  /** The token whose text is {@code length} bytes of an array, or {@link #NONE}. */
  int id(byte[] bytes, int from, int length) {
    return length > longestBytes ? NONE : table[place(bytes, from, length)];
  }

  /** Where the table has a text, or would have it. */
  private int place(byte[] bytes, int from, int length) {
    int mask = table.length - 1;
    int place = SecretHash.DRAWN.of(bytes, from, length) & mask;
    while (table[place] != NONE && !holds(table[place], bytes, from, length)) {
      place = (place + 1) & mask;
    }
    return place;
  }

  private boolean holds(int id, byte[] bytes, int from, int length) {
    return Arrays.equals(texts, start(id), ends[id], bytes, from, from + length);
  }

  private int start(int id) {
    return id == 0 ? 0 : ends[id - 1];
  }
}
