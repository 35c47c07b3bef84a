package dev.serval.micrometer;

import dev.serval.api.metrics.MetricsSnapshot;
import dev.serval.api.runtime.RuntimeMetrics;
import io.micrometer.core.instrument.Tags;
import java.util.HashMap;
import java.util.Map;

/**
 * Whose meters they are. Meters of one name have the same tags, which some registries ask for.
 *
 * @param prefix what their names begin with; empty for the runtime
 * @param tags what tells owners of one kind apart
 */
record MeterOwner(String prefix, Tags tags) {

  /** Everybody who counted something: the runtime, bundles, loaded models. */
  static Map<MeterOwner, MetricsSnapshot> all(RuntimeMetrics metrics) {
    Map<MeterOwner, MetricsSnapshot> all = new HashMap<>();
    all.put(new MeterOwner("", Tags.empty()), metrics.runtime());
    metrics
        .bundles()
        .forEach((name, counters) ->
            all.put(new MeterOwner("bundle.", Tags.of("bundle", name)), counters));
    for (RuntimeMetrics.OfModel m : metrics.models()) {
      Tags tags = Tags.of("model", m.name(), "id", Long.toString(m.id()));
      all.put(new MeterOwner("model.", tags), m.counters());
    }
    return all;
  }
}
