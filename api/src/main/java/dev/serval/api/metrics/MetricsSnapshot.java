package dev.serval.api.metrics;

import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/**
 * Values of counters at one moment.
 *
 * @param values value by counter name, sorted by name
 */
public record MetricsSnapshot(Map<String, Long> values) {

  /** Copies the map. */
  public MetricsSnapshot {
    values = Collections.unmodifiableMap(new TreeMap<>(values));
  }

  /** The value of a counter, 0 if nothing ever counted it. */
  public long value(String name) {
    return values.getOrDefault(name, 0L);
  }
}
