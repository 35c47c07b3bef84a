package dev.serval.engine.gguf;

import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.TensorInfo;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Writes GGUF version 3, little-endian, with pairs and tensors in the order given. It checks
 * nothing, so that tests can also write what a reader must refuse.
 */
public final class GgufWriter {

  private final Bytes pairs = new Bytes();
  private final Bytes infos = new Bytes();
  private final Bytes data = new Bytes();
  private final List<String> tensorNames = new ArrayList<>();
  private int pairCount;
  private int alignment = 32;

  /** Little-endian fields one after the other. */
  static final class Bytes {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    Bytes int8(int v) {
      out.write(v);
      return this;
    }

    Bytes int16(int v) {
      return raw(field(2).putShort((short) v));
    }

    Bytes int32(long v) {
      return raw(field(4).putInt((int) v));
    }

    Bytes int64(long v) {
      return raw(field(8).putLong(v));
    }

    Bytes string(String s) {
      return string(s.getBytes(StandardCharsets.UTF_8));
    }

    Bytes string(byte[] s) {
      return int64(s.length).raw(s);
    }

    Bytes raw(byte[] bytes) {
      out.writeBytes(bytes);
      return this;
    }

    Bytes pad(int alignment) {
      while (out.size() % alignment != 0) {
        out.write(0);
      }
      return this;
    }

    int size() {
      return out.size();
    }

    byte[] toArray() {
      return out.toByteArray();
    }

    private static ByteBuffer field(int n) {
      return ByteBuffer.wrap(new byte[n]).order(ByteOrder.LITTLE_ENDIAN);
    }

    private Bytes raw(ByteBuffer written) {
      byte[] bytes = new byte[written.position()];
      written.get(0, bytes);
      return raw(bytes);
    }
  }

  /** Adds a pair from its value type's id and the bytes of its value. */
  GgufWriter pair(String key, int type, Bytes value) {
    pairs.string(key).int32(type).raw(value.toArray());
    pairCount++;
    return this;
  }

  /** Adds {@code general.alignment} and obeys it. */
  public GgufWriter alignment(int bytes) {
    alignment = bytes;
    return uint32("general.alignment", bytes);
  }

  /** Adds a UINT16. */
  public GgufWriter uint16(String key, int value) {
    return pair(key, 2, new Bytes().int16(value));
  }

  /** Adds a UINT32. */
  public GgufWriter uint32(String key, long value) {
    return pair(key, 4, new Bytes().int32(value));
  }

  /** Adds an INT32. */
  public GgufWriter int32(String key, int value) {
    return pair(key, 5, new Bytes().int32(value));
  }

  /** Adds a UINT64. */
  public GgufWriter uint64(String key, long value) {
    return pair(key, 10, new Bytes().int64(value));
  }

  /** Adds a FLOAT32. */
  public GgufWriter float32(String key, float value) {
    return pair(key, 6, new Bytes().int32(Float.floatToRawIntBits(value)));
  }

  /** Adds a FLOAT64. */
  public GgufWriter float64(String key, double value) {
    return pair(key, 12, new Bytes().int64(Double.doubleToRawLongBits(value)));
  }

  /** Adds a BOOL. */
  public GgufWriter bool(String key, boolean value) {
    return pair(key, 7, new Bytes().int8(value ? 1 : 0));
  }

  /** Adds a STRING. */
  public GgufWriter text(String key, String value) {
    return pair(key, 8, new Bytes().string(value));
  }

  /** Adds an ARRAY of STRING. */
  public GgufWriter texts(String key, String... values) {
    Bytes b = array(8, values.length);
    for (String v : values) {
      b.string(v);
    }
    return pair(key, 9, b);
  }

  /** Adds an ARRAY of INT32. */
  public GgufWriter int32s(String key, int... values) {
    Bytes b = array(5, values.length);
    for (int v : values) {
      b.int32(v);
    }
    return pair(key, 9, b);
  }

  /** Adds an ARRAY of FLOAT32. */
  public GgufWriter float32s(String key, float... values) {
    Bytes b = array(6, values.length);
    for (float v : values) {
      b.int32(Float.floatToRawIntBits(v));
    }
    return pair(key, 9, b);
  }

  /** The beginning of an array's value. */
  static Bytes array(int elementType, long count) {
    return new Bytes().int32(elementType).int64(count);
  }

  /** Adds a tensor behind the others. */
  public GgufWriter tensor(TensorInfo info, byte[] bytes) {
    long[] ne = new long[info.shape().rank()];
    for (int i = 0; i < ne.length; i++) {
      ne[i] = info.shape().ne(i);
    }
    info(info.name(), info.type().id(), data.pad(alignment).size(), ne);
    data.raw(bytes);
    return this;
  }

  /** Adds a tensor of one-byte elements with any offset, without data. */
  GgufWriter bytesAt(String name, long offset, long... ne) {
    return info(name, DataType.I8.id(), offset, ne);
  }

  /** Adds a tensor entry without data. */
  public GgufWriter info(String name, int type, long offset, long... ne) {
    infos.string(name).int32(ne.length);
    for (long n : ne) {
      infos.int64(n);
    }
    infos.int32(type).int64(offset);
    tensorNames.add(name);
    return this;
  }

  /** Adds these bytes to the data section. */
  public GgufWriter raw(byte[] bytes) {
    data.raw(bytes);
    return this;
  }

  /** Adds bytes to the data section. */
  GgufWriter data(int n) {
    data.raw(new byte[n]);
    return this;
  }

  /** The header without padding and data. */
  byte[] header() {
    return new Bytes()
        .raw("GGUF".getBytes(StandardCharsets.US_ASCII))
        .int32(3)
        .int64(tensorNames.size())
        .int64(pairCount)
        .raw(pairs.toArray())
        .raw(infos.toArray())
        .toArray();
  }

  /** The whole file. */
  public byte[] toArray() {
    return new Bytes().raw(header()).pad(alignment).raw(data.toArray()).pad(alignment).toArray();
  }

  /** Writes the whole file. */
  public Path write(Path path) throws IOException {
    return Files.write(path, toArray());
  }
}
