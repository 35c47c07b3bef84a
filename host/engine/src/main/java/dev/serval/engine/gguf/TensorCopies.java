package dev.serval.engine.gguf;

import dev.serval.api.memory.BufferPool;
import dev.serval.api.memory.MemoryBudget;
import dev.serval.api.tensor.TensorInfo;
import dev.serval.engine.memory.BudgetedBuffer;
import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.Map;

/** Tensors read into one leased buffer that begins at a page. Closed once, by its owner. */
final class TensorCopies implements AutoCloseable {

  private final BudgetedBuffer buffer;
  private final Map<TensorInfo, MemorySegment> segments = new LinkedHashMap<>();

  private TensorCopies(CopyLayout layout, BudgetedBuffer buffer) {
    this.buffer = buffer;
    MemorySegment memory = buffer.segment();
    long beforePage = -memory.address() & (CopyLayout.PAGE_BYTES - 1);
    MemorySegment pages = memory.asSlice(beforePage);
    PageReader.read(layout.runs(), pages);
    layout.offsets().forEach((t, at) -> segments.put(t, pages.asSlice(at, t.bytes())));
    for (Map.Entry<TensorInfo, MemorySegment> e : segments.entrySet()) {
      if (layout.sequential().contains(e.getKey())) {
        SequentialNibbles.repair(e.getValue());
      }
    }
  }

  /** Leases a buffer and reads the tensors of a layout that has some. */
  static TensorCopies read(CopyLayout layout, BufferPool pool, MemoryBudget budget, String holder) {
    BudgetedBuffer buffer = BudgetedBuffer.lease(pool, budget, layout.bufferBytes(), holder);
    boolean read = false;
    try {
      TensorCopies copies = new TensorCopies(layout, buffer);
      read = true;
      return copies;
    } finally {
      if (!read) {
        buffer.close();
      }
    }
  }

  /** Writable memory of each tensor. */
  Map<TensorInfo, MemorySegment> segments() {
    return segments;
  }

  /** Bytes the buffer takes, tier rounding included. */
  long leasedBytes() {
    return buffer.leasedBytes();
  }

  @Override
  public void close() {
    buffer.close();
  }
}
