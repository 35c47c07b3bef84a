package dev.serval.it;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.backend.Backend;
import dev.serval.api.backend.CompileSpec;
import dev.serval.api.backend.CompileSpec.Mode;
import dev.serval.api.graph.Graph;
import dev.serval.api.graph.GraphBuilder;
import dev.serval.api.graph.Mark;
import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.Weights;
import dev.serval.backend.cpu.CpuBackend;
import dev.serval.models.gemma.GemmaArchitecture;
import dev.serval.tck.far.FarBackend;
import dev.serval.tck.graphs.GptOssGraph;
import dev.serval.tck.graphs.TestModel;
import dev.serval.tck.memory.TestMemory;
import dev.serval.tck.reference.ReferenceBackend;
import dev.serval.tck.run.Chain;
import dev.serval.tck.run.Chain.Place;
import dev.serval.tck.run.SequenceRunner;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A model that is cut and spread over devices computes the bits that it computes in one piece. */
class GoldenCutTest {

  private static final int CHUNK = 16;
  private static final int CELLS = 64;
  private static final int GENERATED = 20;

  private static final CpuBackend CPU = new CpuBackend();
  private static final FarBackend FAR_CPU = new FarBackend(CPU);
  private static final Backend REFERENCE = new ReferenceBackend();
  private static final FarBackend FAR_REFERENCE = new FarBackend(REFERENCE);

  @AfterAll
  static void stop() {
    FAR_CPU.close();
    FAR_REFERENCE.close();
    CPU.close();
  }

  private static Place place(Backend backend, int device) {
    return new Place(backend, backend.devices().devices().get(device));
  }

  private static CompileSpec defaults(CompileSpec spec) {
    return spec.withMode(Mode.DEFAULT).withKvType(DataType.F16);
  }

  /** What to run, however it is cut. */
  private static final class Job {

    private final Graph graph;
    private final Weights weights;
    private final UnaryOperator<CompileSpec> how;
    private final int[] prompt;
    private final int generated;

    Job(Graph graph, Weights weights, UnaryOperator<CompileSpec> how, int[] prompt, int generated) {
      this.graph = graph;
      this.weights = weights;
      this.how = how;
      this.prompt = prompt;
      this.generated = generated;
    }

    /** The logits after each token of the prompt, in chunks, and of a greedy continuation. */
    List<float[]> run(List<Mark> points, List<Place> places) {
      List<Graph> stages = points.isEmpty() ? List.of(graph) : graph.cut(points);
      try (TestMemory memory = new TestMemory()) {
        CompileSpec spec = how.apply(memory.spec(graph, CHUNK, 1, CELLS));
        try (Chain chain = Chain.of(places, weights, stages, spec)) {
          SequenceRunner runner = new SequenceRunner(chain, graph, spec.limits());
          List<float[]> rows = new ArrayList<>(runner.prefill(0, CHUNK, prompt));
          for (int i = 0; i < generated; i++) {
            rows.addAll(runner.add(0, best(rows.getLast())).run());
          }
          return rows;
        }
      }
    }

    private static int best(float[] logits) {
      int best = 0;
      for (int i = 1; i < logits.length; i++) {
        best = logits[i] > logits[best] ? i : best;
      }
      return best;
    }

    void requireSame(List<float[]> want, List<Mark> points, Place... places) {
      List<float[]> got = run(points, List.of(places));
      String what = "cut at " + points + " over " + Arrays.toString(places);
      assertEquals(prompt.length + generated, got.size(), what);
      for (int i = 0; i < want.size(); i++) {
        assertArrayEquals(want.get(i), got.get(i), what + ", row " + i);
      }
    }

    /** Every stage the next of the places. */
    void requireSameInSmallestPieces(List<float[]> want, Place... places) {
      List<Mark> points = graph.marks().subList(1, graph.marks().size());
      Place[] dealt = new Place[points.size() + 1];
      Arrays.setAll(dealt, i -> places[i % places.length]);
      requireSame(want, points, dealt);
    }
  }

  private static Graph gemma(GoldenModel model) {
    GemmaArchitecture gemma = new GemmaArchitecture();
    GraphBuilder g = new GraphBuilder();
    gemma.describe(gemma.normalise(model.source()), g);
    return g.build();
  }

  @ParameterizedTest
  @ValueSource(strings = {"gemma3-mini-F32", "gemma3-mini-Q8_0"})
  void gemmaOverDevicesIsGemmaOnTheCpu(String name) {
    try (GoldenModel model = GoldenModel.open(name)) {
      Graph graph = gemma(model);
      List<UnaryOperator<CompileSpec>> modes = List.of(spec -> spec, GoldenCutTest::defaults);
      for (UnaryOperator<CompileSpec> how : modes) {
        Job job = new Job(graph, model.weights(), how, GemmaGoldenTest.TOKENS, GENERATED);
        List<float[]> want = job.run(List.of(), List.of(place(CPU, 0)));
        job.requireSame(want, List.of(), place(FAR_CPU, 1));
        for (Mark point : graph.marks().subList(1, graph.marks().size())) {
          List<Mark> points = List.of(point);
          job.requireSame(want, points, place(FAR_CPU, 0), place(FAR_CPU, 1));
          job.requireSame(want, points, place(FAR_CPU, 0), place(CPU, 0));
          job.requireSame(want, points, place(CPU, 0), place(FAR_CPU, 1));
        }
        job.requireSameInSmallestPieces(want, place(FAR_CPU, 0), place(CPU, 0), place(FAR_CPU, 1));
      }
    }
  }

  @Test
  void gptOssOverDevicesIsGptOssInOnePieceAndGolden() {
    String name = "gpt-oss-mini-F32";
    int[] prompt = GptOssGoldenTest.TOKENS;
    try (GoldenModel model = GoldenModel.open(name)) {
      GraphBuilder g = new GraphBuilder();
      GptOssGraph.describe(model.source(), g);
      Job job = new Job(g.build(), model.weights(), spec -> spec, prompt, 4);
      List<float[]> want = job.run(List.of(), List.of(place(REFERENCE, 0)));
      float[] rows = GoldenModel.joined(want.subList(0, prompt.length));
      double difference = GoldenModel.maxDifference(rows, GoldenModel.expected(name));
      assertTrue(difference <= GptOssGoldenTest.BOUND, "largest difference " + difference);
      List<Mark> middle = List.of(Mark.layer(1));
      job.requireSame(want, middle, place(FAR_REFERENCE, 0), place(FAR_REFERENCE, 1));
      job.requireSameInSmallestPieces(want, place(FAR_REFERENCE, 1), place(FAR_REFERENCE, 0));
      List<float[]> cpu = job.run(List.of(), List.of(place(CPU, 0)));
      job.requireSame(cpu, middle, place(FAR_CPU, 0), place(CPU, 0));
    }
  }

  @Test
  void cutThroughASharedCacheIsRefusedAndBesideItComputesTheSame() {
    TestModel model = TestModel.gemma3n(DataType.Q8_0, 5);
    int[] prompt = Stream.of(3, 14, 15, 92, 65, 35, 89, 79, 32).mapToInt(i -> i).toArray();
    Job job = new Job(model.graph(), model.weights(), spec -> spec, prompt, GENERATED);
    Place[] places = {place(FAR_CPU, 0), place(FAR_CPU, 1)};
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class, () -> job.run(List.of(Mark.layer(8)), List.of(places)));
    assertTrue(e.toString().contains("the cache of slot 6 is stored before the cut"), e::toString);
    List<float[]> want = job.run(List.of(), List.of(place(CPU, 0)));
    job.requireSame(want, List.of(Mark.layer(3)), places);
  }
}
