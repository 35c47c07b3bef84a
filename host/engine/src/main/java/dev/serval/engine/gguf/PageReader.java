package dev.serval.engine.gguf;

import dev.serval.api.backend.ThreadCount;
import dev.serval.engine.gguf.CopyLayout.Run;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Reads runs of files into memory, in chunks of whole pages that several threads take in turn:
 * disks answer more than one request at a time, and copying out of the page cache takes a core.
 */
final class PageReader {

  /** Bytes of one request; few requests, and no thread waits long for another at the end. */
  static final int CHUNK_BYTES = 8 << 20;

  /** One request. */
  private record Chunk(GgufPart part, long position, MemorySegment target) {}

  private final List<Chunk> chunks = new ArrayList<>();

  /** The first chunk is the calling thread's, so that its interrupt ends the reading. */
  private final AtomicInteger next = new AtomicInteger(1);

  private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();

  private PageReader(List<Run> runs, MemorySegment buffer) {
    for (Run run : runs) {
      for (long at = 0; at < run.bytes(); at += CHUNK_BYTES) {
        long n = Math.min(CHUNK_BYTES, run.bytes() - at);
        chunks.add(
            new Chunk(run.part(), run.position() + at, buffer.asSlice(run.offset() + at, n)));
      }
    }
  }

  /**
   * Reads everything and returns.
   *
   * @param buffer starts at a page
   */
  static void read(List<Run> runs, MemorySegment buffer) {
    new PageReader(runs, buffer).run();
  }

  /** Threads that read so many chunks, the calling one included. */
  static int threads(int processors, int chunks) {
    return Math.min(ThreadCount.MIXED.of(processors), chunks);
  }

  private void run() {
    int threads = threads(Runtime.getRuntime().availableProcessors(), chunks.size());
    List<Thread> others = new ArrayList<>();
    for (int i = 1; i < threads; i++) {
      others.add(
          Thread.ofPlatform()
              .name("serval-read-" + i)
              .daemon()
              .start(() -> take(next.getAndIncrement())));
    }
    take(0);
    boolean interrupted = false;
    for (Thread t : others) {
      interrupted |= joinUninterruptibly(t);
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    switch (failure.get()) {
      case null -> {}
      case RuntimeException e -> throw e;
      case Error e -> throw e;
      case Throwable e -> throw new IllegalStateException(e);
    }
  }

  /** Reads one chunk after another, from one on, until none is left or a thread failed. */
  private void take(int first) {
    try {
      for (int i = first; i < chunks.size(); i = next.getAndIncrement()) {
        if (failure.get() != null) {
          return;
        }
        read(chunks.get(i));
      }
    } catch (RuntimeException | Error e) {
      failure.compareAndSet(null, e);
    }
  }

  private static void read(Chunk chunk) {
    try {
      chunk.part().read(chunk.position(), chunk.target().asByteBuffer());
    } catch (IOException e) {
      throw GgufPart.unreadable(chunk.part().name(), e);
    }
  }

  /** Waits for a thread that ends soon; whether the waiting thread was interrupted. */
  private static boolean joinUninterruptibly(Thread t) {
    boolean interrupted = false;
    while (true) {
      try {
        t.join();
        return interrupted;
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
  }
}
