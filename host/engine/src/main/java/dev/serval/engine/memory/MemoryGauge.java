package dev.serval.engine.memory;

/** What somebody has allocated inside budgets: now, and the most at one time. Thread-safe. */
public final class MemoryGauge {

  private long bytes;
  private long peakBytes;

  /** Creates a gauge of somebody who has nothing. */
  public MemoryGauge() {}

  /** Bytes allocated now. */
  public synchronized long bytes() {
    return bytes;
  }

  /** The most bytes that were allocated at one time. */
  public synchronized long peakBytes() {
    return peakBytes;
  }

  synchronized void add(long change) {
    bytes += change;
    peakBytes = Math.max(peakBytes, bytes);
  }
}
