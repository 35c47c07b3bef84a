package dev.serval.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.runtime.GenerateRequest;
import dev.serval.api.runtime.LoadRequest;
import dev.serval.api.runtime.Model;
import dev.serval.api.runtime.Prompt;
import dev.serval.api.runtime.SamplingOptions;
import dev.serval.api.runtime.Serval;
import dev.serval.api.runtime.TokenSink;
import dev.serval.pax.PaxExam;
import io.micrometer.core.instrument.Clock;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleConfig;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import javax.inject.Inject;
import org.junit.jupiter.api.Test;
import org.ops4j.pax.exam.Configuration;
import org.ops4j.pax.exam.Option;
import org.ops4j.pax.exam.spi.reactors.ExamReactorStrategy;
import org.ops4j.pax.exam.spi.reactors.PerClass;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceRegistration;

/** The meters in Felix: bound to a registry that is a service, as long as it is one. */
@PaxExam
@ExamReactorStrategy(PerClass.class)
public class MetersIT {

  private static final String CPU = "dev.serval.backend.cpu";

  @Inject private BundleContext context;
  @Inject private Serval serval;

  /** What is installed. */
  @Configuration
  public Option[] configuration() throws IOException {
    return DistributionOptions.distributionAnd("serval.meter.bundles");
  }

  /** Every reading is a second after the one before, so that none sees an old snapshot. */
  private static final class Seconds implements Clock {
    private final AtomicLong seconds = new AtomicLong();

    @Override
    public long wallTime() {
      return TimeUnit.SECONDS.toMillis(seconds.get());
    }

    @Override
    public long monotonicTime() {
      return TimeUnit.SECONDS.toNanos(seconds.incrementAndGet());
    }
  }

  private static double count(MeterRegistry registry, String name, String... tags) {
    return registry.get(name).tags(tags).functionCounter().count();
  }

  @Test
  public void aGenerationMovesTheCounters() throws Exception {
    MeterRegistry registry = new SimpleMeterRegistry(SimpleConfig.DEFAULT, new Seconds());
    ServiceRegistration<MeterRegistry> service =
        context.registerService(MeterRegistry.class, registry, null);
    String model = "serval.model.engine.tokens.generated";
    String bundle = "serval.bundle.engine.tokens.generated";
    assertNotNull(registry.find("serval.loads").functionCounter());
    assertNull(registry.find(model).functionCounter());
    Path demo = Path.of(System.getProperty("serval.distribution"), "models", "demo.gguf");
    try (Model loaded = serval.load(LoadRequest.of(demo))) {
      String name = loaded.info().name();
      assertEquals(0, count(registry, model, "model", name));
      loaded
          .generate(
              GenerateRequest.of(Prompt.chat("Tell me a story."))
                  .withSampling(SamplingOptions.GREEDY)
                  .withMaxTokens(8),
              TokenSink.NONE)
          .await();
      assertEquals(8, count(registry, model, "model", name));
      assertTrue(count(registry, "serval.model.engine.steps.seconds", "model", name) > 0);
      assertTrue(registry.get("serval.pool.leased.bytes").gauge().value() > 0);
    }
    assertNull(registry.find(model).functionCounter());
    assertEquals(8, count(registry, bundle, "bundle", CPU));

    service.unregister();
    assertEquals(0, registry.getMeters().size(), () -> registry.getMeters().toString());
  }

  @Test
  public void theMetersLeaveWithTheirBundle() throws Exception {
    MeterRegistry registry = new SimpleMeterRegistry();
    ServiceRegistration<MeterRegistry> service =
        context.registerService(MeterRegistry.class, registry, null);
    Bundle meters =
        Arrays.stream(context.getBundles())
            .filter(b -> "dev.serval.micrometer".equals(b.getSymbolicName()))
            .findFirst()
            .orElseThrow();
    assertNotNull(registry.find("serval.loads").functionCounter());
    meters.stop();
    assertEquals(0, registry.getMeters().size(), () -> registry.getMeters().toString());
    meters.start();
    assertNotNull(registry.find("serval.loads").functionCounter());
    service.unregister();
  }
}
