package dev.serval.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.runtime.GenerateRequest;
import dev.serval.api.runtime.LoadMode;
import dev.serval.api.runtime.LoadReport;
import dev.serval.api.runtime.LoadReport.Kind;
import dev.serval.api.runtime.LoadRequest;
import dev.serval.api.runtime.Model;
import dev.serval.api.runtime.Prompt;
import dev.serval.api.runtime.SamplingOptions;
import dev.serval.api.runtime.TokenSink;
import dev.serval.backend.cpu.CpuBackend;
import dev.serval.engine.Engine;
import dev.serval.models.gemma.GemmaArchitecture;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Weights in the mapped file and weights copied out of it: the same text, and what each costs. */
class LoadModeTest {

  private final CpuBackend backend = new CpuBackend();
  private final Engine engine = new Engine(List.of(backend), List.of(new GemmaArchitecture()));

  @TempDir Path dir;

  @AfterEach
  void stop() {
    assertEquals(List.of(), engine.leases());
    engine.close();
    backend.close();
  }

  private static List<Integer> generate(Model model) throws InterruptedException {
    GenerateRequest request =
        GenerateRequest.of(new Prompt.Tokens(List.of(2, 14, 290, 270, 301, 411, 500, 612)))
            .withSampling(SamplingOptions.GREEDY)
            .withMaxTokens(24)
            .ignoringEnd();
    return model.generate(request, TokenSink.NONE).await().tokens();
  }

  private List<Integer> mapped(Path file) throws InterruptedException {
    try (Model model = engine.load(LoadRequest.of(file))) {
      assertEquals(0, model.info().load().bytes(Kind.COPIED));
      assertTrue(model.info().load().bytes(Kind.MAPPED) > 0);
      return generate(model);
    }
  }

  @Test
  void aCopiedModelSurvivesTheTruncationOfItsFile() throws IOException, InterruptedException {
    Path golden = GoldenModel.path("gemma3-mini-Q8_0.gguf");
    List<Integer> expected = mapped(golden);
    Path file = Files.copy(golden, dir.resolve("model.gguf"));
    LoadRequest request = LoadRequest.of(file).withLoadMode(LoadMode.COPY);
    try (Model model = engine.load(request)) {
      try (FileChannel f = FileChannel.open(file, StandardOpenOption.WRITE)) {
        f.truncate(0);
      }

      assertEquals(expected, generate(model));

      LoadReport load = model.info().load();
      assertEquals(0, load.bytes(Kind.MAPPED));
      assertTrue(load.bytes(Kind.COPIED) > 0, load.toString());
      assertTrue(load.bytes(Kind.RELAID) > 0, load.toString());
    }
  }

  @Test
  void everyByteLeasedIsPlanned() throws InterruptedException {
    Path golden = GoldenModel.path("gemma3-mini-F16.gguf");
    for (LoadMode mode : LoadMode.values()) {
      try (Model model = engine.load(LoadRequest.of(golden).withLoadMode(mode))) {
        generate(model);
        assertEquals(
            model.info().memory().totalBytes(), engine.poolMetrics().leasedBytes(), mode.name());
      }
    }
  }
}
