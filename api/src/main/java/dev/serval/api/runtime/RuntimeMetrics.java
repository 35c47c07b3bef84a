package dev.serval.api.runtime;

import dev.serval.api.metrics.MetricsSnapshot;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What a runtime counted, at one moment. {@code docs/metrics.md} lists the names.
 *
 * @param runtime what no model owns: pool, memory of devices, loads
 * @param models the models loaded now, in order of loading
 * @param bundles sums by the bundle that did the work, models that ended included; the key is the
 *     package of the backend's or architecture's class, which is its bundle's symbolic name by
 *     convention
 */
public record RuntimeMetrics(
    MetricsSnapshot runtime, List<OfModel> models, Map<String, MetricsSnapshot> bundles) {

  /**
   * What one model counted.
   *
   * @param id number of the model in its runtime, from 1
   * @param name name of the model
   * @param backendBundle key in {@link RuntimeMetrics#bundles} of what computes it
   * @param modelBundle key in {@link RuntimeMetrics#bundles} of what described it
   * @param counters its counters
   */
  public record OfModel(
      long id, String name, String backendBundle, String modelBundle, MetricsSnapshot counters) {}

  /** Copies list and map. */
  public RuntimeMetrics {
    models = List.copyOf(models);
    bundles = Collections.unmodifiableMap(new TreeMap<>(bundles));
  }

  /** What a bundle's models counted; nothing for a bundle that is not known. */
  public MetricsSnapshot bundle(String name) {
    return bundles.getOrDefault(name, MetricsSnapshot.EMPTY);
  }
}
