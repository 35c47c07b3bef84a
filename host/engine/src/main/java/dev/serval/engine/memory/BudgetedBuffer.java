package dev.serval.engine.memory;

import dev.serval.api.error.OutOfBudgetException;
import dev.serval.api.memory.BufferPool;
import dev.serval.api.memory.MemoryBudget;
import dev.serval.api.memory.PooledBuffer;
import java.lang.foreign.MemorySegment;

/** A lease from a pool inside a budget; both get it back together. Closed once, by its owner. */
public final class BudgetedBuffer implements AutoCloseable {

  private final PooledBuffer buffer;
  private final MemoryBudget budget;

  private BudgetedBuffer(PooledBuffer buffer, MemoryBudget budget) {
    this.buffer = buffer;
    this.budget = budget;
  }

  /**
   * Reserves and leases zeroed memory.
   *
   * @param bytes usable size, at least 1
   * @param holder who holds it, for reports
   * @throws OutOfBudgetException if the budget or the machine has not as much
   */
  public static BudgetedBuffer lease(
      BufferPool pool, MemoryBudget budget, long bytes, String holder) {
    long leased = BufferPool.leasedBytes(bytes);
    budget.reserve(leased, holder);
    boolean done = false;
    try {
      BudgetedBuffer result = new BudgetedBuffer(pool.lease(bytes, holder), budget);
      done = true;
      return result;
    } finally {
      if (!done) {
        budget.release(leased);
      }
    }
  }

  /** The memory. */
  public MemorySegment segment() {
    return buffer.segment();
  }

  /** Bytes it takes, tier rounding included. */
  public long leasedBytes() {
    return buffer.leasedBytes();
  }

  @Override
  public void close() {
    long bytes = buffer.leasedBytes();
    buffer.close();
    budget.release(bytes);
  }
}
