package dev.serval.engine.gguf;

import dev.serval.api.tensor.Shape;
import dev.serval.api.tensor.TensorInfo;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Writes a GGUF file, version 3, little-endian, front to back: the header, then the bytes of each
 * tensor in turn. Sizes are known before the first byte is written; data is never held. Confined to
 * one thread.
 */
public final class GgufFileWriter {

  private static final int VERSION = 3;

  private final WritableByteChannel out;
  private final List<TensorInfo> tensors;
  private final int alignment;
  private final byte[] header;
  private final long fileBytes;

  /** Tensors that are complete. */
  private int complete;

  /** Bytes of the next tensor that were written. */
  private long written;

  /**
   * Prepares a file; nothing is written yet.
   *
   * @param out takes the file, from its first byte on
   * @param pairs the metadata, whose {@code general.alignment} is {@code alignment}, or absent for
   *     32
   * @param tensors the tensors, in the order of their data
   * @param alignment bytes between the starts of tensors, a power of two
   */
  public GgufFileWriter(
      WritableByteChannel out, GgufPairs pairs, List<TensorInfo> tensors, int alignment) {
    this.out = out;
    this.tensors = List.copyOf(tensors);
    this.alignment = alignment;
    List<byte[]> entries = new ArrayList<>();
    long data = 0;
    for (TensorInfo t : tensors) {
      entries.add(entry(t, data));
      data = Math.addExact(data, aligned(t.bytes()));
    }
    this.header = header(pairs.bytes(), entries);
    this.fileBytes = Math.addExact((long) header.length, data);
  }

  private byte[] header(List<byte[]> pairs, List<byte[]> entries) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    byte[] fixed = new byte[24];
    fields(fixed)
        .putInt(GgufPart.MAGIC)
        .putInt(VERSION)
        .putLong(entries.size())
        .putLong(pairs.size());
    bytes.writeBytes(fixed);
    pairs.forEach(bytes::writeBytes);
    entries.forEach(bytes::writeBytes);
    bytes.writeBytes(new byte[(int) (aligned(bytes.size()) - bytes.size())]);
    return bytes.toByteArray();
  }

  private static byte[] entry(TensorInfo t, long offset) {
    byte[] name = t.name().getBytes(StandardCharsets.UTF_8);
    Shape shape = t.shape();
    byte[] entry = new byte[8 + name.length + 4 + 8 * shape.rank() + 4 + 8];
    ByteBuffer b = fields(entry).putLong(name.length).put(name).putInt(shape.rank());
    for (int i = 0; i < shape.rank(); i++) {
      b.putLong(shape.ne(i));
    }
    b.putInt(t.type().id()).putLong(offset);
    return entry;
  }

  private static ByteBuffer fields(byte[] bytes) {
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  private long aligned(long bytes) {
    return Math.addExact(bytes, alignment - 1L) & -(long) alignment;
  }

  /** Size of the whole file. */
  public long fileBytes() {
    return fileBytes;
  }

  /** Writes everything before the data. */
  public void writeHeader() throws IOException {
    writeFully(ByteBuffer.wrap(header));
  }

  /**
   * Writes the next bytes of the tensor whose turn it is.
   *
   * @param tensor that tensor
   * @param data its next bytes; when the last was written, the next tensor's turn has come
   * @throws IllegalStateException if it is another tensor's turn, or the bytes are too many
   */
  public void write(TensorInfo tensor, ByteBuffer data) throws IOException {
    if (complete == tensors.size() || !tensors.get(complete).equals(tensor)) {
      throw new IllegalStateException("not the turn of " + tensor);
    }
    written += data.remaining();
    if (written > tensor.bytes()) {
      throw new IllegalStateException(tensor + " has " + tensor.bytes() + " bytes, not " + written);
    }
    writeFully(data);
    if (written == tensor.bytes()) {
      writeFully(ByteBuffer.allocate((int) (aligned(written) - written)));
      complete++;
      written = 0;
    }
  }

  /**
   * Checks that everything was written.
   *
   * @throws IllegalStateException if bytes of a tensor are missing
   */
  public void finish() {
    if (complete < tensors.size()) {
      throw new IllegalStateException("bytes of " + tensors.get(complete) + " are missing");
    }
  }

  private void writeFully(ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      out.write(bytes);
    }
  }
}
