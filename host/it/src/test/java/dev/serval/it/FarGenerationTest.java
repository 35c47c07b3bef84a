package dev.serval.it;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.serval.api.backend.Backend;
import dev.serval.api.runtime.GenerateRequest;
import dev.serval.api.runtime.Generation;
import dev.serval.api.runtime.LoadRequest;
import dev.serval.api.runtime.Model;
import dev.serval.api.runtime.Prompt;
import dev.serval.api.runtime.SamplingOptions;
import dev.serval.api.runtime.TokenSink;
import dev.serval.backend.cpu.CpuBackend;
import dev.serval.engine.Engine;
import dev.serval.models.gemma.GemmaArchitecture;
import dev.serval.tck.far.FarBackend;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** The engine leaves a submitted step alone: on a far device it would be told. */
class FarGenerationTest {

  private static final int GENERATED = 32;
  private static final int TEXTS = 3;

  @Test
  void writesOnAFarDeviceWhatItWritesOnTheCpu() throws InterruptedException {
    try (CpuBackend cpu = new CpuBackend();
        FarBackend far = new FarBackend(cpu)) {
      List<List<Integer>> near = generate(cpu);
      assertEquals(GENERATED, near.getFirst().size());
      assertEquals(near, generate(far));
    }
  }

  /** Texts that are generated beside each other. */
  private static List<List<Integer>> generate(Backend backend) throws InterruptedException {
    LoadRequest load =
        LoadRequest.of(GoldenModel.path("gemma3-mini-Q8_0.gguf")).withMaxSequences(TEXTS);
    try (Engine engine = new Engine(List.of(backend), List.of(new GemmaArchitecture()));
        Model model = engine.load(load)) {
      List<Generation> running = new ArrayList<>();
      for (int i = 0; i < TEXTS; i++) {
        running.add(model.generate(request(i), TokenSink.NONE));
      }
      List<List<Integer>> texts = new ArrayList<>();
      for (Generation g : running) {
        texts.add(g.await().tokens());
      }
      return texts;
    }
  }

  private static GenerateRequest request(int number) {
    List<Integer> prompt =
        IntStream.range(0, 20 + 10 * number)
            .map(i -> 270 + i * (7 + number) % 600)
            .boxed()
            .toList();
    return GenerateRequest.of(new Prompt.Tokens(prompt))
        .withSampling(SamplingOptions.GREEDY)
        .withMaxTokens(GENERATED)
        .ignoringEnd();
  }
}
