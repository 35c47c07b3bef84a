package dev.serval.micrometer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.metrics.Metrics;
import dev.serval.api.metrics.MetricsSnapshot;
import dev.serval.api.runtime.ModelWatch;
import dev.serval.api.runtime.RuntimeMetrics;
import dev.serval.api.runtime.RuntimeMetrics.OfModel;
import dev.serval.api.runtime.Serval;
import io.micrometer.core.instrument.Clock;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.simple.SimpleConfig;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(20)
class ServalMetersTest {

  private static final String BACKEND = "dev.serval.backend.cpu";
  private static final String ARCHITECTURE = "dev.serval.models.gemma";

  private final AtomicLong nanos = new AtomicLong();
  private final SimpleMeterRegistry registry =
      new SimpleMeterRegistry(
          SimpleConfig.DEFAULT,
          new Clock() {
            @Override
            public long wallTime() {
              return TimeUnit.NANOSECONDS.toMillis(nanos.get());
            }

            @Override
            public long monotonicTime() {
              return nanos.get();
            }
          });

  private final Metrics runtime = new Metrics();
  private final Map<OfModel, Metrics> models =
      new TreeMap<>((a, b) -> Long.compare(a.id(), b.id()));
  private final Set<Runnable> watches = new HashSet<>();
  private int snapshots;

  private final Serval serval =
      (Serval)
          Proxy.newProxyInstance(
              Serval.class.getClassLoader(),
              new Class<?>[] {Serval.class},
              (proxy, method, args) ->
                  switch (method.getName()) {
                    case "metrics" -> snapshot();
                    case "watch" -> watch((Runnable) args[0]);
                    default -> throw new UnsupportedOperationException(method.getName());
                  });

  private ModelWatch watch(Runnable changed) {
    watches.add(changed);
    return () -> watches.remove(changed);
  }

  private RuntimeMetrics snapshot() {
    snapshots++;
    List<OfModel> all = new ArrayList<>();
    Map<String, MetricsSnapshot> bundles = new TreeMap<>();
    models.forEach((m, metrics) -> {
      MetricsSnapshot now = metrics.snapshot();
      all.add(new OfModel(m.id(), m.name(), m.backendBundle(), m.modelBundle(), now));
      bundles.merge(m.backendBundle(), now, MetricsSnapshot::plus);
      bundles.merge(m.modelBundle(), now, MetricsSnapshot::plus);
    });
    return new RuntimeMetrics(runtime.snapshot(), all, bundles);
  }

  private Metrics load(long id, String name) {
    Metrics metrics = new Metrics();
    models.put(new OfModel(id, name, BACKEND, ARCHITECTURE, MetricsSnapshot.EMPTY), metrics);
    return metrics;
  }

  private void changed() {
    List.copyOf(watches).forEach(Runnable::run);
  }

  private void later() {
    nanos.addAndGet(TimeUnit.MILLISECONDS.toNanos(ServalMeters.FRESH_MILLIS) + 1);
  }

  private double count(String name, String... tags) {
    return registry.get(name).tags(tags).functionCounter().count();
  }

  private Set<String> names() {
    return registry.getMeters().stream().map(m -> m.getId().getName()).collect(Collectors.toSet());
  }

  @Test
  void countersOfAModelAreThoseOfItsBundlesToo() {
    Metrics first = load(1, "gemma");
    first.counter("engine.steps").add(3);
    load(2, "gemma").counter("engine.steps").add(4);
    ServalMeters.bind(serval, registry);
    assertEquals(3, count("serval.model.engine.steps", "model", "gemma", "id", "1"));
    assertEquals(4, count("serval.model.engine.steps", "model", "gemma", "id", "2"));
    assertEquals(7, count("serval.bundle.engine.steps", "bundle", BACKEND));
    assertEquals(7, count("serval.bundle.engine.steps", "bundle", ARCHITECTURE));
    first.counter("engine.steps").add(10);
    later();
    assertEquals(13, count("serval.model.engine.steps", "id", "1"));
    assertEquals(17, count("serval.bundle.engine.steps", "bundle", BACKEND));
  }

  @Test
  void whatGoesUpAndDownIsAGaugeAndUnitsAreBaseUnits() {
    runtime.gauge("pool.leased.bytes", () -> 4096);
    runtime.counter("loads.nanos").add(2_500_000_000L);
    runtime.gauge("memory.cpu.0.peak.bytes", () -> 7);
    ServalMeters.bind(serval, registry);
    Gauge leased = registry.get("serval.pool.leased.bytes").gauge();
    assertEquals(4096, leased.value());
    assertEquals("bytes", leased.getId().getBaseUnit());
    FunctionCounter loads = registry.get("serval.loads.seconds").functionCounter();
    assertEquals(2.5, loads.count(), 1e-12);
    assertEquals("seconds", loads.getId().getBaseUnit());
    Gauge peak = registry.get("serval.memory.peak.bytes").tag("device", "cpu.0").gauge();
    assertEquals(7, peak.value());
  }

  @Test
  void metersComeWithModelsAndGoWithThem() {
    runtime.counter("loads").increment();
    ServalMeters meters = ServalMeters.bind(serval, registry);
    assertEquals(Set.of("serval.loads"), names());
    Metrics model = load(1, "gemma");
    model.counter("engine.steps").add(3);
    changed();
    assertTrue(names().contains("serval.model.engine.steps"), names().toString());
    Meter steps = registry.get("serval.model.engine.steps").meter();
    models.clear();
    changed();
    assertEquals(Set.of("serval.loads"), names());
    assertEquals(0, steps.measure().iterator().next().getValue());
    meters.close();
    assertEquals(Set.of(), names());
    assertEquals(Set.of(), watches);
    meters.close();
    later();
    assertNull(registry.find("serval.loads").meter());
  }

  @Test
  void counterThatAppearsLateIsThereFromTheNextReadingOn() {
    Metrics model = load(1, "gemma");
    model.counter("engine.steps").increment();
    ServalMeters.bind(serval, registry);
    model.counter("engine.steps.aborted").add(2);
    later();
    assertEquals(1, count("serval.model.engine.steps"));
    assertEquals(2, count("serval.model.engine.steps.aborted"));
  }

  @Test
  void readingsOfOneMomentShareASnapshotAndNothingElseTakesOne() {
    Metrics model = load(1, "gemma");
    model.counter("a").increment();
    model.counter("b").increment();
    ServalMeters.bind(serval, registry);
    later();
    int before = snapshots;
    registry.getMeters().forEach(Meter::measure);
    assertEquals(before, snapshots, "measure() is lazy");
    registry.getMeters().forEach(m -> m.measure().forEach(x -> assertEquals(1, x.getValue())));
    assertEquals(before + 1, snapshots);
  }
}
