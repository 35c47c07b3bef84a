package dev.serval.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.runtime.CacheOptions;
import dev.serval.api.runtime.GenerateRequest;
import dev.serval.api.runtime.LoadRequest;
import dev.serval.api.runtime.Model;
import dev.serval.api.runtime.Prompt;
import dev.serval.api.runtime.SamplingOptions;
import dev.serval.api.runtime.Serval;
import dev.serval.api.runtime.TokenSink;
import dev.serval.api.settings.Setting;
import dev.serval.pax.PaxExam;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import javax.inject.Inject;
import org.junit.jupiter.api.Test;
import org.ops4j.pax.exam.Option;
import org.ops4j.pax.exam.spi.reactors.ExamReactorStrategy;
import org.ops4j.pax.exam.spi.reactors.PerClass;
import org.osgi.framework.FrameworkUtil;
import org.osgi.service.cm.Configuration;
import org.osgi.service.cm.ConfigurationAdmin;

/** Config Admin changes settings while a model runs. */
@PaxExam
@ExamReactorStrategy(PerClass.class)
public class ConfigurationIT {

  private static final long DEADLINE_NANOS = TimeUnit.SECONDS.toNanos(20);
  private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

  @Inject private ConfigurationAdmin admin;
  @Inject private Serval serval;

  /** What is installed. */
  @org.ops4j.pax.exam.Configuration
  public Option[] configuration() throws IOException {
    return DistributionOptions.distribution();
  }

  private static Path demo() {
    return Path.of(System.getProperty("serval.distribution"), "models", "demo.gguf");
  }

  private static long matmulNanos(Model model) throws InterruptedException {
    model
        .generate(
            GenerateRequest.of(Prompt.chat("Tell me a story."))
                .withSampling(SamplingOptions.GREEDY)
                .withMaxTokens(8),
            TokenSink.NONE)
        .await();
    return model.metrics().value("cpu.matmul.nanos");
  }

  private long retained() {
    return serval.metrics().runtime().value("pool.retained.bytes");
  }

  /** Sets the engine's configuration and waits until it shows in requests. */
  private void set(Map<String, Object> values, int parallel) throws IOException {
    Configuration configuration = admin.getConfiguration("dev.serval.engine", "?");
    Map<String, Object> all = new HashMap<>(values);
    all.put("serval.parallel", parallel);
    configuration.update(FrameworkUtil.asDictionary(all));
    await(parallel);
  }

  private void await(int parallel) {
    long deadline = System.nanoTime() + DEADLINE_NANOS;
    while (serval.request(demo()).maxSequences() != parallel) {
      assertTrue(System.nanoTime() < deadline, "the configuration was not applied");
      LockSupport.parkNanos(PAUSE_NANOS);
    }
  }

  @Test
  public void aRunningModelFollowsAndABadValueChangesNothing() throws Exception {
    serval.load(LoadRequest.of(demo())).close();
    assertTrue(retained() > 0, "memory is kept by default");
    try (Model model = serval.load(LoadRequest.of(demo()))) {
      long first = matmulNanos(model);
      assertTrue(first > 0, "time is measured by default");
      set(
          Map.of(
              "serval.metrics.time",
              "off",
              "serval.kv.type",
              "f32",
              "serval.window.memory",
              32,
              "serval.checkpoint.memory",
              "2M"),
          7);
      assertEquals("F32", serval.request(demo()).kvType().name());
      assertEquals(new CacheOptions(32, 2 << 20), serval.request(demo()).cache());
      assertEquals(7, serval.settings().number(Setting.PARALLEL));
      long off = matmulNanos(model);
      assertEquals(off, matmulNanos(model), "time is measured no more");

      Configuration configuration = admin.getConfiguration("dev.serval.engine", "?");
      configuration.update(
          FrameworkUtil.asDictionary(
              Map.of("serval.metrics.time", "perhaps", "serval.parallel", 9)));
      set(Map.of("serval.metrics.time", "on"), 3);
      assertTrue(matmulNanos(model) > off, "time is measured again");
      configuration.delete();
      await(4);
    }
    assertTrue(retained() > 0, "memory is kept again");
    set(Map.of("serval.memory.retained", "0"), 5);
    assertEquals(0, retained(), "what was kept is freed");
    admin.getConfiguration("dev.serval.engine", "?").delete();
    await(4);
  }
}
