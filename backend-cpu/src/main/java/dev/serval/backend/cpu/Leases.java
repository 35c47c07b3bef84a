package dev.serval.backend.cpu;

import dev.serval.api.backend.CompileSpec;
import dev.serval.api.memory.BufferPool;
import dev.serval.api.memory.PooledBuffer;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * Buffers that are given back together. Each is reserved in the budget of the device before it is
 * leased from the pool. Confined to one thread at a time.
 */
final class Leases implements AutoCloseable {

  private final CompileSpec.Resources resources;
  private final List<PooledBuffer> buffers = new ArrayList<>();

  /** No buffers yet. */
  Leases(CompileSpec.Resources resources) {
    this.resources = resources;
  }

  /**
   * Leases zeroed memory.
   *
   * @param bytes size; 0 leases nothing
   * @param what what it is for, put before the holder's name
   */
  MemorySegment lease(long bytes, String what) {
    if (bytes == 0) {
      return MemorySegment.NULL;
    }
    PooledBuffer buffer = lease(resources, bytes, what);
    buffers.add(buffer);
    return buffer.segment();
  }

  /** Leases one buffer that is given back by {@link #release}. */
  static PooledBuffer lease(CompileSpec.Resources resources, long bytes, String what) {
    String holder = what + " " + resources.holder();
    long reserved = BufferPool.leasedBytes(bytes);
    resources.budget().reserve(reserved, holder);
    boolean leased = false;
    try {
      PooledBuffer buffer = resources.pool().lease(bytes, holder);
      leased = true;
      return buffer;
    } finally {
      if (!leased) {
        resources.budget().release(reserved);
      }
    }
  }

  /** Gives one buffer back. */
  static void release(CompileSpec.Resources resources, PooledBuffer buffer) {
    long bytes = buffer.leasedBytes();
    buffer.close();
    resources.budget().release(bytes);
  }

  /** Gives all buffers back. */
  @Override
  public void close() {
    for (PooledBuffer b : buffers) {
      release(resources, b);
    }
    buffers.clear();
  }
}
