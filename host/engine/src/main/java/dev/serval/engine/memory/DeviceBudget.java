package dev.serval.engine.memory;

import dev.serval.api.error.OutOfBudgetException;
import dev.serval.api.memory.MemoryBudget;
import java.util.Collection;
import java.util.List;

/**
 * The budget of one physical device. Whoever is about to allocate promises bytes to itself first, a
 * whole plan at once with {@link #hold}; what is really allocated inside the promises is measured
 * beside them. Thread-safe.
 */
public final class DeviceBudget implements MemoryBudget {

  private final long totalBytes;
  private final long limitBytes;
  private final long reserveBytes;
  private long reservedBytes;
  private long usedBytes;
  private long peakBytes;

  /**
   * Creates a budget with nothing reserved and nothing set aside.
   *
   * @param limitBytes bytes that may be reserved; {@link Long#MAX_VALUE} for no limit
   */
  public DeviceBudget(long limitBytes) {
    this(limitBytes, 0);
  }

  /**
   * Creates a budget with nothing reserved.
   *
   * @param totalBytes memory of the device; {@link Long#MAX_VALUE} for no limit
   * @param reserveBytes bytes of it that stay untouched
   */
  public DeviceBudget(long totalBytes, long reserveBytes) {
    if (totalBytes < 0 || reserveBytes < 0) {
      throw new IllegalArgumentException(
          "sizes must not be negative: totalBytes="
              + totalBytes
              + ", reserveBytes="
              + reserveBytes);
    }
    this.totalBytes = totalBytes;
    this.limitBytes =
        totalBytes == Long.MAX_VALUE ? totalBytes : Math.max(0, totalBytes - reserveBytes);
    this.reserveBytes = reserveBytes;
  }

  @Override
  public long limitBytes() {
    return limitBytes;
  }

  /** Memory of the device; {@link Long#MAX_VALUE} if nobody knows. */
  public long totalBytes() {
    return totalBytes;
  }

  /** Bytes of the total that stay untouched. */
  public long reserveBytes() {
    return reserveBytes;
  }

  @Override
  public synchronized long reservedBytes() {
    return reservedBytes;
  }

  /** Bytes that can be reserved now. */
  public synchronized long availableBytes() {
    return limitBytes - reservedBytes;
  }

  /** Bytes allocated now. */
  public synchronized long usedBytes() {
    return usedBytes;
  }

  /** The most bytes that were allocated at one time. */
  public synchronized long peakBytes() {
    return peakBytes;
  }

  /** Measures {@link #peakBytes} anew from what is allocated now. */
  public synchronized void resetPeak() {
    peakBytes = usedBytes;
  }

  @Override
  public synchronized void reserve(long bytes, String holder) {
    promise(bytes, holder);
    used(bytes);
  }

  @Override
  public synchronized void release(long bytes) {
    if (bytes < 0) {
      throw new IllegalArgumentException("bytes must not be negative: " + bytes);
    }
    if (bytes > reservedBytes) {
      throw new IllegalStateException(
          "released " + bytes + " bytes of " + reservedBytes + " reserved");
    }
    used(-bytes);
    reservedBytes -= bytes;
  }

  /**
   * Reserves what a plan says, before anything of it is allocated.
   *
   * @param bytes the plan's total
   * @param holder who is to take it
   * @return a budget for the holder, which closes it after the last of its memory is free
   * @throws OutOfBudgetException if they are not available; nothing is reserved then
   */
  public Hold hold(long bytes, String holder) {
    promise(bytes, holder);
    return new Hold(bytes);
  }

  private synchronized void promise(long bytes, String holder) {
    if (bytes < 0) {
      throw new IllegalArgumentException("bytes must not be negative: " + bytes);
    }
    if (bytes > limitBytes - reservedBytes) {
      throw new OutOfBudgetException(holder, bytes, limitBytes - reservedBytes);
    }
    reservedBytes += bytes;
  }

  private synchronized void used(long change) {
    usedBytes += change;
    peakBytes = Math.max(peakBytes, usedBytes);
  }

  /**
   * Bytes promised to one holder. What it reserves comes out of the promise, what exceeds that out
   * of the device's budget. Thread-safe.
   */
  public final class Hold implements MemoryBudget, AutoCloseable {
    private long plannedBytes;
    private long promisedBytes;
    private long ownBytes;
    private boolean closed;
    private List<MemoryGauge> gauges = List.of();

    private Hold(long plannedBytes) {
      this.plannedBytes = plannedBytes;
      this.promisedBytes = plannedBytes;
    }

    @Override
    public long limitBytes() {
      return limitBytes;
    }

    /**
     * Has gauges show what is allocated from now on; before anything is.
     *
     * @param more of everybody whose memory it is
     */
    public void measure(Collection<MemoryGauge> more) {
      synchronized (DeviceBudget.this) {
        gauges = List.copyOf(more);
      }
    }

    @Override
    public long reservedBytes() {
      synchronized (DeviceBudget.this) {
        return ownBytes;
      }
    }

    @Override
    public void reserve(long bytes, String holder) {
      synchronized (DeviceBudget.this) {
        if (bytes < 0 || closed) {
          throw new IllegalArgumentException(
              holder + ": bytes=" + bytes + (closed ? " after the budget was closed" : ""));
        }
        long more = Math.max(0, bytes - (promisedBytes - ownBytes));
        promise(more, holder);
        promisedBytes += more;
        own(bytes);
      }
    }

    @Override
    public void release(long bytes) {
      synchronized (DeviceBudget.this) {
        if (bytes < 0) {
          throw new IllegalArgumentException("bytes must not be negative: " + bytes);
        }
        if (bytes > ownBytes) {
          throw new IllegalStateException(
              "released " + bytes + " bytes of " + ownBytes + " reserved");
        }
        own(-bytes);
        keep(Math.max(plannedBytes, ownBytes));
      }
    }

    /**
     * Promises less from now on, as when a load needed more on the way than in the end.
     *
     * @param bytes what is still to be held, with what is reserved of it
     */
    public void lower(long bytes) {
      synchronized (DeviceBudget.this) {
        if (!closed && bytes < plannedBytes) {
          plannedBytes = bytes;
          keep(Math.max(bytes, ownBytes));
        }
      }
    }

    /**
     * Gives everything back, also what the holder did not release: its memory is free by now, or
     * was taken back.
     */
    @Override
    public void close() {
      synchronized (DeviceBudget.this) {
        closed = true;
        own(-ownBytes);
        keep(0);
      }
    }

    private void own(long change) {
      ownBytes += change;
      used(change);
      gauges.forEach(g -> g.add(change));
    }

    private void keep(long bytes) {
      reservedBytes -= promisedBytes - bytes;
      promisedBytes = bytes;
    }
  }
}
