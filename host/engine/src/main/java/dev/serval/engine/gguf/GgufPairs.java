package dev.serval.engine.gguf;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Key/value pairs to be written, in order, each as the bytes that stand in a file. Pairs copied
 * from a file keep their exact types, which typed metadata does not tell. Confined to one thread.
 */
public final class GgufPairs {

  private final Map<String, byte[]> pairs = new LinkedHashMap<>();

  /** No pairs. */
  public GgufPairs() {}

  /**
   * The pairs of a model but for those that tell how it is split; of several files, those of the
   * first.
   *
   * @param file open
   */
  public static GgufPairs of(GgufFile file) throws IOException {
    GgufPairs all = new GgufPairs();
    GgufPart first = file.first();
    for (String key : first.pairs().keySet()) {
      if (!SplitModel.KEYS.contains(key)) {
        all.pairs.put(key, first.pair(key));
      }
    }
    return all;
  }

  /** Sets an UINT32, in place of what the key had. */
  public GgufPairs uint32(String key, int value) {
    byte[] bytes = new byte[Integer.BYTES];
    fields(bytes).putInt(value);
    return set(key, ValueType.UINT32, bytes);
  }

  /** Sets a STRING, in place of what the key had. */
  public GgufPairs text(String key, String value) {
    byte[] text = value.getBytes(StandardCharsets.UTF_8);
    byte[] bytes = new byte[Long.BYTES + text.length];
    fields(bytes).putLong(text.length).put(text);
    return set(key, ValueType.STRING, bytes);
  }

  private GgufPairs set(String key, ValueType type, byte[] value) {
    byte[] name = key.getBytes(StandardCharsets.UTF_8);
    byte[] pair = new byte[Long.BYTES + name.length + Integer.BYTES + value.length];
    fields(pair).putLong(name.length).put(name).putInt(type.id).put(value);
    pairs.put(key, pair);
    return this;
  }

  private static ByteBuffer fields(byte[] bytes) {
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Key, type and value of each pair. */
  List<byte[]> bytes() {
    return List.copyOf(pairs.values());
  }
}
