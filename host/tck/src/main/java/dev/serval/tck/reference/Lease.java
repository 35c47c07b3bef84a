package dev.serval.tck.reference;

import dev.serval.api.backend.CompileSpec;
import dev.serval.api.memory.BufferPool;
import dev.serval.api.memory.PooledBuffer;
import java.lang.foreign.MemorySegment;

/** Memory that is reserved in the budget first and leased from the pool then. */
final class Lease implements AutoCloseable {

  private final PooledBuffer buffer;
  private final CompileSpec.Resources resources;

  private Lease(PooledBuffer buffer, CompileSpec.Resources resources) {
    this.buffer = buffer;
    this.resources = resources;
  }

  /** Leases {@code bytes}, at least 1. */
  static Lease of(long bytes, String what, CompileSpec.Resources resources) {
    String holder = what + " " + resources.holder();
    long leased = BufferPool.leasedBytes(bytes);
    resources.budget().reserve(leased, holder);
    try {
      return new Lease(resources.pool().lease(bytes, holder), resources);
    } catch (RuntimeException | Error e) {
      resources.budget().release(leased);
      throw e;
    }
  }

  MemorySegment segment() {
    return buffer.segment();
  }

  long leasedBytes() {
    return buffer.leasedBytes();
  }

  @Override
  public void close() {
    long leased = buffer.leasedBytes();
    buffer.close();
    resources.budget().release(leased);
  }
}
