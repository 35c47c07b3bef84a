package dev.serval.engine.gguf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.error.ModelRefusedException;
import dev.serval.api.tensor.TensorView;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A file on disk that is damaged, opened and repaired, over and over. Opening must end in a {@link
 * ModelRefusedException} or in tensors that lie inside the file.
 */
final class DamagedFile implements AutoCloseable {

  /** What opening may allocate beyond 16 bytes for each of metadata; far below what files claim. */
  private static final long MOST_ALLOCATED_BYTES = 8 << 20;

  private final Path path;
  private final byte[] whole;
  private final int headerBytes;
  private final FileChannel channel;
  private int opened;
  private int refused;

  DamagedFile(Path dir, byte[] whole, long headerBytes) throws IOException {
    this.path = dir.resolve("damaged.gguf");
    this.whole = whole;
    this.headerBytes = Math.toIntExact(headerBytes);
    this.channel = FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    write(0, whole);
    open(); // loads the classes
  }

  private void write(long at, byte[] bytes) throws IOException {
    channel.write(ByteBuffer.wrap(bytes), at);
  }

  /** Whether the file opens with other bytes at an offset. */
  boolean opensWith(int at, byte[] bytes) throws IOException {
    write(at, bytes);
    boolean opens = open();
    channel.write(ByteBuffer.wrap(whole, at, bytes.length), at);
    return opens;
  }

  /** Whether it opens with all of its content replaced; it stays so. */
  boolean opensWith(byte[] content) throws IOException {
    write(0, content);
    channel.truncate(content.length);
    return open();
  }

  /** Whether the first bytes alone open; the file is whole afterwards. */
  boolean opensWithPrefix(int bytes) throws IOException {
    channel.truncate(bytes);
    boolean opens = open();
    channel.write(ByteBuffer.wrap(whole, bytes, whole.length - bytes), bytes);
    return opens;
  }

  private boolean open() throws IOException {
    long before = Allocation.ofThisThread();
    boolean opens = opensWithinBounds();
    long allocated = Allocation.ofThisThread() - before;
    long most = 16L * headerBytes + MOST_ALLOCATED_BYTES;
    assertTrue(allocated <= most, allocated + " bytes allocated, at most " + most + " expected");
    opened += opens ? 1 : 0;
    refused += opens ? 0 : 1;
    return opens;
  }

  private boolean opensWithinBounds() throws IOException {
    long fileBytes = channel.size();
    try (GgufFile f = GgufFile.open(path)) {
      for (TensorView t : f.source().tensors()) {
        MemorySegment data = f.weights().data(t.source());
        assertEquals(t.bytes(), data.byteSize());
        if (data.byteSize() > 0) {
          data.get(ValueLayout.JAVA_BYTE, 0);
          data.get(ValueLayout.JAVA_BYTE, data.byteSize() - 1);
        }
      }
      try (GgufPart part = GgufPart.open(path, GgufLimits.DEFAULT)) {
        TensorTable table = part.tensors();
        boolean inside = table.start() + table.dataBytes() <= fileBytes;
        assertTrue(inside || table.dataBytes() == 0, "data ends at byte " + table.dataBytes());
      }
      return true;
    } catch (ModelRefusedException e) {
      String message = String.valueOf(e.getMessage());
      assertTrue(message.startsWith("damaged.gguf: ") || message.startsWith("key "), message);
      return false;
    }
  }

  /** Byte of the undamaged file. */
  byte whole(int at) {
    return whole[at];
  }

  /** Bytes before the data. */
  int headerBytes() {
    return headerBytes;
  }

  /** Times that the file opened. */
  int opened() {
    return opened;
  }

  /** Times that the file was refused. */
  int refused() {
    return refused;
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
