package dev.serval.bench;

import dev.serval.api.tensor.TensorInfo;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * The header of a benchmark model in GGUF version 3, up to the first tensor's data. Its vocabulary
 * has the control and byte tokens of Gemma's and numbered words for the rest.
 */
final class BenchHeader {

  private static final int ALIGNMENT = 32;
  private static final int UINT32 = 4;
  private static final int INT32 = 5;
  private static final int FLOAT32 = 6;
  private static final int BOOL = 7;
  private static final int STRING = 8;
  private static final int ARRAY = 9;
  private static final List<String> CONTROL = List.of("<pad>", "<eos>", "<bos>", "<unk>");

  private final ByteArrayOutputStream pairs = new ByteArrayOutputStream();
  private final ByteArrayOutputStream infos = new ByteArrayOutputStream();
  private final int tensorCount;
  private int pairCount;

  BenchHeader(String name, GemmaShape s, List<TensorInfo> tensors) {
    text("general.architecture", "gemma3");
    text("general.name", name);
    number("gemma3.context_length", s.contextLength());
    number("gemma3.embedding_length", s.embeddingDim());
    number("gemma3.block_count", s.nLayers());
    number("gemma3.feed_forward_length", s.ffnDim());
    number("gemma3.attention.head_count", s.nHeads());
    number("gemma3.attention.head_count_kv", s.nKvHeads());
    number("gemma3.attention.key_length", s.headDim());
    number("gemma3.attention.value_length", s.headDim());
    real("gemma3.attention.layer_norm_rms_epsilon", 1e-6f);
    number("gemma3.attention.sliding_window", s.slidingWindow());
    real("gemma3.rope.freq_base", 1e6f);
    vocabulary(s.vocabSize());
    long offset = 0;
    for (TensorInfo t : tensors) {
      string(infos, t.name());
      put(infos, 4, t.shape().rank());
      for (int i = 0; i < t.shape().rank(); i++) {
        put(infos, 8, t.shape().ne(i));
      }
      put(infos, 4, t.type().id());
      put(infos, 8, offset);
      offset += t.bytes() + padding(t.bytes());
    }
    tensorCount = tensors.size();
  }

  private void vocabulary(int size) {
    text("tokenizer.ggml.model", "llama");
    array("tokenizer.ggml.tokens", STRING, size);
    for (int id = 0; id < size; id++) {
      string(pairs, token(id));
    }
    array("tokenizer.ggml.scores", FLOAT32, size);
    for (int id = 0; id < size; id++) {
      put(pairs, 4, Float.floatToRawIntBits(-id));
    }
    array("tokenizer.ggml.token_type", INT32, size);
    for (int id = 0; id < size; id++) {
      int control = id == 3 ? 2 : 3;
      put(pairs, 4, id < CONTROL.size() ? control : id < CONTROL.size() + 256 ? 6 : 1);
    }
    number("tokenizer.ggml.padding_token_id", 0);
    number("tokenizer.ggml.eos_token_id", 1);
    number("tokenizer.ggml.bos_token_id", 2);
    number("tokenizer.ggml.unknown_token_id", 3);
    pair("tokenizer.ggml.add_space_prefix", BOOL);
    pairs.write(0);
  }

  private static String token(int id) {
    if (id < CONTROL.size()) {
      return CONTROL.get(id);
    }
    int at = id - CONTROL.size();
    return at < 256 ? String.format("<0x%02X>", at) : "▁word" + at;
  }

  private void pair(String key, int type) {
    string(pairs, key);
    put(pairs, 4, type);
    pairCount++;
  }

  private void text(String key, String value) {
    pair(key, STRING);
    string(pairs, value);
  }

  private void number(String key, int value) {
    pair(key, UINT32);
    put(pairs, 4, value);
  }

  private void real(String key, float value) {
    pair(key, FLOAT32);
    put(pairs, 4, Float.floatToRawIntBits(value));
  }

  private void array(String key, int type, int size) {
    pair(key, ARRAY);
    put(pairs, 4, type);
    put(pairs, 8, size);
  }

  private static void string(ByteArrayOutputStream out, String s) {
    byte[] bytes = s.getBytes(StandardCharsets.UTF_8);
    put(out, 8, bytes.length);
    out.writeBytes(bytes);
  }

  /** Writes the low bytes of a number, little-endian. */
  private static void put(ByteArrayOutputStream out, int bytes, long value) {
    byte[] all = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(value).array();
    out.write(all, 0, bytes);
  }

  /** Bytes between the end of some bytes and the next multiple of the alignment. */
  static int padding(long bytes) {
    return (int) (-bytes & (ALIGNMENT - 1));
  }

  /** The header with its padding. */
  byte[] bytes() {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes("GGUF".getBytes(StandardCharsets.US_ASCII));
    put(out, 4, 3);
    put(out, 8, tensorCount);
    put(out, 8, pairCount);
    out.writeBytes(pairs.toByteArray());
    out.writeBytes(infos.toByteArray());
    out.writeBytes(new byte[padding(out.size())]);
    return out.toByteArray();
  }
}
