package dev.serval.tck.graphs;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.backend.Backend;
import dev.serval.api.backend.CompileSpec;
import dev.serval.api.graph.Composite;
import dev.serval.api.graph.Graph;
import dev.serval.api.graph.Mark;
import dev.serval.api.tensor.DataType;
import dev.serval.tck.memory.TestMemory;
import dev.serval.tck.reference.ReferenceBackend;
import dev.serval.tck.run.Chain;
import dev.serval.tck.run.SequenceRunner;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Whole models can be said with the op set, and what is said can be computed. */
class GraphProofTest {

  private static final int[] TOKENS = {3, 14, 15, 92, 65, 35, 89, 79, 32, 38};

  enum Kind {
    GEMMA_3,
    GPT_OSS,
    GEMMA_3N,
    GEMMA_4;

    TestModel model(DataType type) {
      return switch (this) {
        case GEMMA_3 -> TestModel.gemma3(type, 5);
        case GPT_OSS -> TestModel.gptOss(type, 5);
        case GEMMA_3N -> TestModel.gemma3n(type, 5);
        case GEMMA_4 -> TestModel.gemma4(type, 5);
      };
    }
  }

  @ParameterizedTest
  @EnumSource
  void decoderComputesFiniteLogitsThatDependOnTheWholePrompt(Kind kind) {
    TestModel model = kind.model(DataType.Q8_0);
    List<float[]> rows = prefill(model, model.graph(), 4, TOKENS);
    assertEquals(TOKENS.length, rows.size());
    for (float[] row : rows) {
      assertEquals(TestModel.VOCABULARY, row.length);
      for (float x : row) {
        assertTrue(Float.isFinite(x));
      }
    }
    int[] other = TOKENS.clone();
    other[0] = 4;
    List<float[]> changed = prefill(model, model.graph(), 4, other);
    assertFalse(Arrays.equals(rows.getLast(), changed.getLast()));
  }

  @ParameterizedTest
  @EnumSource
  void loweredGraphComputesTheSameBits(Kind kind) {
    TestModel model = kind.model(DataType.F32);
    Graph lowered = model.graph().lowered(c -> false);
    assertTrue(lowered.nodes().stream().noneMatch(n -> n.op() instanceof Composite));
    assertEquals(model.graph().digest(), lowered.digest());
    List<float[]> want = prefill(model, model.graph(), 10, TOKENS);
    List<float[]> got = prefill(model, lowered, 10, TOKENS);
    for (int i = 0; i < want.size(); i++) {
      assertArrayEquals(want.get(i), got.get(i));
    }
  }

  @Test
  void cutThroughSharedCachesIsRefusedWithTheSlot() {
    Graph graph = TestModel.gemma3n(DataType.F32, 5).graph();
    assertEquals(List.of(), graph.cutProblems(List.of(Mark.layer(3))));
    List<String> problems = graph.cutProblems(List.of(Mark.layer(8)));
    assertTrue(problems.getFirst().contains("slot 6"), problems::toString);
  }

  @Test
  void encoderPoolsEachSequenceByItself() {
    TestModel model = TestModel.encoder(DataType.F32, 5);
    Backend backend = new ReferenceBackend();
    try (TestMemory memory = new TestMemory()) {
      CompileSpec spec = memory.spec(model.graph(), 32, 2, 0);
      try (Chain chain =
          Chain.of(
              backend,
              backend.devices().devices().getFirst(),
              model.weights(),
              model.graph(),
              spec)) {
        SequenceRunner runner = new SequenceRunner(chain, model.graph(), spec.limits());
        List<float[]> both = runner.add(0, 1, 2, 3, 4, 5, 6, 7, 8, 9).add(1, 7, 6, 5).run();
        runner.forget(0);
        runner.forget(1);
        List<float[]> alone = runner.add(0, 7, 6, 5).run();
        assertEquals(2, both.size());
        assertArrayEquals(alone.getFirst(), both.get(1));
      }
    }
  }

  private static List<float[]> prefill(TestModel model, Graph graph, int chunk, int[] tokens) {
    Backend backend = new ReferenceBackend();
    try (TestMemory memory = new TestMemory()) {
      CompileSpec spec = memory.spec(graph, 10, 1, 16);
      try (Chain chain =
          Chain.of(backend, backend.devices().devices().getFirst(), model.weights(), graph, spec)) {
        return new SequenceRunner(chain, graph, spec.limits()).prefill(0, chunk, tokens);
      }
    }
  }
}
