package dev.serval.tck.memory;

import dev.serval.api.backend.CompileSpec;
import dev.serval.api.error.OutOfBudgetException;
import dev.serval.api.memory.BufferPool;
import dev.serval.api.memory.PooledBuffer;
import java.lang.foreign.MemorySegment;

/**
 * Memory that is reserved in the budget first and leased from the pool then. Owned by who asked for
 * it; the memory may be used from any thread.
 */
public final class Lease implements AutoCloseable {

  private final PooledBuffer buffer;
  private final CompileSpec.Resources resources;

  private Lease(PooledBuffer buffer, CompileSpec.Resources resources) {
    this.buffer = buffer;
    this.resources = resources;
  }

  /**
   * Leases zeroed memory.
   *
   * @param bytes size, at least 1
   * @param what what it is for, put before the holder's name
   * @throws OutOfBudgetException if the budget does not have it
   */
  public static Lease of(long bytes, String what, CompileSpec.Resources resources) {
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

  /** The memory, as long as asked for. */
  public MemorySegment segment() {
    return buffer.segment();
  }

  /** Bytes it takes, tier rounding included. */
  public long leasedBytes() {
    return buffer.leasedBytes();
  }

  @Override
  public void close() {
    long leased = buffer.leasedBytes();
    buffer.close();
    resources.budget().release(leased);
  }
}
