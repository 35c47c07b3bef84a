package dev.serval.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.metrics.MetricsSnapshot;
import dev.serval.api.runtime.FinishReason;
import dev.serval.api.runtime.GenerateRequest;
import dev.serval.api.runtime.Generation;
import dev.serval.api.runtime.GenerationResult;
import dev.serval.api.runtime.LoadRequest;
import dev.serval.api.runtime.Model;
import dev.serval.api.runtime.Prompt;
import dev.serval.api.runtime.SamplingOptions;
import dev.serval.api.runtime.TokenSink;
import dev.serval.backend.cpu.CpuBackend;
import dev.serval.backend.cpu.CpuOptions;
import dev.serval.backend.cpu.kernel.KernelSets;
import dev.serval.engine.Engine;
import dev.serval.models.gemma.GemmaArchitecture;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Greedy text does not depend on how the work was cut: threads, chunks, neighbours. The model's
 * sizes split every matrix product over two threads, prompts take the tiled path, answers the
 * other.
 */
class GenerationTest {

  private static final int GENERATED = 48;
  private static final int MOST_TEXTS = 1_000;

  /** A prompt longer than the sliding window of 16, as ids of the golden vocabulary. */
  private static final List<Integer> PROMPT = ids(40, 7);

  @Test
  void writesTheSameWithOneThreadAndTwo() throws Exception {
    List<Integer> one = generate(1, LoadRequest.of(model()), 0).tokens();
    List<Integer> two = generate(2, LoadRequest.of(model()), 0).tokens();
    assertEquals(GENERATED, one.size());
    assertEquals(one, two);
  }

  @Test
  void writesTheSameWhateverTheChunk() throws Exception {
    List<Integer> whole = generate(2, LoadRequest.of(model()).withChunkTokens(64), 0).tokens();
    for (int chunk : new int[] {1, 2, 7, 16, 33}) {
      LoadRequest request = LoadRequest.of(model()).withChunkTokens(chunk);
      assertEquals(whole, generate(2, request, 0).tokens(), "chunks of " + chunk);
    }
  }

  @Test
  void writesTheSameBesideOthers() throws Exception {
    LoadRequest request = LoadRequest.of(model()).withMaxSequences(6);
    List<Integer> alone = generate(2, request, 0).tokens();
    assertEquals(alone, generate(2, request, 5).tokens());
  }

  @Test
  @Tag("nightly")
  void writesTheSameForManyPromptsHoweverTheyAreCut() throws Exception {
    for (int length : new int[] {1, 15, 16, 17, 31, 64, 100, 257}) {
      List<Integer> prompt = ids(length, 5 + length);
      List<Integer> whole = generate(1, LoadRequest.of(model()).withChunkTokens(300), 0, prompt);
      for (int threads = 1; threads <= 3; threads++) {
        for (int chunk = 1; chunk <= 40; chunk += 3) {
          LoadRequest request = LoadRequest.of(model()).withChunkTokens(chunk);
          String cut = length + " tokens, " + threads + " threads, chunks of " + chunk;
          assertEquals(whole, generate(threads, request, chunk % 4, prompt), cut);
        }
      }
    }
  }

  @Test
  void usesBothThreadsAndBothPaths() throws Exception {
    try (CpuBackend backend = backend(2);
        Engine engine = new Engine(List.of(backend), List.of(new GemmaArchitecture()));
        Model model = engine.load(LoadRequest.of(model()))) {
      MetricsSnapshot m = model.metrics();
      // on a busy machine the other thread may come too late for every item of a text; a prompt
      // that differs from the second token on is computed anew, in steps worth two threads
      for (int i = 0; i < MOST_TEXTS && m.value("cpu.team.member.1") == 0; i++) {
        model.generate(request(ids(300, 7 + i)), TokenSink.NONE).await();
        m = model.metrics();
      }
      assertTrue(m.value("cpu.team.member.0") > 0, m.toString());
      assertTrue(m.value("cpu.team.member.1") > 0, m.toString());
      assertTrue(m.value("cpu.matmul.tiled") > 0, m.toString());
      assertTrue(m.value("cpu.matmul.matvec") > 0, m.toString());
    }
  }

  @Test
  void stopsALongPrefillWhenItIsCancelledAndServesTheNext() throws Exception {
    try (CpuBackend backend = backend(2);
        Engine engine = new Engine(List.of(backend), List.of(new GemmaArchitecture()));
        Model model = engine.load(LoadRequest.of(model()).withMaxSequences(2))) {
      int longest = model.info().contextLength() - 2;
      Generation cancelled = model.generate(request(ids(longest, 3)), TokenSink.NONE);
      cancelled.cancel();
      assertEquals(FinishReason.CANCELLED, cancelled.await().finish());
      GenerationResult next = model.generate(request(PROMPT), TokenSink.NONE).await();
      assertEquals(FinishReason.LENGTH, next.finish());
    }
  }

  private static GenerationResult generate(int threads, LoadRequest request, int neighbours)
      throws InterruptedException {
    return result(threads, request, neighbours, PROMPT);
  }

  private static List<Integer> generate(
      int threads, LoadRequest request, int neighbours, List<Integer> prompt)
      throws InterruptedException {
    return result(threads, request, neighbours, prompt).tokens();
  }

  private static GenerationResult result(
      int threads, LoadRequest request, int neighbours, List<Integer> prompt)
      throws InterruptedException {
    try (CpuBackend backend = backend(threads);
        Engine engine = new Engine(List.of(backend), List.of(new GemmaArchitecture()));
        Model model = engine.load(request)) {
      List<Generation> others = new ArrayList<>();
      for (int i = 0; i < neighbours; i++) {
        others.add(model.generate(request(ids(11 + 9 * i, 13 + i)), TokenSink.NONE));
      }
      GenerationResult result = model.generate(request(prompt), TokenSink.NONE).await();
      for (Generation other : others) {
        assertEquals(GENERATED, other.await().tokens().size());
      }
      return result;
    }
  }

  private static CpuBackend backend(int threads) {
    return new CpuBackend(new CpuOptions(threads, KernelSets.best().set()));
  }

  private static GenerateRequest request(List<Integer> prompt) {
    return GenerateRequest.of(new Prompt.Tokens(prompt))
        .withSampling(SamplingOptions.GREEDY)
        .withMaxTokens(GENERATED)
        .ignoringEnd();
  }

  /** Ids between the golden vocabulary's special and last tokens. */
  private static List<Integer> ids(int n, int step) {
    List<Integer> ids = new ArrayList<>(List.of(2));
    for (int i = 1; i < n; i++) {
      ids.add(270 + i * step * 31 % 600);
    }
    return ids;
  }

  private static Path model() {
    return GoldenModel.path("gemma3-mini-Q8_0.gguf");
  }
}
