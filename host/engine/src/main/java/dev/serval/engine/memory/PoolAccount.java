package dev.serval.engine.memory;

import dev.serval.api.memory.BufferPool;
import dev.serval.api.memory.PoolMetrics;
import dev.serval.api.memory.PooledBuffer;
import java.util.List;

/**
 * A pool as one holder sees it, such as a backend that computes a model: what it leased is known,
 * and taken back when it ends. Thread-safe.
 */
public final class PoolAccount implements BufferPool, AutoCloseable {

  private final TieredBufferPool pool;
  private final String name;

  /** Whether it gives no further leases; guarded by the pool. */
  private boolean closed;

  PoolAccount(TieredBufferPool pool, String name) {
    this.pool = pool;
    this.name = name;
  }

  /** Whose account it is. */
  public String name() {
    return name;
  }

  boolean isClosed() {
    return closed;
  }

  void markClosed() {
    closed = true;
  }

  @Override
  public PooledBuffer lease(long bytes, String holder) {
    return pool.lease(bytes, holder, this);
  }

  /** Counters of the whole pool. */
  @Override
  public PoolMetrics metrics() {
    return pool.metrics();
  }

  /** The leases of this account that are open now, largest first. */
  public List<OpenLease> leases() {
    return pool.leases().stream().filter(l -> l.account().equals(name)).toList();
  }

  /**
   * Refuses further leases, reports those that are still open, and frees their memory: whoever
   * still reaches for it gets an {@link IllegalStateException}. Does nothing the second time.
   */
  @Override
  public void close() {
    pool.reclaim(this);
  }
}
