package dev.serval.it;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.backend.Backend;
import dev.serval.api.backend.CompileSpec.Mode;
import dev.serval.api.graph.Graph;
import dev.serval.api.graph.GraphBuilder;
import dev.serval.backend.cpu.CpuBackend;
import dev.serval.tck.graphs.GptOssGraph;
import dev.serval.tck.reference.ReferenceBackend;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * gpt-oss, as the contracts describe it, against what an independent implementation computes:
 * sinks, YaRN and a mixture of experts.
 */
class GptOssGoldenTest {

  private static final String MODEL = "gpt-oss-mini-F32";
  private static final String QUANTIZED = "gpt-oss-mini-MXFP4";

  static final int[] TOKENS =
      GoldenModel.ids(
          """
          10 14 290 270 301 411 500 612 733 804 85 266 275 288 299 310 321 333 344 355 366 377 388
          399 401 412 423 434 445 456 467 478 489 490 501 512 523 534 545 556
          """);

  /** The tokens after which the long text's logits are known: around the window and the context. */
  private static final List<Integer> LONG_ROWS =
      List.of(0, 15, 16, 40, 127, 128, 129, 200, 255, 256, 300, 319);

  /** Both sides compute with exact weights; what is left is the order of F32 sums. */
  static final double BOUND = 2e-4;

  /** Shared by the tests, so none of them closes it. */
  private static final CpuBackend CPU = new CpuBackend();

  static Stream<Backend> backends() {
    return Stream.of(new ReferenceBackend(), CPU);
  }

  @AfterAll
  static void stopCpu() {
    CPU.close();
  }

  @ParameterizedTest(autoCloseArguments = false)
  @MethodSource("backends")
  void givesTheGoldenLogits(Backend backend) {
    float[] got = GoldenModel.joined(run(backend, TOKENS));
    requireClose(got, GoldenModel.expected(MODEL));
  }

  @ParameterizedTest(autoCloseArguments = false)
  @MethodSource("backends")
  void givesTheGoldenLogitsPastTheOriginalContext(Backend backend) {
    byte[] text = GoldenModel.bytes(MODEL + "-long.ids.txt");
    int[] tokens = GoldenModel.ids(new String(text, StandardCharsets.US_ASCII));
    List<float[]> all = run(backend, tokens);
    List<float[]> known = new ArrayList<>();
    LONG_ROWS.forEach(row -> known.add(all.get(row)));
    requireClose(GoldenModel.joined(known), GoldenModel.expected(MODEL + "-long"));
  }

  /** Activations that meet experts are not rounded: any rounding moves the choice of experts. */
  @ParameterizedTest
  @EnumSource
  void expertsOfFourBitsGiveTheGoldenLogits(Mode mode) {
    float[] got = GoldenModel.joined(run(CPU, QUANTIZED, mode, TOKENS));
    requireClose(got, GoldenModel.expected(QUANTIZED));
  }

  private static List<float[]> run(Backend backend, int... tokens) {
    return run(backend, MODEL, Mode.EXACT, tokens);
  }

  private static List<float[]> run(Backend backend, String name, Mode mode, int... tokens) {
    try (GoldenModel model = GoldenModel.open(name)) {
      GraphBuilder g = new GraphBuilder();
      GptOssGraph.describe(model.source(), g);
      Graph graph = g.build();
      return GoldenModel.run(backend, graph, model.weights(), spec -> spec.withMode(mode), tokens);
    }
  }

  private static void requireClose(float[] got, float[] expected) {
    double difference = GoldenModel.maxDifference(got, expected);
    assertTrue(difference <= BOUND, "largest difference " + difference);
  }
}
