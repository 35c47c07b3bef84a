package dev.serval.engine.memory;

import dev.serval.api.error.OutOfBudgetException;
import dev.serval.api.memory.MemoryBudget;
import java.util.concurrent.atomic.AtomicLong;

/** The budget of one physical device. Thread-safe, without locks. */
public final class DeviceBudget implements MemoryBudget {

  private final long limitBytes;
  private final AtomicLong reserved = new AtomicLong();

  /**
   * Creates a budget with nothing reserved.
   *
   * @param limitBytes bytes that may be reserved; {@link Long#MAX_VALUE} for no limit
   */
  public DeviceBudget(long limitBytes) {
    if (limitBytes < 0) {
      throw new IllegalArgumentException("limitBytes must not be negative: " + limitBytes);
    }
    this.limitBytes = limitBytes;
  }

  @Override
  public long limitBytes() {
    return limitBytes;
  }

  @Override
  public long reservedBytes() {
    return reserved.get();
  }

  @Override
  public void reserve(long bytes, String holder) {
    if (bytes < 0) {
      throw new IllegalArgumentException("bytes must not be negative: " + bytes);
    }
    long before = reserved.get();
    while (true) {
      if (bytes > limitBytes - before) {
        throw new OutOfBudgetException(holder, bytes, limitBytes - before);
      }
      long seen = reserved.compareAndExchange(before, before + bytes);
      if (seen == before) {
        return;
      }
      before = seen;
    }
  }

  /**
   * Checks, without reserving, that bytes are available now.
   *
   * @throws OutOfBudgetException if they are not
   */
  public void check(long bytes, String holder) {
    long available = limitBytes - reserved.get();
    if (bytes > available) {
      throw new OutOfBudgetException(holder, bytes, available);
    }
  }

  @Override
  public void release(long bytes) {
    if (bytes < 0) {
      throw new IllegalArgumentException("bytes must not be negative: " + bytes);
    }
    long before = reserved.get();
    while (true) {
      if (bytes > before) {
        throw new IllegalStateException("released " + bytes + " bytes of " + before + " reserved");
      }
      long seen = reserved.compareAndExchange(before, before - bytes);
      if (seen == before) {
        return;
      }
      before = seen;
    }
  }
}
