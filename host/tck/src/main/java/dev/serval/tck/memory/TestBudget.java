package dev.serval.tck.memory;

import dev.serval.api.error.OutOfBudgetException;
import dev.serval.api.memory.MemoryBudget;

/** A budget with a limit, which remembers the most that was ever reserved. Thread-safe. */
public final class TestBudget implements MemoryBudget {

  private final long limitBytes;
  private long reserved;
  private long most;

  /** A budget without limit. */
  public TestBudget() {
    this(Long.MAX_VALUE);
  }

  /** A budget of {@code limitBytes}. */
  public TestBudget(long limitBytes) {
    this.limitBytes = limitBytes;
  }

  @Override
  public long limitBytes() {
    return limitBytes;
  }

  @Override
  public synchronized long reservedBytes() {
    return reserved;
  }

  /** The most bytes that were reserved at one time. */
  public synchronized long mostBytes() {
    return most;
  }

  @Override
  public synchronized void reserve(long bytes, String holder) {
    if (bytes < 0) {
      throw new IllegalArgumentException(holder + " reserves " + bytes + " bytes");
    }
    if (bytes > limitBytes - reserved) {
      throw new OutOfBudgetException(holder, bytes, limitBytes - reserved);
    }
    reserved += bytes;
    most = Math.max(most, reserved);
  }

  @Override
  public synchronized void release(long bytes) {
    if (bytes < 0 || bytes > reserved) {
      throw new IllegalStateException("release of " + bytes + " bytes of " + reserved);
    }
    reserved -= bytes;
  }
}
