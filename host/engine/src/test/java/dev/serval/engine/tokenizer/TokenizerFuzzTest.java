package dev.serval.engine.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.code_intelligence.jazzer.api.FuzzedDataProvider;
import com.code_intelligence.jazzer.junit.DictionaryEntries;
import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.serval.api.error.ModelRefusedException;
import dev.serval.api.model.Metadata;
import dev.serval.api.model.TextArray;
import dev.serval.api.text.Detokenizer;
import dev.serval.api.text.TextPart;
import dev.serval.api.text.Tokenizer;
import dev.serval.engine.gguf.GgufFile;
import dev.serval.engine.gguf.GoldenFile;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * Any vocabulary is refused or tokenizes any text into ids that it has; a good one gives the text
 * back.
 */
class TokenizerFuzzTest {

  private static final String KEY = "tokenizer.ggml.";

  private static final Tokenizer SPM = good("vocab-spm.gguf");
  private static final Tokenizer BPE = good("vocab-bpe.gguf");

  private static final byte[][] BYTE_TOKENS = byteTokens();

  private static byte[][] byteTokens() {
    byte[][] all = new byte[256][];
    for (int b = 0; b < all.length; b++) {
      all[b] = String.format("<0x%02X>", b).getBytes(StandardCharsets.US_ASCII);
    }
    return all;
  }

  private static Tokenizer good(String name) {
    try (GgufFile file = GgufFile.open(GoldenFile.of(name))) {
      return new Tokenizers().fromMetadata(file.source().metadata());
    }
  }

  @FuzzTest(maxDuration = "10m")
  @DictionaryEntries({"<0x0A>", "▁", "</s>", "<|end|>"})
  void anyVocabularyIsRefusedOrTokenizes(FuzzedDataProvider data) {
    Metadata metadata = metadata(data);
    String markup = data.consumeString(20);
    String text = data.consumeRemainingAsString();
    Tokenizer tokenizer;
    try {
      tokenizer = new Tokenizers().fromMetadata(metadata);
    } catch (ModelRefusedException e) {
      assertTrue(String.valueOf(e.getMessage()).contains("key " + KEY), e.getMessage());
      return;
    }
    tokenize(tokenizer, List.of(TextPart.markup(markup), TextPart.plain(text)));
  }

  @FuzzTest(maxDuration = "10m")
  @DictionaryEntries({"▁", "<start_of_turn>", "<eos>"})
  void textsComeBack(byte[] bytes) {
    int choice = bytes.length == 0 ? 0 : bytes[0];
    // Lone surrogates too: half of the inputs are UTF-16.
    String text = (choice & 1) == 0 ? new String(bytes, StandardCharsets.UTF_8) : utf16(bytes);
    boolean spm = (choice & 2) == 0;
    String back = tokenize(spm ? SPM : BPE, List.of(TextPart.plain(text)));
    // SPM spells a space ▁ and a byte <0x0A>: such texts come back as what they spell.
    if (!spm || (!text.contains("▁") && !text.contains("<"))) {
      assertEquals(wellFormed(text), back);
    }
  }

  /** Lone surrogates become U+FFFD. */
  private static String wellFormed(String text) {
    StringBuilder s = new StringBuilder();
    text.codePoints()
        .forEach(c -> s.appendCodePoint(Character.getType(c) == Character.SURROGATE ? 0xFFFD : c));
    return s.toString();
  }

  private static String utf16(byte[] bytes) {
    char[] chars = new char[bytes.length / 2];
    for (int i = 0; i < chars.length; i++) {
      chars[i] = (char) (((bytes[2 * i] & 0xFF) << 8) | (bytes[2 * i + 1] & 0xFF));
    }
    return new String(chars);
  }

  /** The text of the ids of a text. */
  private static String tokenize(Tokenizer tokenizer, List<TextPart> parts) {
    int[] ids = tokenizer.encode(parts, true);
    assertArrayEquals(ids, tokenizer.encode(parts, true), "twice the same");
    Detokenizer detokenizer = tokenizer.detokenizer();
    StringBuilder text = new StringBuilder();
    for (int id : ids) {
      assertTrue(id >= 0 && id < tokenizer.vocabSize(), "id " + id);
      detokenizer.append(id, text);
    }
    detokenizer.flush(text);
    return text.toString();
  }

  private static Metadata metadata(FuzzedDataProvider data) {
    Metadata.Builder m = new Metadata.Builder();
    m.put(KEY + "model", data.pickValue(new String[] {"llama", "gpt2", "gemma4"}));
    m.put(
        KEY + "pre",
        data.pickValue(new String[] {"default", "gpt-2", "llama-bpe", "qwen2", "gpt-4o"}));
    int n = data.consumeInt(0, 40);
    boolean bytes = data.consumeBoolean();
    int all = bytes ? n + 256 : n;
    m.put(KEY + "tokens", texts(data, n, all));
    if (data.consumeBoolean()) {
      m.put(KEY + "scores", scores(data, all));
    }
    if (data.consumeBoolean()) {
      m.put(KEY + "token_type", types(data, all));
    }
    if (data.consumeBoolean()) {
      int merges = data.consumeInt(0, 40);
      m.put(KEY + "merges", texts(data, merges, merges));
    }
    for (String special : List.of("bos", "eos", "unknown", "eot", "fim_pad")) {
      if (data.consumeBoolean()) {
        m.put(KEY + special + "_token_id", (long) data.consumeInt(-2, n + 1));
      }
    }
    for (String flag : List.of("add_bos_token", "add_eos_token", "add_space_prefix")) {
      if (data.consumeBoolean()) {
        m.put(KEY + flag, data.consumeBoolean());
      }
    }
    return m.build();
  }

  /** Some short texts, then the byte tokens. */
  private static TextArray texts(FuzzedDataProvider data, int some, int all) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    int[] ends = new int[all];
    for (int i = 0; i < all; i++) {
      bytes.writeBytes(i < some ? data.consumeBytes(8) : BYTE_TOKENS[i - some]);
      ends[i] = bytes.size();
    }
    return new TextArray(bytes.toByteArray(), ends);
  }

  private static double[] scores(FuzzedDataProvider data, int n) {
    double[] scores = new double[n];
    for (int i = 0; i < n; i++) {
      scores[i] = data.consumeRegularFloat();
    }
    return scores;
  }

  private static long[] types(FuzzedDataProvider data, int n) {
    long[] types = new long[n];
    for (int i = 0; i < n; i++) {
      types[i] = data.consumeInt(0, 7);
    }
    return types;
  }
}
