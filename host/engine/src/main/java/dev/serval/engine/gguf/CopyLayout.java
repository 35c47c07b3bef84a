package dev.serval.engine.gguf;

import dev.serval.api.memory.BufferPool;
import dev.serval.api.tensor.TensorInfo;
import dev.serval.engine.gguf.GgufFile.Location;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Where tensors lie in a buffer that whole pages of their files are read into. Tensors whose pages
 * touch are read together; what lies between others is left out. Pure, so that the buffer can be
 * planned before anything is read.
 */
final class CopyLayout {

  /** Unit of reading, in files and in the buffer: a page of memory, and of common disks. */
  static final int PAGE_BYTES = 4096;

  /**
   * Bytes of one file that are read in one go.
   *
   * @param part the file
   * @param position of the first byte in the file, a multiple of a page
   * @param offset of the first byte in the buffer, a multiple of a page
   * @param bytes how many; a multiple of a page unless the file ends before
   */
  record Run(GgufPart part, long position, long offset, long bytes) {}

  private final List<Run> runs = new ArrayList<>();
  private final Map<TensorInfo, Long> offsets = new LinkedHashMap<>();
  private final Set<TensorInfo> sequential = new HashSet<>();
  private long bytes;

  /** The layout of these tensors, in the order of their files. */
  CopyLayout(Collection<Location> tensors) {
    List<Location> inOrder =
        tensors.stream()
            .sorted(
                Comparator.comparing((Location t) -> t.part().name())
                    .thenComparingLong(Location::position))
            .toList();
    for (Location t : inOrder) {
      add(t);
    }
  }

  private void add(Location t) {
    TensorInfo info = t.stored().info();
    if (t.stored().isSequential()) {
      sequential.add(info);
    }
    if (info.bytes() == 0) {
      offsets.put(info, 0L);
      return;
    }
    long start = t.position() & -PAGE_BYTES;
    long end = Math.min(pages(t.position() + info.bytes()), t.part().fileBytes());
    Run last = runs.isEmpty() ? null : runs.getLast();
    if (last != null && last.part().equals(t.part()) && start <= last.position() + last.bytes()) {
      long longer = Math.max(last.bytes(), end - last.position());
      runs.set(runs.size() - 1, new Run(last.part(), last.position(), last.offset(), longer));
    } else {
      runs.add(new Run(t.part(), start, bytes, end - start));
    }
    Run run = runs.getLast();
    bytes = pages(run.offset() + run.bytes());
    offsets.put(info, run.offset() + (t.position() - run.position()));
  }

  private static long pages(long n) {
    return Math.addExact(n, PAGE_BYTES - 1) & -PAGE_BYTES;
  }

  /** What to read, in the order of the files. */
  List<Run> runs() {
    return runs;
  }

  /** Offset in the buffer of each tensor's first byte. */
  Map<TensorInfo, Long> offsets() {
    return offsets;
  }

  /** The tensors whose blocks must be re-ordered after reading: {@link SequentialNibbles}. */
  Set<TensorInfo> sequential() {
    return sequential;
  }

  /** Size to ask of a pool, so that the buffer can begin at a page; 0 if there is nothing. */
  long bufferBytes() {
    return bytes == 0 ? 0 : Math.addExact(bytes, PAGE_BYTES - (int) BufferPool.ALIGNMENT_BYTES);
  }

  /** Bytes the buffer takes, tier rounding included. */
  long leasedBytes() {
    return bytes == 0 ? 0 : BufferPool.leasedBytes(bufferBytes());
  }
}
