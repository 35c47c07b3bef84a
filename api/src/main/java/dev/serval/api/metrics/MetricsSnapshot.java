package dev.serval.api.metrics;

import java.util.Collections;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Values of counters at one moment.
 *
 * @param values value by name, sorted by name; counts, bytes, or nanoseconds, as the name says
 * @param gauges names of values that go up and down; all others only grow
 */
public record MetricsSnapshot(Map<String, Long> values, Set<String> gauges) {

  /** Nothing counted. */
  public static final MetricsSnapshot EMPTY = new MetricsSnapshot(Map.of(), Set.of());

  /** Copies map and set. */
  public MetricsSnapshot {
    values = Collections.unmodifiableMap(new TreeMap<>(values));
    gauges = Set.copyOf(gauges);
  }

  /** The value of a counter, 0 if nothing ever counted it. */
  public long value(String name) {
    return values.getOrDefault(name, 0L);
  }

  /** The values of both added up. */
  public MetricsSnapshot plus(MetricsSnapshot other) {
    Map<String, Long> sum = new TreeMap<>(values);
    other.values.forEach((name, n) -> sum.merge(name, n, Long::sum));
    Set<String> both = new HashSet<>(gauges);
    both.addAll(other.gauges);
    return new MetricsSnapshot(sum, both);
  }

  /** What only grows, without the gauges: what is left of something that ended. */
  public MetricsSnapshot counted() {
    Map<String, Long> counted = new TreeMap<>(values);
    counted.keySet().removeAll(gauges);
    return new MetricsSnapshot(counted, Set.of());
  }
}
