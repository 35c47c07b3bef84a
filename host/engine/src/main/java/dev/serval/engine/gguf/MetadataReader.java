package dev.serval.engine.gguf;

import dev.serval.api.model.Metadata;
import dev.serval.api.model.TextArray;
import dev.serval.engine.gguf.GgufPart.Span;
import dev.serval.engine.gguf.HeaderReader.Named;
import dev.serval.engine.gguf.HeaderReader.Numbered;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads the key/value pairs. Integers of any width become {@code long} (an unsigned one of 2^63 or
 * more keeps its bits and is negative), floats {@code double}, a boolean byte is true if it is not
 * 0. Texts are not required to be UTF-8.
 */
final class MetadataReader {

  /** Key of the alignment of tensors. */
  static final String ALIGNMENT = "general.alignment";

  /** Bytes of the shortest pair: key length, key, type, one byte. */
  static final int LEAST_PAIR_BYTES = 14;

  private static final int DEFAULT_ALIGNMENT = 32;

  private final HeaderReader in;
  private final GgufLimits limits;
  private final Metadata.Builder pairs = new Metadata.Builder();
  private final Map<String, Span> spans = new LinkedHashMap<>();
  private int alignment = DEFAULT_ALIGNMENT;

  MetadataReader(HeaderReader in, GgufLimits limits) {
    this.in = in;
    this.limits = limits;
  }

  /** Reads {@code count} pairs. */
  Metadata read(int count) throws IOException {
    for (int i = 0; i < count; i++) {
      in.item(new Numbered("pair", i));
      long at = in.position();
      String key = in.name("key", limits.maxKeyBytes());
      if (spans.containsKey(key)) {
        throw in.malformed("key", at, "every key once", HeaderReader.quoted(key) + " again");
      }
      in.item(new Named("key", key));
      pair(key);
      spans.put(key, new Span(at, in.position()));
    }
    in.item("header");
    if (HashFlood.isFlood(spans.keySet().stream().mapToInt(String::hashCode).toArray())) {
      throw in.malformed("keys", 0, HashFlood.EXPECTED, "more of " + count);
    }
    return pairs.build();
  }

  /** Where each pair lies in the file, in file order; known after {@link #read}. */
  Map<String, Span> spans() {
    return Collections.unmodifiableMap(spans);
  }

  /** Bytes between the starts of tensors, a power of two; known after {@link #read}. */
  int alignment() {
    return alignment;
  }

  private void pair(String key) throws IOException {
    long typeAt = in.position();
    ValueType type = type("value type");
    if (key.equals(ALIGNMENT) && type != ValueType.UINT32) {
      throw in.malformed("value type", typeAt, "UINT32", type);
    }
    long at = in.position();
    switch (type) {
      case FLOAT32, FLOAT64 -> pairs.put(key, real(type));
      case BOOL -> pairs.put(key, in.int8("value") != 0);
      case STRING -> pairs.put(key, text());
      case ARRAY -> array(key);
      default -> {
        long value = integer(type);
        if (key.equals(ALIGNMENT)) {
          alignment = checkedAlignment(value, at);
        }
        pairs.put(key, value);
      }
    }
  }

  private int checkedAlignment(long value, long at) {
    if (Long.bitCount(value) != 1 || value > limits.maxAlignment()) {
      throw in.malformed("value", at, "a power of two up to " + limits.maxAlignment(), value);
    }
    return (int) value;
  }

  private ValueType type(String field) throws IOException {
    long at = in.position();
    int id = in.int32(field);
    @Nullable ValueType type = ValueType.ofId(id);
    if (type == null) {
      throw in.malformed(field, at, "0 to 12", id);
    }
    return type;
  }

  private String text() throws IOException {
    return new String(in.string("value", limits.maxStringBytes()), StandardCharsets.UTF_8);
  }

  private void array(String key) throws IOException {
    long at = in.position();
    ValueType element = type("element type");
    if (element == ValueType.ARRAY) {
      throw in.malformed("element type", at, "a scalar or STRING", element);
    }
    int n = in.count("element count", limits.maxArrayElements(), element.leastBytes);
    switch (element) {
      case FLOAT32, FLOAT64 -> pairs.put(key, reals(element, n));
      case BOOL -> pairs.put(key, booleans(n));
      case STRING -> pairs.put(key, texts(n));
      default -> pairs.put(key, integers(element, n));
    }
  }

  /** An integer, as {@code long}; of 8 bytes if it is none of the shorter ones. */
  private long integer(ValueType type) throws IOException {
    return switch (type) {
      case UINT8 -> Byte.toUnsignedLong(in.int8("value"));
      case INT8 -> in.int8("value");
      case UINT16 -> Short.toUnsignedLong(in.int16("value"));
      case INT16 -> in.int16("value");
      case UINT32 -> Integer.toUnsignedLong(in.int32("value"));
      case INT32 -> in.int32("value");
      default -> in.int64("value");
    };
  }

  private double real(ValueType type) throws IOException {
    return type == ValueType.FLOAT32 ? in.float32("value") : in.float64("value");
  }

  private long[] integers(ValueType type, int n) throws IOException {
    long[] values = new long[n];
    for (int i = 0; i < n; i++) {
      values[i] = integer(type);
    }
    return values;
  }

  private double[] reals(ValueType type, int n) throws IOException {
    double[] values = new double[n];
    for (int i = 0; i < n; i++) {
      values[i] = real(type);
    }
    return values;
  }

  private boolean[] booleans(int n) throws IOException {
    boolean[] values = new boolean[n];
    for (int i = 0; i < n; i++) {
      values[i] = in.int8("value") != 0;
    }
    return values;
  }

  private TextArray texts(int n) throws IOException {
    int[] ends = new int[n];
    byte[] bytes = new byte[(int) Math.min(1024, 16L * n)];
    int used = 0;
    for (int i = 0; i < n; i++) {
      int length = in.stringLength("element", limits.maxStringBytes());
      if (length > bytes.length - used) {
        bytes = Arrays.copyOf(bytes, grown(bytes.length, used + length));
      }
      in.read(bytes, used, length, "element");
      used += length;
      ends[i] = used;
    }
    return new TextArray(Arrays.copyOf(bytes, used), ends);
  }

  /** A header is below 2^30 bytes, and so is what is needed. */
  private static int grown(int capacity, int needed) {
    return Math.clamp(2L * capacity, needed, GgufLimits.MOST_HEADER_BYTES);
  }
}
