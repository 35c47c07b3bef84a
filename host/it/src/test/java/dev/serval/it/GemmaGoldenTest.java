package dev.serval.it;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.backend.Backend;
import dev.serval.api.backend.CompileSpec;
import dev.serval.api.backend.CompileSpec.Mode;
import dev.serval.api.graph.Graph;
import dev.serval.api.graph.GraphBuilder;
import dev.serval.api.model.Match;
import dev.serval.api.model.ModelSource;
import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.Weights;
import dev.serval.backend.cpu.CpuBackend;
import dev.serval.models.gemma.GemmaArchitecture;
import dev.serval.tck.reference.ReferenceBackend;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Gemma 3 from file to logits, against what an independent implementation computes. */
class GemmaGoldenTest {

  static final int[] TOKENS =
      GoldenModel.ids(
          """
          2 14 290 270 301 411 500 612 733 804 905 266 275 288 299 310 321 333 344 355 366 377 388
          399 401 412 423 434 445 456 467 478 489 490 501 512 523 534 545 556
          """);

  /** Both sides compute with exact weights; what is left is the order of F32 sums. */
  static final double EXACT_BOUND = 2e-4;

  private static final Backend REFERENCE = new ReferenceBackend();
  private static final CpuBackend CPU = new CpuBackend();

  private final GemmaArchitecture gemma = new GemmaArchitecture();

  @AfterAll
  static void stopCpu() {
    CPU.close();
  }

  static Stream<String> models() {
    return Stream.of(
        "gemma3-mini-F32",
        "gemma3-mini-F16",
        "gemma3-mini-Q8_0",
        "gemma3-mini-Q4_0",
        "gemma3-k256-BF16",
        "gemma3-k256-IQ4_NL",
        "gemma3-k256-Q2_K",
        "gemma3-k256-Q3_K_M",
        "gemma3-k256-Q4_1",
        "gemma3-k256-Q4_K_M",
        "gemma3-k256-Q5_0",
        "gemma3-k256-Q5_1",
        "gemma3-k256-Q5_K_M",
        "gemma3-k256-Q6_K");
  }

  @ParameterizedTest
  @MethodSource("models")
  void referenceBackendGivesTheGoldenLogits(String name) {
    exact(REFERENCE, name);
  }

  @ParameterizedTest
  @MethodSource("models")
  void cpuBackendInExactModeGivesTheGoldenLogits(String name) {
    exact(CPU, name);
  }

  private void exact(Backend backend, String name) {
    try (GoldenModel model = GoldenModel.open(name)) {
      float[] got = logits(backend, model.source(), model.weights(), spec -> spec);
      double difference = GoldenModel.maxDifference(got, GoldenModel.expected(name));
      assertTrue(difference <= EXACT_BOUND, name + ": largest difference " + difference);
    }
  }

  /** The bar of the golden README: 1.5 × llama.cpp's distance, where it has none 1e-5. */
  @ParameterizedTest
  @CsvSource({
    "gemma3-mini-F32, 1.000000",
    "gemma3-mini-F16, 1.000000",
    "gemma3-mini-Q8_0, 0.999718",
    "gemma3-mini-Q4_0, 0.999789",
    "gemma3-k256-BF16, 0.999990",
    "gemma3-k256-IQ4_NL, 0.999880",
    "gemma3-k256-Q2_K, 0.999739",
    "gemma3-k256-Q3_K_M, 0.999757",
    "gemma3-k256-Q4_1, 0.999874",
    "gemma3-k256-Q4_K_M, 0.999747",
    "gemma3-k256-Q5_0, 0.999876",
    "gemma3-k256-Q5_1, 0.999872",
    "gemma3-k256-Q5_K_M, 0.999752",
    "gemma3-k256-Q6_K, 0.999748"
  })
  void cpuBackendInDefaultModeStaysAsCloseAsLlamaCpp(String name, double cosineOfLlamaCpp) {
    double bar = cosineOfLlamaCpp == 1 ? 1e-5 : 1.5 * (1 - cosineOfLlamaCpp);
    try (GoldenModel model = GoldenModel.open(name)) {
      float[] got = logits(CPU, model.source(), model.weights(), GemmaGoldenTest::defaults);
      double distance = GoldenModel.cosineDistance(got, GoldenModel.expected(name));
      assertTrue(distance <= bar, name + ": 1 - cosine " + distance + ", bar " + bar);
    }
  }

  private static CompileSpec defaults(CompileSpec spec) {
    return spec.withMode(Mode.DEFAULT).withKvType(DataType.F16);
  }

  @ParameterizedTest
  @ValueSource(strings = {"gemma3-mini-F32", "gemma3-mini-Q8_0", "gemma3-mini-Q4_0"})
  void ollamaTwinGivesTheSameBits(String name) {
    try (GoldenModel model = GoldenModel.open(name)) {
      OllamaTwin twin = OllamaTwin.of(model.source(), model.weights());
      assertEquals(graph(model.source()).digest(), graph(twin.source()).digest());
      for (Backend backend : List.of(REFERENCE, CPU)) {
        assertArrayEquals(
            logits(backend, model.source(), model.weights(), spec -> spec),
            logits(backend, twin.source(), twin.weights(), spec -> spec),
            backend.name());
      }
      assertArrayEquals(
          logits(CPU, model.source(), model.weights(), GemmaGoldenTest::defaults),
          logits(CPU, twin.source(), twin.weights(), GemmaGoldenTest::defaults));
    }
  }

  private float[] logits(
      Backend backend, ModelSource source, Weights weights, UnaryOperator<CompileSpec> how) {
    return GoldenModel.joined(GoldenModel.run(backend, graph(source), weights, how, TOKENS));
  }

  private Graph graph(ModelSource source) {
    assertInstanceOf(Match.Yes.class, gemma.match(source));
    GraphBuilder g = new GraphBuilder();
    gemma.describe(gemma.normalise(source), g);
    return g.build();
  }
}
