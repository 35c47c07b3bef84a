package dev.serval.it;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.backend.Backend;
import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.error.RequestRejectedException.Reason;
import dev.serval.api.memory.MemoryUse;
import dev.serval.api.model.Metadata;
import dev.serval.api.model.ModelArchitecture;
import dev.serval.api.runtime.Capability;
import dev.serval.api.runtime.EmbedRequest;
import dev.serval.api.runtime.EmbedResult;
import dev.serval.api.runtime.EmbeddingInfo;
import dev.serval.api.runtime.LoadRequest;
import dev.serval.api.runtime.Model;
import dev.serval.api.runtime.Prompt;
import dev.serval.api.text.Tokenizer;
import dev.serval.backend.cpu.CpuBackend;
import dev.serval.engine.Engine;
import dev.serval.engine.tokenizer.Tokenizers;
import dev.serval.models.gemma.EmbeddingGemmaArchitecture;
import dev.serval.models.gemma.GemmaArchitecture;
import dev.serval.tck.far.FarBackend;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Embeddings through the engine, on the CPU. */
class EmbeddingTest {

  private static final String F32 = "gemma-embedding-mini-F32";
  private static final String Q8_0 = "gemma-embedding-mini-Q8_0";
  private static final CpuBackend CPU = new CpuBackend();
  private static final FarBackend FAR = new FarBackend(CPU);
  private static final List<ModelArchitecture> GEMMA =
      List.of(new GemmaArchitecture(), new EmbeddingGemmaArchitecture());

  @AfterAll
  static void stop() {
    FAR.close();
    CPU.close();
  }

  private static Engine engine(Backend backend) {
    return new Engine(List.of(backend), GEMMA);
  }

  private static LoadRequest load(String name) {
    return LoadRequest.of(GoldenModel.path(name + ".gguf"));
  }

  /** Texts of mixed lengths: more than share a step, some longer than the window. */
  private static List<Prompt> texts() {
    List<Prompt> texts = new ArrayList<>();
    for (int length : new int[] {40, 1, 7, 130, 16, 17, 2, 300, 9, 64, 3, 512, 33, 5, 8}) {
      texts.add(tokens(length));
    }
    return texts;
  }

  private static Prompt tokens(int length) {
    return new Prompt.Tokens(
        IntStream.range(0, length).map(i -> 20 + (i * 37 + length) % 900).boxed().toList());
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void textsTogetherGiveTheBitsOfTextsAlone(boolean exact) throws InterruptedException {
    LoadRequest request = exact ? load(Q8_0).exactly() : load(Q8_0);
    try (Engine engine = engine(CPU);
        Model model = engine.load(request)) {
      List<Prompt> texts = texts();
      EmbedResult together = model.embed(EmbedRequest.of(texts));
      long steps = model.metrics().value("engine.steps");
      assertTrue(steps < texts.size(), steps + " steps");
      for (int i = 0; i < texts.size(); i++) {
        EmbedResult alone = model.embed(EmbedRequest.of(List.of(texts.get(i))));
        assertArrayEquals(alone.vector(0), together.vector(i), "text " + i);
        assertEquals(1, length(alone.vector(0)), 1e-6);
      }
    }
  }

  private static double length(float[] vector) {
    double squares = 0;
    for (float x : vector) {
      squares += (double) x * x;
    }
    return Math.sqrt(squares);
  }

  @ParameterizedTest
  @ValueSource(strings = {F32, Q8_0})
  void exactModeGivesTheGoldenVector(String name) throws InterruptedException {
    Prompt golden = new Prompt.Tokens(Arrays.stream(GemmaGoldenTest.TOKENS).boxed().toList());
    EmbedRequest request = EmbedRequest.of(List.of(tokens(9), golden)).raw();
    try (Engine engine = engine(CPU);
        Model model = engine.load(load(name).exactly())) {
      float[] got = model.embed(request).vector(1);
      double difference = GoldenModel.maxDifference(got, GoldenModel.expected(name));
      assertTrue(difference <= GemmaGoldenTest.EXACT_BOUND, "largest difference " + difference);
    }
  }

  @Test
  void aFarDeviceGivesTheBitsOfTheCpu() throws InterruptedException {
    EmbedRequest request = EmbedRequest.of(texts());
    try (Engine near = engine(CPU);
        Engine far = engine(FAR);
        Model here = near.load(load(Q8_0));
        Model there = far.load(load(Q8_0))) {
      EmbedResult want = here.embed(request);
      EmbedResult got = there.embed(request);
      for (int i = 0; i < want.count(); i++) {
        assertArrayEquals(want.vector(i), got.vector(i), "text " + i);
      }
    }
  }

  @Test
  void saysWhatItDoes() {
    try (Engine engine = engine(CPU);
        Model model = engine.load(load(Q8_0));
        Model decoder = engine.load(load("gemma3-mini-Q8_0"))) {
      assertEquals(Capability.EMBED, model.info().capability());
      EmbeddingInfo info = model.info().embedding().orElseThrow();
      assertEquals(64, info.width());
      assertEquals(512, info.maxTextTokens());
      assertEquals("title: none | text: ", info.prefixes().get("document"));
      assertEquals(958, model.info().vocabSize());
      MemoryUse memory = model.info().memory();
      assertEquals(0, memory.kvBytes());
      assertEquals(Capability.GENERATE, decoder.info().capability());
    }
  }

  @Test
  void refusesWhatDoesNotFitTheContext() throws InterruptedException {
    try (Engine engine = engine(CPU);
        Model model = engine.load(load(Q8_0).withContextLength(32))) {
      RequestRejectedException e =
          assertThrows(
              RequestRejectedException.class,
              () -> model.embed(EmbedRequest.of(List.of(tokens(32), tokens(33)))));
      assertEquals(Reason.PROMPT_TOO_LONG, e.reason());
      String message = String.valueOf(e.getMessage());
      assertTrue(message.contains("text 2 of 2 has 33 tokens"), message);
      assertTrue(message.contains("at most 32"), message);
      EmbedRequest cut = EmbedRequest.of(List.of(tokens(33))).truncating();
      assertEquals(32, model.embed(cut).tokens(0));
    }
  }

  @Test
  void textsBeginAndEndAsTheFileSays() {
    EmbeddingGemmaArchitecture gemma = new EmbeddingGemmaArchitecture();
    try (GoldenModel model = GoldenModel.open(F32)) {
      Metadata m = model.source().metadata();
      Metadata published = m.toBuilder().put("tokenizer.ggml.add_eos_token", true).build();
      Tokenizer plain = gemma.tokenizer(model.source(), new Tokenizers());
      Tokenizer both = gemma.tokenizer(model.source().withMetadata(published), new Tokenizers());
      int[] bare = plain.encode("a fox", false, false);
      assertArrayEquals(new int[] {2}, plain.encode("", true, false));
      assertArrayEquals(new int[] {2, 1}, both.encode("", true, false));
      int[] marked = both.encode("a fox", true, false);
      assertEquals(2, marked[0]);
      assertEquals(1, marked[marked.length - 1]);
      assertArrayEquals(bare, Arrays.copyOfRange(marked, 1, marked.length - 1));
    }
  }
}
