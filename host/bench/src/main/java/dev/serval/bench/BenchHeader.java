package dev.serval.bench;

import dev.serval.api.tensor.TensorInfo;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * The header of a benchmark model in GGUF version 3, up to the first tensor's data. Its vocabulary
 * has the control and byte tokens of the published one and numbered words for the rest.
 */
final class BenchHeader {

  private static final int ALIGNMENT = 32;
  private static final int UINT32 = 4;
  private static final int INT32 = 5;
  private static final int FLOAT32 = 6;
  private static final int BOOL = 7;
  private static final int STRING = 8;
  private static final int ARRAY = 9;
  private static final int BYTES = 256;
  private static final List<String> CONTROL = List.of("<pad>", "<eos>", "<bos>", "<unk>");

  private final ByteArrayOutputStream pairs = new ByteArrayOutputStream();
  private final ByteArrayOutputStream infos = new ByteArrayOutputStream();
  private final String architecture;
  private final int tensorCount;
  private int pairCount;

  BenchHeader(String name, BenchShape shape, List<TensorInfo> tensors) {
    architecture = shape.architecture();
    pair("general.architecture", STRING);
    string(pairs, architecture);
    pair("general.name", STRING);
    string(pairs, name);
    shape.describe(this);
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

  /** A vocabulary as Gemma has it: SentencePiece with bytes. */
  void spmVocabulary(int size) {
    tokenizer("model", "llama");
    array("tokenizer.ggml.tokens", STRING, size);
    for (int id = 0; id < size; id++) {
      string(pairs, spmToken(id));
    }
    array("tokenizer.ggml.scores", FLOAT32, size);
    for (int id = 0; id < size; id++) {
      put(pairs, 4, Float.floatToRawIntBits(-id));
    }
    array("tokenizer.ggml.token_type", INT32, size);
    for (int id = 0; id < size; id++) {
      int control = id == 3 ? 2 : 3;
      put(pairs, 4, id < CONTROL.size() ? control : id < CONTROL.size() + BYTES ? 6 : 1);
    }
    tokenizer("padding_token_id", 0);
    tokenizer("eos_token_id", 1);
    tokenizer("bos_token_id", 2);
    tokenizer("unknown_token_id", 3);
    pair("tokenizer.ggml.add_space_prefix", BOOL);
    pairs.write(0);
  }

  private static String spmToken(int id) {
    if (id < CONTROL.size()) {
      return CONTROL.get(id);
    }
    int at = id - CONTROL.size();
    return at < BYTES ? String.format("<0x%02X>", at) : "▁word" + at;
  }

  /** A vocabulary as gpt-oss has it: byte-level pairs; the last token ends a text. */
  void bpeVocabulary(int size) {
    tokenizer("model", "gpt2");
    tokenizer("pre", "gpt-4o");
    array("tokenizer.ggml.tokens", STRING, size);
    int other = BYTES;
    for (int id = 0; id < size; id++) {
      if (id < BYTES) {
        // printable bytes of Latin-1 stand for themselves, the others from U+0100 (GPT-2)
        boolean printable = (id >= '!' && id <= '~') || (id >= 0xA1 && id != 0xAD);
        string(pairs, String.valueOf((char) (printable ? id : other++)));
      } else {
        string(pairs, id == BYTES ? "ab" : id == size - 1 ? "<|endoftext|>" : "word" + id);
      }
    }
    array("tokenizer.ggml.token_type", INT32, size);
    for (int id = 0; id < size; id++) {
      put(pairs, 4, id == size - 1 ? 3 : 1);
    }
    array("tokenizer.ggml.merges", STRING, 1);
    string(pairs, "a b");
    tokenizer("bos_token_id", size - 1);
    tokenizer("eos_token_id", size - 1);
  }

  private void tokenizer(String key, String value) {
    pair("tokenizer.ggml." + key, STRING);
    string(pairs, value);
  }

  private void tokenizer(String key, int value) {
    pair("tokenizer.ggml." + key, UINT32);
    put(pairs, 4, value);
  }

  private void pair(String key, int type) {
    string(pairs, key);
    put(pairs, 4, type);
    pairCount++;
  }

  /** A key of the architecture. */
  void text(String key, String value) {
    pair(architecture + "." + key, STRING);
    string(pairs, value);
  }

  /** A key of the architecture. */
  void number(String key, int value) {
    pair(architecture + "." + key, UINT32);
    put(pairs, 4, value);
  }

  /** A key of the architecture. */
  void real(String key, float value) {
    pair(architecture + "." + key, FLOAT32);
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
