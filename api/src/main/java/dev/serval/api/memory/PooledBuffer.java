package dev.serval.api.memory;

import java.lang.foreign.MemorySegment;
import org.osgi.annotation.versioning.ProviderType;

/**
 * Memory leased from a {@link BufferPool}. Owned by exactly one holder, who closes it; closing
 * twice is an {@link IllegalStateException}. The segment may be used from any thread until then.
 */
@ProviderType
public interface PooledBuffer extends AutoCloseable {

  /** The memory, exactly as long as requested, aligned to {@link BufferPool#ALIGNMENT_BYTES}. */
  MemorySegment segment();

  /** Bytes the lease takes from the pool, tier rounding included. */
  long leasedBytes();

  /** Who holds it. */
  String holder();

  /** Returns the memory to the pool. */
  @Override
  void close();
}
