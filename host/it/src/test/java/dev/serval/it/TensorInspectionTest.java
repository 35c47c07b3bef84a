package dev.serval.it;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.backend.Backend;
import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.graph.GraphBuilder;
import dev.serval.api.graph.NamedValue;
import dev.serval.api.model.Match;
import dev.serval.api.model.ModelArchitecture;
import dev.serval.api.model.ModelSource;
import dev.serval.api.runtime.EmbedRequest;
import dev.serval.api.runtime.GenerateRequest;
import dev.serval.api.runtime.Generation;
import dev.serval.api.runtime.InspectedTensor;
import dev.serval.api.runtime.InspectedTensor.Rows;
import dev.serval.api.runtime.LoadRequest;
import dev.serval.api.runtime.Model;
import dev.serval.api.runtime.Prompt;
import dev.serval.api.runtime.SamplingOptions;
import dev.serval.api.runtime.TensorInspection;
import dev.serval.api.runtime.TensorSink;
import dev.serval.api.runtime.TokenSink;
import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.TensorView;
import dev.serval.backend.cpu.CpuBackend;
import dev.serval.engine.Engine;
import dev.serval.models.gemma.EmbeddingGemmaArchitecture;
import dev.serval.models.gemma.GemmaArchitecture;
import dev.serval.tck.far.FarBackend;
import dev.serval.tck.graphs.GptOssGraph;
import dev.serval.tck.reference.ReferenceBackend;
import dev.serval.tck.reference.RowDecoder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Looking at what models compute on the way, from file to values. */
class TensorInspectionTest {

  private static final String GEMMA = "gemma3-mini-F32";
  private static final String GPT_OSS = "gpt-oss-mini-F32";
  private static final String EMBEDDING = "gemma-embedding-mini-F32";

  private static final Backend REFERENCE = new ReferenceBackend();
  private static final CpuBackend CPU = new CpuBackend();
  private static final FarBackend FAR = new FarBackend(CPU);

  /** gpt-oss as the contracts describe it. */
  private static final class GptOss implements ModelArchitecture {
    @Override
    public List<String> names() {
      return List.of("gpt-oss");
    }

    @Override
    public Match match(ModelSource source) {
      return source.architecture().equals("gpt-oss")
          ? new Match.Yes(1)
          : new Match.No(List.of("not gpt-oss"));
    }

    @Override
    public void describe(ModelSource source, GraphBuilder g) {
      GptOssGraph.describe(source, g);
    }
  }

  private static final List<ModelArchitecture> ARCHITECTURES =
      List.of(new GemmaArchitecture(), new EmbeddingGemmaArchitecture(), new GptOss());

  @AfterAll
  static void stop() {
    FAR.close();
    CPU.close();
  }

  private static LoadRequest load(String name) {
    return LoadRequest.of(GoldenModel.path(name + ".gguf")).exactly();
  }

  private static int[] tokens(String name) {
    return name.equals(GPT_OSS) ? GptOssGoldenTest.TOKENS : GemmaGoldenTest.TOKENS;
  }

  /** Keeps elements by name, step after step. */
  private static final class Recorder implements TensorSink {
    private final Map<String, List<float[]>> values = new LinkedHashMap<>();
    private final Map<String, List<List<Rows>>> rows = new LinkedHashMap<>();
    private final Map<String, List<Integer>> lastShape = new LinkedHashMap<>();

    @Override
    public void accept(InspectedTensor tensor) {
      float[] all = new float[Math.toIntExact(tensor.elements())];
      for (int i = 0; i < all.length; i++) {
        all[i] = (float) tensor.element(i);
      }
      values.computeIfAbsent(tensor.name(), n -> new ArrayList<>()).add(all);
      rows.computeIfAbsent(tensor.name(), n -> new ArrayList<>()).add(tensor.rows());
      lastShape.put(tensor.name(), tensor.shape());
    }

    float[] joined(String name) {
      return GoldenModel.joined(values.getOrDefault(name, List.of()));
    }
  }

  /** Computes the golden text, looking at everything. */
  private static Recorder record(Backend backend, String name) throws InterruptedException {
    Recorder recorder = new Recorder();
    TensorInspection all = TensorInspection.of("*", recorder);
    try (Engine engine = new Engine(List.of(backend), ARCHITECTURES);
        Model model = engine.load(load(name).withInspection(all))) {
      if (name.equals(EMBEDDING)) {
        model.embed(EmbedRequest.of(List.of(prompt(tokens(name)))));
      } else {
        model.logits(tokens(name), (i, row) -> {});
      }
    }
    return recorder;
  }

  private static Prompt prompt(int... ids) {
    return new Prompt.Tokens(Arrays.stream(ids).boxed().toList());
  }

  @ParameterizedTest
  @ValueSource(strings = {GEMMA, GPT_OSS, EMBEDDING})
  void everyBackendShowsTheSameValues(String name) throws InterruptedException {
    Recorder reference = record(REFERENCE, name);
    Recorder cpu = record(CPU, name);
    Recorder far = record(FAR, name);
    assertEquals(reference.rows, cpu.rows);
    assertEquals(reference.lastShape, cpu.lastShape);
    assertEquals(cpu.rows, far.rows);
    for (String value : reference.values.keySet()) {
      float[] want = reference.joined(value);
      float[] got = cpu.joined(value);
      double largest = GoldenModel.maxDifference(want, new float[want.length]);
      double difference = GoldenModel.maxDifference(got, want);
      double bound = GemmaGoldenTest.EXACT_BOUND * Math.max(1, largest); // F32 sums grow with it
      assertTrue(difference <= bound, value + ": " + difference + " of " + largest);
      assertArrayEquals(got, far.joined(value), value);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {GEMMA, GPT_OSS, EMBEDDING})
  void theResultIsTheGoldenOne(String name) throws InterruptedException {
    Recorder cpu = record(CPU, name);
    float[] got = cpu.joined(name.equals(EMBEDDING) ? "pooled" : "logits");
    double difference = GoldenModel.maxDifference(got, GoldenModel.expected(name));
    assertTrue(difference <= GemmaGoldenTest.EXACT_BOUND, "largest difference " + difference);
  }

  /** The first value of Gemma can be told from the file: rows of its table, scaled. */
  @Test
  void embeddingsAreRowsOfTheFile() throws InterruptedException {
    float[] got = record(CPU, GEMMA).joined("token_embd.scale");
    try (GoldenModel model = GoldenModel.open(GEMMA)) {
      TensorView table = model.source().tensor("token_embd.weight");
      int width = Math.toIntExact(table.shape().ne0());
      float[] row = new float[width];
      for (int i = 0; i < GemmaGoldenTest.TOKENS.length; i++) {
        RowDecoder.decode(DataType.F32, model.weights().row(table, GemmaGoldenTest.TOKENS[i]), row);
        for (int j = 0; j < width; j++) {
          assertEquals(row[j] * Math.sqrt(width), got[i * width + j], 1e-6);
        }
      }
    }
  }

  static Stream<String> goldenModels() throws IOException {
    try (Stream<Path> files = Files.list(GoldenModel.path("README.md").resolveSibling("."))) {
      return files
          .map(f -> f.getFileName().toString())
          .filter(f -> f.endsWith(".gguf"))
          .map(f -> f.substring(0, f.length() - ".gguf".length()))
          .toList()
          .stream();
    }
  }

  @ParameterizedTest
  @MethodSource("goldenModels")
  void everyValueHasANameOfItsOwn(String name) {
    try (GoldenModel model = GoldenModel.open(name)) {
      ModelArchitecture a =
          ARCHITECTURES.stream()
              .filter(x -> x.match(model.source()) instanceof Match.Yes)
              .findFirst()
              .orElseThrow();
      GraphBuilder g = new GraphBuilder();
      a.describe(a.normalise(model.source()), g);
      List<NamedValue> all = g.build().namedValues();
      Set<String> names = new HashSet<>();
      for (NamedValue v : all) {
        assertTrue(names.add(v.name()), v.name());
        assertEquals(v.layer().isPresent(), v.name().startsWith("blk."), v.name());
      }
      assertTrue(names.contains("token_embd"), names::toString);
      assertTrue(names.contains("blk.1.attn_q"), names::toString);
    }
  }

  /** Steps of sixteen rows, so that a text of forty takes three. */
  @Test
  void tellsWhoseRowsTheyAre() throws InterruptedException {
    Recorder text = record(CPU, GEMMA);
    List<List<Rows>> chunks =
        List.of(
            List.of(new Rows(0, 0, 16)), List.of(new Rows(0, 16, 16)), List.of(new Rows(0, 32, 8)));
    assertEquals(chunks, text.rows.get("blk.0.attn_q"));
    assertEquals(chunks, text.rows.get("logits"));

    Recorder recorder = new Recorder();
    TensorInspection some = new TensorInspection(List.of("*attn_q", "pooled"), Set.of(), recorder);
    try (Engine engine = new Engine(List.of(CPU), ARCHITECTURES);
        Model model = engine.load(load(EMBEDDING).withInspection(some))) {
      model.embed(EmbedRequest.of(List.of(prompt(2, 14, 290), prompt(2, 301))));
    }
    assertEquals(
        List.of(List.of(new Rows(0, 0, 3), new Rows(1, 0, 2))), recorder.rows.get("blk.0.attn_q"));
    assertEquals(
        List.of(List.of(new Rows(0, 2, 1), new Rows(1, 1, 1))), recorder.rows.get("pooled"));
    assertEquals(List.of(2, 64), recorder.lastShape.get("pooled"));
  }

  @Test
  void onlyTheLastRowIsWantedWhileTextIsGenerated() throws InterruptedException {
    Recorder recorder = new Recorder();
    TensorInspection some =
        new TensorInspection(List.of("logits", "blk.0.attn_q*"), Set.of(), recorder);
    GenerateRequest request =
        GenerateRequest.of(prompt(GemmaGoldenTest.TOKENS))
            .withSampling(SamplingOptions.GREEDY)
            .withMaxTokens(3)
            .ignoringEnd();
    try (Engine engine = new Engine(List.of(CPU), ARCHITECTURES)) {
      List<Integer> plain;
      try (Model model = engine.load(load(GEMMA))) {
        plain = model.generate(request, TokenSink.NONE).await().tokens();
      }
      try (Model model = engine.load(load(GEMMA).withInspection(some))) {
        assertEquals(plain, model.generate(request, TokenSink.NONE).await().tokens());
      }
    }
    assertEquals(
        List.of(
            List.of(new Rows(0, 39, 1)), List.of(new Rows(0, 40, 1)), List.of(new Rows(0, 41, 1))),
        recorder.rows.get("logits"));
  }

  @Test
  void whatIsLookedAtCountsAsStagingAndNothingElseIsOther() throws InterruptedException {
    try (Engine engine = new Engine(List.of(CPU), ARCHITECTURES);
        Model plain = engine.load(load(GEMMA));
        Model inspected =
            engine.load(load(GEMMA).withInspection(TensorInspection.of("*", tensor -> {})))) {
      assertEquals(plain.info().numericsId(), inspected.info().numericsId());
      assertEquals(plain.info().memory().kvBytes(), inspected.info().memory().kvBytes());
      assertTrue(
          inspected.info().memory().stagingBytes() > plain.info().memory().stagingBytes(),
          inspected.info()::toString);
      assertEquals(
          plain.info().memory().totalBytes() + inspected.info().memory().totalBytes(),
          engine.poolMetrics().leasedBytes());
    }
  }

  @Test
  void whatASinkThrowsEndsTheRequestInTheStepAndNoOther() throws InterruptedException {
    int[] calls = {0};
    TensorInspection failing =
        TensorInspection.of(
            "blk.1.*",
            tensor -> {
              if (calls[0]++ == 0) {
                throw new AssertionError("no room for " + tensor.name());
              }
            });
    try (Engine engine = new Engine(List.of(CPU), ARCHITECTURES);
        Model model = engine.load(load(GEMMA).withInspection(failing))) {
      RequestRejectedException e =
          assertThrows(
              RequestRejectedException.class,
              () -> model.logits(GemmaGoldenTest.TOKENS, (i, row) -> {}));
      assertEquals("request.inspection-failed", e.code());
      assertTrue(e.toString().contains("no room for blk.1.attn_norm"), e::toString);

      calls[0] = 0;
      Generation generation =
          model.generate(GenerateRequest.of(prompt(2, 14, 290)).withMaxTokens(2), TokenSink.NONE);
      assertEquals(
          "request.inspection-failed",
          assertThrows(RequestRejectedException.class, generation::await).code());

      int[] rows = {0};
      model.logits(GemmaGoldenTest.TOKENS, (i, row) -> rows[0]++);
      assertEquals(GemmaGoldenTest.TOKENS.length, rows[0]);
    }
  }

  @Test
  void refusesPatternsThatMatchNothingBeforeAnythingIsLoaded() {
    try (Engine engine = new Engine(List.of(CPU), ARCHITECTURES)) {
      TensorInspection wrong = TensorInspection.of("blk.0.attn_x", tensor -> {});
      RequestRejectedException e =
          assertThrows(
              RequestRejectedException.class, () -> engine.load(load(GEMMA).withInspection(wrong)));
      assertTrue(e.toString().contains("blk.0.attn_q"), e::toString);
      assertEquals(List.of(), engine.leases());
    }
  }

  @Test
  void tellsLayerAndOp() throws InterruptedException {
    List<String> seen = new ArrayList<>();
    TensorInspection layer =
        new TensorInspection(
            List.of("*"),
            Set.of(2),
            t -> seen.add(t.step() + " " + t.layer().equals(OptionalInt.of(2)) + " " + t.op()));
    try (Engine engine = new Engine(List.of(CPU), ARCHITECTURES);
        Model model = engine.load(load(GEMMA).withInspection(layer))) {
      model.logits(new int[] {2, 14}, (i, row) -> {});
    }
    assertEquals(
        List.of("0 true rmsNorm", "0 true matmul", "0 true matmul", "0 true matmul"),
        seen.subList(0, 4));
    assertTrue(seen.contains("0 true geglu"), seen::toString);
  }
}
