package dev.serval.api.metrics;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;

/**
 * Named counters of one model, or of the runtime. Look a counter up once, when a program is
 * compiled or a model loaded; adding to it then costs a few nanoseconds and allocates nothing.
 * Thread-safe.
 *
 * <p>What one thread counts belongs in a {@link #group}, which is cheapest and read as of one
 * moment; what many threads count is a {@link #counter}; what goes up and down is a {@link #gauge}.
 * A name used in several of them is their sum.
 */
public final class Metrics {

  private final ConcurrentMap<String, LongAdder> counters = new ConcurrentHashMap<>();
  private final ConcurrentMap<String, LongSupplier> gauges = new ConcurrentHashMap<>();
  private final List<TallyGroup> groups = new CopyOnWriteArrayList<>();
  private final BooleanSupplier timing;

  /** Creates a registry without counters that wants times measured. */
  public Metrics() {
    this(() -> true);
  }

  /**
   * Creates a registry without counters.
   *
   * @param timing asked once per step whether the time of its parts is measured
   */
  public Metrics(BooleanSupplier timing) {
    this.timing = timing;
  }

  /** The counter of that name for any thread, such as {@code engine.generations}. */
  public LongAdder counter(String name) {
    return counters.computeIfAbsent(name, n -> new LongAdder());
  }

  /** A new group of counters for one writing thread. */
  public TallyGroup group() {
    TallyGroup group = new TallyGroup();
    groups.add(group);
    return group;
  }

  /**
   * States where a number that goes up and down is read.
   *
   * @param value asked at each snapshot, from any thread; must be quick
   */
  public void gauge(String name, LongSupplier value) {
    gauges.put(name, value);
  }

  /** Whether the time of a step's parts is to be measured now: two clock readings for each part. */
  public boolean isTiming() {
    return timing.getAsBoolean();
  }

  /**
   * The values now. Those of one group are of one moment; groups, counters and gauges are read one
   * after the other.
   */
  public MetricsSnapshot snapshot() {
    Map<String, Long> values = new TreeMap<>();
    groups.forEach(group -> group.read().forEach((name, n) -> values.merge(name, n, Long::sum)));
    counters.forEach((name, adder) -> values.merge(name, adder.sum(), Long::sum));
    gauges.forEach((name, gauge) -> values.merge(name, gauge.getAsLong(), Long::sum));
    Set<String> levels = new HashSet<>(gauges.keySet());
    return new MetricsSnapshot(values, levels);
  }
}
