package dev.serval.engine.tokenizer;

import dev.serval.api.model.Metadata;
import dev.serval.api.model.TextArray;
import dev.serval.api.text.Tokenizer;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Builds small vocabularies for tests. */
final class Vocab {

  private final List<byte[]> texts = new ArrayList<>();
  private final List<Double> scores = new ArrayList<>();
  private final List<Long> types = new ArrayList<>();
  private final List<String> merges = new ArrayList<>();
  private final Metadata.Builder more = new Metadata.Builder().put("tokenizer.ggml.model", "llama");

  /** Starts with {@code <unk>} 0, {@code <s>} 1 and {@code </s>} 2, without prefixes. */
  static Vocab basic() {
    return new Vocab()
        .add("<unk>", 0, TokenType.UNKNOWN)
        .add("<s>", 0, TokenType.CONTROL)
        .add("</s>", 0, TokenType.CONTROL)
        .with("tokenizer.ggml.add_space_prefix", false);
  }

  /** Adds the 256 byte tokens. */
  Vocab bytes() {
    for (int b = 0; b < 256; b++) {
      add(String.format("<0x%02X>", b), 0, TokenType.BYTE);
    }
    return this;
  }

  Vocab add(String text, double score) {
    return add(text, score, TokenType.NORMAL);
  }

  Vocab add(String text, double score, TokenType type) {
    return add(text.getBytes(StandardCharsets.UTF_8), score, type);
  }

  Vocab add(byte[] text, double score, TokenType type) {
    texts.add(text);
    scores.add(score);
    types.add((long) type.id);
    return this;
  }

  /** A byte-level vocabulary of the 256 bytes, in the order of their values. */
  static Vocab byteLevel(String pre) {
    Vocab vocab = new Vocab().with("tokenizer.ggml.model", "gpt2");
    vocab.with("tokenizer.ggml.pre", pre);
    byte[] target = new byte[2];
    for (int b = 0; b < 256; b++) {
      int n = ByteAlphabet.encode(new byte[] {(byte) b}, 0, 1, target);
      vocab.add(Arrays.copyOf(target, n), 0, TokenType.NORMAL);
    }
    return vocab;
  }

  /** Adds a merge and the token it makes. */
  Vocab merge(String left, String right) {
    return mergeOnly(left, right).add(left + right, 0);
  }

  /** Adds a merge. */
  Vocab mergeOnly(String left, String right) {
    merges.add(left + " " + right);
    return this;
  }

  Vocab with(String key, String value) {
    more.put(key, value);
    return this;
  }

  Vocab with(String key, boolean value) {
    more.put(key, value);
    return this;
  }

  Vocab with(String key, long value) {
    more.put(key, value);
    return this;
  }

  int size() {
    return texts.size();
  }

  Metadata.Builder metadata() {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    int[] ends = new int[texts.size()];
    for (int i = 0; i < ends.length; i++) {
      all.writeBytes(texts.get(i));
      ends[i] = all.size();
    }
    return more.build().toBuilder()
        .put("tokenizer.ggml.tokens", new TextArray(all.toByteArray(), ends))
        .put("tokenizer.ggml.merges", TextArray.of(merges.toArray(String[]::new)))
        .put("tokenizer.ggml.scores", scores.stream().mapToDouble(Double::doubleValue).toArray())
        .put("tokenizer.ggml.token_type", types.stream().mapToLong(Long::longValue).toArray());
  }

  Tokenizer tokenizer() {
    return new Tokenizers().fromMetadata(metadata().build());
  }
}
