package dev.serval.engine.gguf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.serval.api.error.ModelRefusedException;
import dev.serval.api.tensor.TensorView;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Damages a small file in every place: it is refused or opens with tensors that can be read. */
class GgufDamageTest {

  /** Far above what the reader's buffer and a small header take, far below any claimed size. */
  private static final long MOST_ALLOCATED_BYTES = 1 << 20;

  private static final int HEADER_BYTES = 0xf4;

  private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  @TempDir Path dir;

  @BeforeEach
  void loadClasses() throws IOException {
    GgufFile.open(GgufFileTest.example().write(dir.resolve("whole.gguf"))).close();
  }

  @Test
  void everyPrefixIsRefusedOrOpensWithinBounds() throws IOException {
    byte[] whole = GgufFileTest.example().toArray();
    int dataEnd = 0x122;
    for (int n = 0; n <= whole.length; n++) {
      boolean opened = opensWithinBounds(Arrays.copyOf(whole, n));
      assertEquals(n >= dataEnd, opened, "prefix of " + n + " bytes");
    }
  }

  @Test
  void everyDamagedByteOfTheHeaderIsRefusedOrOpensWithinBounds() throws IOException {
    byte[] whole = GgufFileTest.example().toArray();
    int refused = 0;
    for (int at = 0; at < HEADER_BYTES; at++) {
      for (int value : new int[] {0, 0xFF, whole[at] ^ 1, whole[at] ^ 0x80}) {
        byte[] damaged = whole.clone();
        damaged[at] = (byte) value;
        refused += opensWithinBounds(damaged) ? 0 : 1;
      }
    }
    assertTrue(refused > HEADER_BYTES, "refused " + refused);
  }

  private boolean opensWithinBounds(byte[] bytes) throws IOException {
    Path path = dir.resolve("damaged.gguf");
    try (FileChannel file =
        FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      // Cut behind the content: some file systems wait for the disk after a cut to nothing.
      file.write(ByteBuffer.wrap(bytes), 0);
      file.truncate(bytes.length);
    }
    long before = threads.getCurrentThreadAllocatedBytes();
    try (GgufFile f = GgufFile.open(path)) {
      for (TensorView t : f.source().tensors()) {
        long size = f.weights().data(t.source()).byteSize();
        assertEquals(t.bytes(), size);
        f.weights().data(t.source()).toArray(ValueLayout.JAVA_BYTE);
      }
      return true;
    } catch (ModelRefusedException e) {
      String message = String.valueOf(e.getMessage());
      assertTrue(message.startsWith("damaged.gguf: ") || message.startsWith("key "), message);
      return false;
    } finally {
      long allocated = threads.getCurrentThreadAllocatedBytes() - before;
      assertTrue(allocated < MOST_ALLOCATED_BYTES, "allocated " + allocated + " bytes");
    }
  }
}
