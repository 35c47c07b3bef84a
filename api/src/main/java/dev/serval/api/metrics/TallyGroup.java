package dev.serval.api.metrics;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.locks.LockSupport;

/**
 * Counters that one thread at a time writes and that belong together, such as steps and the tokens
 * computed in them. What is added between {@link #begin} and {@link #end} shows in a snapshot as a
 * whole or not at all.
 *
 * <p>A sequence lock: the writer makes the version odd, adds, and makes it even again; a reader
 * reads until it sees the same even version before and after. The writer never waits; keep what
 * lies between short, because readers do.
 */
public final class TallyGroup {

  private static final VarHandle VERSION;

  /** Attempts of a reader before it lets the writer's thread run. */
  private static final int SPINS = 1000;

  private static final long PAUSE_NANOS = 1000;

  static {
    try {
      VERSION = MethodHandles.lookup().findVarHandle(TallyGroup.class, "version", long.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  @SuppressWarnings("FieldMayBeFinal") // written through the handle
  private long version;

  private volatile Map<String, Tally> tallies = Map.of();

  TallyGroup() {}

  /** The counter of that name in this group; made at first use. */
  public synchronized Tally tally(String name) {
    Tally known = tallies.get(name);
    if (known != null) {
      return known;
    }
    Tally made = new Tally();
    Map<String, Tally> more = new HashMap<>(tallies);
    more.put(name, made);
    tallies = Map.copyOf(more);
    return made;
  }

  /** Begins a change. On the writing thread; not nested. */
  public void begin() {
    VERSION.setOpaque(this, version + 1);
    VarHandle.storeStoreFence();
  }

  /** Ends a change. On the writing thread. */
  public void end() {
    VERSION.setRelease(this, version + 1);
  }

  /** Values of one moment, by name. */
  Map<String, Long> read() {
    Map<String, Tally> all = tallies;
    for (int attempt = 1; ; attempt++) {
      long before = (long) VERSION.getAcquire(this);
      if ((before & 1) == 0) {
        Map<String, Long> values = new TreeMap<>();
        all.forEach((name, tally) -> values.put(name, tally.value()));
        VarHandle.loadLoadFence();
        if (before == (long) VERSION.getOpaque(this)) {
          return values;
        }
      }
      if (attempt % SPINS == 0) {
        LockSupport.parkNanos(PAUSE_NANOS);
      } else {
        Thread.onSpinWait();
      }
    }
  }
}
