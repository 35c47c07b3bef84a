package dev.serval.micrometer;

import dev.serval.api.metrics.MetricsSnapshot;
import dev.serval.api.runtime.ModelWatch;
import dev.serval.api.runtime.Serval;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The meters of one runtime in one registry: a function counter for what only grows, a gauge for
 * what goes up and down, by runtime, bundle and loaded model. {@code docs/metrics.md} has the
 * names. Meters of a model are there as long as it is loaded.
 *
 * <p>Nothing runs between two readings: whoever reads a meter takes a snapshot of the runtime, and
 * those who read others within {@value #FRESH_MILLIS} ms see the same one. A registry takes one
 * runtime: meters of two would have the same names. Thread-safe.
 */
public final class ServalMeters implements AutoCloseable {

  /** How long a snapshot serves, in milliseconds: readings of all meters share one. */
  static final int FRESH_MILLIS = 100;

  private static final long FRESH_NANOS = TimeUnit.MILLISECONDS.toNanos(FRESH_MILLIS);

  private final Serval serval;
  private final MeterRegistry registry;
  private final ModelWatch watch;

  /**
   * Held while meters are made and removed. A reading never waits for it: the registry may hold a
   * lock of its own, which making meters waits for.
   */
  private final ReentrantLock changing = new ReentrantLock();

  /** By owner, by name of the counter; guarded by the lock. */
  private final Map<MeterOwner, Map<String, Meter>> meters = new HashMap<>();

  private volatile Taken taken = new Taken(Map.of(), 0);
  private boolean closed;

  /** A snapshot, and when it was taken by the registry's clock. */
  private record Taken(Map<MeterOwner, MetricsSnapshot> counted, long nanos) {}

  private ServalMeters(Serval serval, MeterRegistry registry) {
    this.serval = serval;
    this.registry = registry;
    this.watch = serval.watch(this::refresh);
  }

  /**
   * Registers the meters of a runtime, now and as models come.
   *
   * @return closing it removes them; the runtime holds on to it until then
   */
  public static ServalMeters bind(Serval serval, MeterRegistry registry) {
    ServalMeters meters = new ServalMeters(serval, registry);
    meters.refresh();
    return meters;
  }

  private void refresh() {
    changing.lock();
    try {
      take();
    } finally {
      changing.unlock();
    }
  }

  /** Takes a snapshot, and makes the meters those of its counters. Under the lock. */
  private void take() {
    if (closed) {
      return;
    }
    Map<MeterOwner, MetricsSnapshot> now = MeterOwner.all(serval.metrics());
    taken = new Taken(now, registry.config().clock().monotonicTime());
    meters
        .entrySet()
        .removeIf(e -> {
          boolean isGone = !now.containsKey(e.getKey());
          if (isGone) {
            e.getValue().values().forEach(registry::remove);
          }
          return isGone;
        });
    now.forEach((owner, counters) -> {
      Map<String, Meter> known = meters.computeIfAbsent(owner, o -> new HashMap<>());
      for (String counter : counters.values().keySet()) {
        known.computeIfAbsent(counter, c -> register(owner, c, counters.gauges().contains(c)));
      }
    });
  }

  private Meter register(MeterOwner owner, String counter, boolean isGauge) {
    MeterName name = MeterName.of(owner.prefix(), counter);
    Tags tags = owner.tags().and(name.tags());
    String unit = name.unit().isEmpty() ? null : name.unit();
    return isGauge
        ? Gauge.builder(name.name(), this, m -> name.scale() * m.value(owner, counter))
            .tags(tags)
            .baseUnit(unit)
            .register(registry)
        : FunctionCounter.builder(name.name(), this, m -> name.scale() * m.value(owner, counter))
            .tags(tags)
            .baseUnit(unit)
            .register(registry);
  }

  private long value(MeterOwner owner, String counter) {
    boolean isOld = registry.config().clock().monotonicTime() - taken.nanos() > FRESH_NANOS;
    if (isOld && changing.tryLock()) {
      try {
        take();
      } finally {
        changing.unlock();
      }
    }
    return taken.counted().getOrDefault(owner, MetricsSnapshot.EMPTY).value(counter);
  }

  /** Removes the meters. Does nothing the second time. */
  @Override
  public void close() {
    watch.close();
    changing.lock();
    try {
      closed = true;
      meters.values().forEach(m -> m.values().forEach(registry::remove));
      meters.clear();
    } finally {
      changing.unlock();
    }
  }
}
