package dev.serval.engine;

import dev.serval.api.error.ServalException;
import dev.serval.api.memory.PoolMetrics;
import dev.serval.api.metrics.Metrics;
import dev.serval.api.metrics.MetricsSnapshot;
import dev.serval.api.runtime.LoadReport;
import dev.serval.api.runtime.Model;
import dev.serval.api.runtime.ModelInfo;
import dev.serval.api.runtime.RuntimeMetrics;
import dev.serval.engine.event.FlightRecorder;
import dev.serval.engine.event.LoadEvent;
import dev.serval.engine.memory.DeviceBudget;
import dev.serval.engine.memory.DeviceBudgets;
import dev.serval.engine.memory.MemoryGauge;
import dev.serval.engine.memory.TieredBufferPool;
import dev.serval.engine.run.LoadedModel;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Supplier;

/**
 * What a runtime counts beside its models, and the sums over models by bundle. A model that ends
 * leaves what it counted to its bundles. Thread-safe.
 */
final class RuntimeCounters {

  /** A loaded model and the bundles it owes its work to. */
  private record Entry(long id, Model model, String backendBundle, String modelBundle) {}

  /** Bytes that a model, or the models of a bundle, have allocated inside budgets now. */
  static final String MEMORY = "memory.used.bytes";

  /** The most bytes they had allocated at one time. */
  static final String MEMORY_PEAK = "memory.peak.bytes";

  private final Metrics metrics = new Metrics();
  private final TieredBufferPool pool;
  private final DeviceBudgets budgets;
  private final LongAdder loads = metrics.counter("loads");
  private final LongAdder loadNanos = metrics.counter("loads.nanos");
  private final LongAdder failedLoads = metrics.counter("loads.failed");
  private final LongAdder readBytes = metrics.counter("io.read.bytes");
  private final LongAdder readNanos = metrics.counter("io.read.nanos");
  private final LongAdder mappedBytes = metrics.counter("io.mapped.bytes");
  private final LongAdder files = metrics.counter("io.files");

  private final Map<Model, Entry> models = new LinkedHashMap<>();
  private final Map<String, MetricsSnapshot> ended = new TreeMap<>();

  /** What bundles have allocated, those included that fail to load anything. */
  private final ConcurrentMap<String, MemoryGauge> memory = new ConcurrentHashMap<>();

  private long lastId;

  RuntimeCounters(TieredBufferPool pool, DeviceBudgets budgets) {
    this.pool = pool;
    this.budgets = budgets;
    metrics.gauge("models.loaded", this::loaded);
  }

  private synchronized long loaded() {
    return models.size();
  }

  /**
   * Loads a model, and counts it from then on.
   *
   * @param loader what loads it
   */
  ModelLoader.Loaded load(Supplier<ModelLoader.Loaded> loader) {
    LoadEvent event = FlightRecorder.isInUse() ? new LoadEvent() : null;
    if (event != null) {
      event.begin();
    }
    try {
      ModelLoader.Loaded loaded = loader.get();
      count(loaded);
      if (event != null) {
        describe(event, loaded.model().info());
      }
      return loaded;
    } catch (ServalException e) {
      failedLoads.increment();
      if (event != null) {
        event.failure = e.code();
      }
      throw e;
    } finally {
      if (event != null) {
        event.commit();
      }
    }
  }

  private static void describe(LoadEvent event, ModelInfo info) {
    event.model = info.name();
    event.architecture = info.architecture();
    event.backend = info.backend();
    event.contextLength = info.contextLength();
    event.readBytes = info.load().readBytes();
    event.leasedBytes = info.memory().totalBytes();
  }

  private void count(ModelLoader.Loaded loaded) {
    LoadedModel model = loaded.model();
    ModelInfo info = model.info();
    LoadReport load = info.load();
    loads.increment();
    loadNanos.add(info.loadNanos());
    files.add(load.files());
    readBytes.add(load.readBytes());
    readNanos.add(load.nanos());
    mappedBytes.add(load.bytes(LoadReport.Kind.MAPPED));
    synchronized (this) {
      models.put(model, new Entry(++lastId, model, loaded.backendBundle(), loaded.modelBundle()));
    }
  }

  /** Adds what a model counted to its bundles for good; does nothing for one that is not known. */
  void ended(Model model) {
    synchronized (this) {
      Entry entry = models.remove(model);
      if (entry != null) {
        add(ended, entry, model.metrics().counted());
      }
    }
  }

  private static void add(
      Map<String, MetricsSnapshot> bundles, Entry entry, MetricsSnapshot counters) {
    bundles.merge(entry.backendBundle(), counters, MetricsSnapshot::plus);
    if (!entry.modelBundle().equals(entry.backendBundle())) {
      bundles.merge(entry.modelBundle(), counters, MetricsSnapshot::plus);
    }
  }

  /** What a bundle has allocated. */
  MemoryGauge memory(String bundle) {
    return memory.computeIfAbsent(bundle, b -> new MemoryGauge());
  }

  /** The counters of a bundle, with its own peak: that of a sum is not the sum of the peaks. */
  private static MetricsSnapshot withMemory(MetricsSnapshot counters, MemoryGauge gauge) {
    Map<String, Long> values = new TreeMap<>(counters.values());
    values.put(MEMORY, gauge.bytes());
    values.put(MEMORY_PEAK, gauge.peakBytes());
    Set<String> gauges = new TreeSet<>(counters.gauges());
    gauges.addAll(Set.of(MEMORY, MEMORY_PEAK));
    return new MetricsSnapshot(values, gauges);
  }

  /** What was counted until now. */
  RuntimeMetrics snapshot() {
    List<RuntimeMetrics.OfModel> all = new ArrayList<>();
    Map<String, MetricsSnapshot> bundles;
    synchronized (this) {
      bundles = new TreeMap<>(ended);
      for (Entry e : models.values()) {
        MetricsSnapshot counters = e.model().metrics();
        add(bundles, e, counters);
        all.add(
            new RuntimeMetrics.OfModel(
                e.id(), e.model().info().name(), e.backendBundle(), e.modelBundle(), counters));
      }
    }
    memory.forEach((bundle, gauge) ->
        bundles.compute(
            bundle, (b, n) -> withMemory(n == null ? MetricsSnapshot.EMPTY : n, gauge)));
    return new RuntimeMetrics(runtime(), all, bundles);
  }

  /** The counters of no model; those of the pool are of one moment. */
  private MetricsSnapshot runtime() {
    Metrics now = new Metrics();
    PoolMetrics p = pool.metrics();
    now.counter("pool.hits").add(p.hits());
    now.counter("pool.misses").add(p.misses());
    now.counter("pool.oversize").add(p.oversize());
    now.gauge("pool.leased.bytes", p::leasedBytes);
    now.gauge("pool.peak.bytes", p::peakLeasedBytes);
    now.gauge("pool.retained.bytes", p::retainedBytes);
    now.gauge("pool.leases", p::leases);
    for (Map.Entry<String, DeviceBudget> e : budgets.all().entrySet()) {
      String prefix = "memory." + e.getKey();
      DeviceBudget budget = e.getValue();
      now.gauge(prefix + ".reserved.bytes", budget::reservedBytes);
      now.gauge(prefix + ".used.bytes", budget::usedBytes);
      now.gauge(prefix + ".peak.bytes", budget::peakBytes);
      now.gauge(prefix + ".limit.bytes", budget::limitBytes);
    }
    return metrics.snapshot().plus(now.snapshot());
  }
}
