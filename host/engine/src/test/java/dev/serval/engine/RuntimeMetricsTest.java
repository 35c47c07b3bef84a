package dev.serval.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.error.ModelRefusedException;
import dev.serval.api.metrics.MetricsSnapshot;
import dev.serval.api.runtime.GenerateRequest;
import dev.serval.api.runtime.GenerationResult;
import dev.serval.api.runtime.LoadRequest;
import dev.serval.api.runtime.Model;
import dev.serval.api.runtime.ModelWatch;
import dev.serval.api.runtime.Prompt;
import dev.serval.api.runtime.RuntimeMetrics;
import dev.serval.api.runtime.SamplingOptions;
import dev.serval.api.runtime.TokenSink;
import dev.serval.engine.event.CacheEvent;
import dev.serval.engine.event.LoadEvent;
import dev.serval.engine.event.PrefillEvent;
import dev.serval.engine.event.StepEvent;
import dev.serval.engine.recall.RecallArchitecture;
import dev.serval.engine.recall.RecallBackend;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a runtime counts, and what a flight recording of it holds. */
@Timeout(60)
class RuntimeMetricsTest {

  private static final String BUNDLE = RecallBackend.class.getPackageName();

  @TempDir Path folder;

  private final Engine engine =
      new Engine(List.of(new RecallBackend("recall", 10)), List.of(new RecallArchitecture()));
  private Path file = Path.of("recall.gguf");

  @BeforeEach
  void writeFile() throws IOException {
    file = RecallArchitecture.write(folder);
  }

  @AfterEach
  void closeEngine() {
    engine.close();
  }

  private Model load() {
    return engine.load(LoadRequest.of(file).withContextLength(32).withChunkTokens(4));
  }

  private static GenerationResult generate(Model model, String prompt) throws InterruptedException {
    return model
        .generate(
            GenerateRequest.of(Prompt.text(prompt))
                .withSampling(SamplingOptions.GREEDY)
                .withMaxTokens(5),
            TokenSink.NONE)
        .await();
  }

  @Test
  void countsStepsRowsAndLookups() throws InterruptedException {
    try (Model model = load()) {
      GenerationResult first = generate(model, "thequickbrown");
      GenerationResult second = generate(model, "thequickfox");
      MetricsSnapshot m = model.metrics();
      int computed = first.use().computed() + second.use().computed();
      assertEquals(computed, m.value("engine.tokens.computed"));
      assertEquals(computed, m.value("engine.rows.prefill") + m.value("engine.rows.decode"));
      int prefilled = first.use().prefilled() + second.use().prefilled();
      assertEquals(prefilled, m.value("engine.rows.prefill"));
      assertEquals(second.use().reused(), m.value("engine.tokens.reused"));
      assertEquals(10, m.value("engine.tokens.generated"));
      assertEquals(2, m.value("engine.generations"));
      assertEquals(2, m.value("engine.prefills"));
      assertEquals(2, m.value("engine.queue.admitted"));
      assertEquals(0, m.value("engine.queue.waiting"));
      assertEquals(2, m.value("engine.cache.lookups"));
      assertEquals(1, m.value("engine.cache.hits"));
      assertEquals(1, m.value("engine.cache.misses.unknown"));
      assertEquals(1, m.value("engine.cache.misses.differs"));
      assertTrue(m.value("engine.steps.nanos") > 0);
    }
  }

  @Test
  void addsUpByBundleAndKeepsWhatEndedModelsCounted() throws InterruptedException {
    Model one = load();
    generate(one, "abc");
    Model two = load();
    generate(two, "abcdef");
    RuntimeMetrics both = engine.metrics();
    assertEquals(List.of(1L, 2L), both.models().stream().map(RuntimeMetrics.OfModel::id).toList());
    long generated = both.bundle(BUNDLE).value("engine.tokens.generated");
    assertEquals(10, generated, "one bundle is backend and architecture, and counts once");
    assertEquals(2, both.runtime().value("loads"));
    assertEquals(2, both.runtime().value("models.loaded"));
    assertTrue(both.runtime().value("pool.leased.bytes") > 0);
    long used = both.runtime().value("memory.recall-device.used.bytes");
    assertTrue(used > 0);
    one.close();
    two.close();
    RuntimeMetrics after = engine.metrics();
    assertEquals(List.of(), after.models());
    assertEquals(10, after.bundle(BUNDLE).value("engine.tokens.generated"));
    assertEquals(0, after.runtime().value("pool.leased.bytes"));
    assertTrue(after.runtime().value("pool.peak.bytes") > 0, "the peak stays");
    assertEquals(0, after.runtime().value("memory.recall-device.used.bytes"));
    assertTrue(after.runtime().value("memory.recall-device.peak.bytes") >= used);
  }

  private static long[] memory(MetricsSnapshot of) {
    assertTrue(of.gauges().containsAll(List.of("memory.used.bytes", "memory.peak.bytes")));
    return new long[] {of.value("memory.used.bytes"), of.value("memory.peak.bytes")};
  }

  /** Another bundle, as far as names tell. */
  private static final class OtherBackend extends RecallBackend {
    private OtherBackend() {
      super("other", 1);
    }
  }

  @Test
  void showsMemoryNowAndAtItsPeakByModelAndBundle() {
    engine.addBackend(new OtherBackend());
    String otherBundle = OtherBackend.class.getPackageName();
    LoadRequest request = LoadRequest.of(file).withContextLength(32);
    Model one = engine.load(request);
    long[] bytes = memory(one.metrics());
    assertEquals(engine.metrics().runtime().value("pool.leased.bytes"), bytes[0]);
    assertArrayEquals(new long[] {bytes[1], bytes[1]}, bytes, "it goes on with what it took");
    Model two = engine.load(request.onBackend("other"));
    RuntimeMetrics both = engine.metrics();
    long n = bytes[0];
    assertTrue(n > 0);
    assertArrayEquals(new long[] {n, n}, memory(both.bundle(otherBundle)));
    assertArrayEquals(
        new long[] {2 * n, 2 * n}, memory(both.bundle(BUNDLE)), "which described both");
    one.close();
    two.close();
    assertArrayEquals(new long[] {0, 2 * n}, memory(engine.metrics().bundle(BUNDLE)));
    engine.load(request).close();
    assertArrayEquals(new long[] {0, 2 * n}, memory(engine.metrics().bundle(BUNDLE)));
    assertArrayEquals(new long[] {0, n}, memory(engine.metrics().bundle(otherBundle)));
  }

  @Test
  void tellsWhoWatchesWhenModelsComeAndGo() {
    List<Long> seen = new CopyOnWriteArrayList<>();
    engine.watch(() -> {
      throw new IllegalStateException("a watch that fails");
    });
    ModelWatch watch =
        engine.watch(() -> seen.add(engine.metrics().runtime().value("models.loaded")));
    Model one = load();
    Model two = load();
    assertEquals(List.of(1L, 2L), seen);
    two.close();
    assertEquals(List.of(1L, 2L, 1L), seen);
    watch.close();
    watch.close();
    one.close();
    assertEquals(3, seen.size());
  }

  @Test
  void countsLoadsThatFail() {
    assertThrows(
        ModelRefusedException.class, () -> engine.load(LoadRequest.of(folder.resolve("none"))));
    assertEquals(1, engine.metrics().runtime().value("loads.failed"));
    assertEquals(0, engine.metrics().runtime().value("loads"));
  }

  @Test
  void recordsLoadPrefillStepAndCache() throws Exception {
    Path recorded = folder.resolve("serval.jfr");
    try (Recording recording = new Recording()) {
      for (String name :
          List.of(LoadEvent.NAME, PrefillEvent.NAME, StepEvent.NAME, CacheEvent.NAME)) {
        recording.enable(name).withoutThreshold();
      }
      recording.start();
      try (Model model = load()) {
        generate(model, "thequickbrown");
        generate(model, "thequickfox");
      }
      recording.stop();
      recording.dump(recorded);
    }
    List<RecordedEvent> events = RecordingFile.readAllEvents(recorded);
    RecordedEvent load = named(events, LoadEvent.NAME).findFirst().orElseThrow();
    assertEquals("Total Recall", load.getString("model"));
    assertEquals("recall", load.getString("backend"));
    assertEquals(32, load.getInt("contextLength"));
    assertEquals("", load.getString("failure"));
    List<RecordedEvent> lookups = named(events, CacheEvent.NAME).toList();
    assertEquals(2, lookups.size());
    assertEquals(0, lookups.getFirst().getInt("reusedTokens"));
    assertTrue(lookups.getLast().getInt("reusedTokens") > 0);
    assertTrue(lookups.getLast().getString("reason").contains("differs from token"));
    assertEquals(2, named(events, PrefillEvent.NAME).count());
    int tokens = named(events, PrefillEvent.NAME).mapToInt(e -> e.getInt("tokens")).sum();
    assertEquals("thequickbrown".length() + "thequickfox".length(), tokens);
    int rows =
        named(events, StepEvent.NAME)
            .mapToInt(e -> e.getInt("prefillRows") + e.getInt("decodeRows"))
            .sum();
    assertTrue(rows >= tokens, rows + " rows");
    assertTrue(named(events, StepEvent.NAME).allMatch(e -> e.getBoolean("done")));
    assertTrue(
        named(events, StepEvent.NAME).allMatch(e -> e.getString("model").equals("Total Recall")));
  }

  private static Stream<RecordedEvent> named(List<RecordedEvent> events, String name) {
    return events.stream()
        .filter(e -> e.getEventType().getName().equals(name))
        .sorted((a, b) -> a.getStartTime().compareTo(b.getStartTime()));
  }
}
