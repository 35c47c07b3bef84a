package dev.serval.tck.memory;

import dev.serval.api.memory.BufferPool;
import dev.serval.api.memory.PoolMetrics;
import dev.serval.api.memory.PooledBuffer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * A pool that keeps nothing and notices everything: each lease is fresh memory between two guard
 * zones, which are checked when it is closed, and is unmapped then, so that late use fails. Counts
 * bytes as the contract of {@link BufferPool} says. Thread-safe.
 *
 * <pre>
 * guard [1024 bytes of 0xA5] | lease, zeroed, aligned to 64 | guard [1024 bytes of 0xA5]
 * </pre>
 */
public final class TestPool implements BufferPool, AutoCloseable {

  private static final long GUARD_BYTES = 1024;
  private static final byte SENTINEL = (byte) 0xA5;
  private static final MemorySegment GUARD =
      MemorySegment.ofArray(new byte[(int) GUARD_BYTES]).fill(SENTINEL);

  private final Set<Lease> open = new LinkedHashSet<>();
  private long misses;
  private long oversize;
  private long leasedBytes;
  private long peakLeasedBytes;

  /** Creates a pool. */
  public TestPool() {}

  @Override
  public PooledBuffer lease(long bytes, String holder) {
    long counted = BufferPool.leasedBytes(bytes);
    Lease lease = new Lease(bytes, counted, holder);
    synchronized (this) {
      open.add(lease);
      leasedBytes += counted;
      peakLeasedBytes = Math.max(peakLeasedBytes, leasedBytes);
      if (bytes > TIER_4_BYTES) {
        oversize++;
      } else {
        misses++;
      }
    }
    return lease;
  }

  @Override
  public synchronized PoolMetrics metrics() {
    return new PoolMetrics(0, misses, oversize, leasedBytes, peakLeasedBytes, 0, open.size());
  }

  /** Leases that are open, oldest first, as {@code bytes holder}. */
  public synchronized List<String> openLeases() {
    List<String> lines = new ArrayList<>();
    for (Lease l : open) {
      lines.add(l.memory.byteSize() + " bytes: " + l.holder);
    }
    return lines;
  }

  /** Bytes of the open leases whose holder starts with a word, tier rounding included. */
  public synchronized long leasedBytes(String what) {
    return open.stream()
        .filter(l -> l.holder.startsWith(what + " "))
        .mapToLong(Lease::leasedBytes)
        .sum();
  }

  /** Checks the guard zones of all open leases. */
  public synchronized void checkGuards() {
    open.forEach(Lease::checkGuards);
  }

  /**
   * Checks that every lease was closed.
   *
   * @throws AssertionError naming the holders of those that were not
   */
  @Override
  public void close() {
    List<String> leaks = openLeases();
    if (!leaks.isEmpty()) {
      throw new AssertionError("memory not given back: " + leaks);
    }
  }

  private final class Lease implements PooledBuffer {

    private final Arena arena = Arena.ofShared();
    private final MemorySegment guarded;
    private final MemorySegment memory;
    private final long counted;
    private final String holder;

    Lease(long bytes, long counted, String holder) {
      this.guarded = arena.allocate(bytes + 2 * GUARD_BYTES, ALIGNMENT_BYTES);
      this.memory = guarded.asSlice(GUARD_BYTES, bytes);
      this.counted = counted;
      this.holder = holder;
      guarded.asSlice(0, GUARD_BYTES).fill(SENTINEL);
      guarded.asSlice(GUARD_BYTES + bytes).fill(SENTINEL);
    }

    @Override
    public MemorySegment segment() {
      return memory;
    }

    @Override
    public long leasedBytes() {
      return counted;
    }

    @Override
    public String holder() {
      return holder;
    }

    private void checkGuards() {
      long end = GUARD_BYTES + memory.byteSize();
      check(-GUARD_BYTES, guarded.asSlice(0, GUARD_BYTES));
      check(memory.byteSize(), guarded.asSlice(end));
    }

    private void check(long at, MemorySegment zone) {
      long stray = zone.mismatch(GUARD);
      if (stray >= 0) {
        throw new AssertionError(
            "stray write at byte "
                + (at + stray)
                + " of "
                + memory.byteSize()
                + ", held by "
                + holder);
      }
    }

    @Override
    public void close() {
      synchronized (TestPool.this) {
        if (!open.remove(this)) {
          throw new IllegalStateException("closed twice: " + holder);
        }
        leasedBytes -= counted;
      }
      checkGuards();
      arena.close();
    }
  }
}
