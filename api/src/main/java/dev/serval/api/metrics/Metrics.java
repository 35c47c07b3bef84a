package dev.serval.api.metrics;

import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.LongAdder;

/**
 * Named counters. Look a counter up once, when a program is compiled or a model loaded; adding to
 * it then costs nanoseconds and allocates nothing. Thread-safe.
 */
public final class Metrics {

  private final ConcurrentMap<String, LongAdder> counters = new ConcurrentHashMap<>();

  /** Creates a registry without counters. */
  public Metrics() {}

  /** The counter of that name, such as {@code cpu.matmul.tiled}; created at first use. */
  public LongAdder counter(String name) {
    return counters.computeIfAbsent(name, n -> new LongAdder());
  }

  /** The counters' values now, sorted by name. */
  public MetricsSnapshot snapshot() {
    Map<String, Long> values = new TreeMap<>();
    counters.forEach((name, adder) -> values.put(name, adder.sum()));
    return new MetricsSnapshot(values);
  }
}
