package dev.serval.it;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.backend.Backend;
import dev.serval.api.backend.CompileSpec;
import dev.serval.api.graph.Graph;
import dev.serval.api.graph.GraphBuilder;
import dev.serval.api.model.Match;
import dev.serval.api.model.Metadata;
import dev.serval.api.model.ModelSource;
import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.TensorView;
import dev.serval.api.tensor.Weights;
import dev.serval.backend.cpu.CpuBackend;
import dev.serval.models.gemma.EmbeddingGemmaArchitecture;
import dev.serval.models.gemma.GemmaArchitecture;
import dev.serval.tck.memory.TestMemory;
import dev.serval.tck.reference.ReferenceBackend;
import dev.serval.tck.run.Chain;
import dev.serval.tck.run.SequenceRunner;
import dev.serval.tck.weights.TestWeights;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Encoders on backends, against loops that write the mask down for each pair of positions. */
class EmbeddingWindowTest {

  private static final int VOCABULARY = 60;
  private static final int DIM = 32;
  private static final double BOUND = 2e-5;

  private static final CpuBackend CPU = new CpuBackend();
  private static final List<Backend> BACKENDS = List.of(new ReferenceBackend(), CPU);

  @AfterAll
  static void stopCpu() {
    CPU.close();
  }

  /** A made-up model. */
  private record Small(ModelSource source, TestWeights weights) {

    /** Seven layers, of which the sixth is global; 4 heads of 16 on 2 key heads. */
    static Small of(int window, boolean dense) {
      TestWeights w = new TestWeights(window);
      matrix(w, "token_embd", DIM, VOCABULARY);
      norm(w, "output_norm", DIM);
      for (int i = 0; i < 7; i++) {
        String b = "blk." + i + ".";
        for (String n : List.of("attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm")) {
          norm(w, b + n, DIM);
        }
        norm(w, b + "attn_q_norm", 16);
        norm(w, b + "attn_k_norm", 16);
        matrix(w, b + "attn_q", DIM, 64);
        matrix(w, b + "attn_k", DIM, 32);
        matrix(w, b + "attn_v", DIM, 32);
        matrix(w, b + "attn_output", 64, DIM);
        matrix(w, b + "ffn_gate", DIM, 48);
        matrix(w, b + "ffn_up", DIM, 48);
        matrix(w, b + "ffn_down", 48, DIM);
      }
      if (dense) {
        matrix(w, "dense_2", DIM, 96);
        matrix(w, "dense_3", 96, 40);
      }
      Metadata m =
          new Metadata.Builder()
              .put(Metadata.ARCHITECTURE, "gemma-embedding")
              .put("gemma-embedding.context_length", 64)
              .put("gemma-embedding.embedding_length", DIM)
              .put("gemma-embedding.block_count", 7)
              .put("gemma-embedding.feed_forward_length", 48)
              .put("gemma-embedding.attention.head_count", 4)
              .put("gemma-embedding.attention.head_count_kv", 2)
              .put("gemma-embedding.attention.key_length", 16)
              .put("gemma-embedding.attention.sliding_window", window)
              .put("gemma-embedding.attention.layer_norm_rms_epsilon", (double) 1e-6f)
              .put("gemma-embedding.rope.freq_base", 1e6)
              .build();
      return new Small(new ModelSource("small", m, w.tensors()), w);
    }

    private static void matrix(TestWeights w, String name, long in, long out) {
      w.around(name + ".weight", DataType.F32, 0, Math.sqrt(3.0 / in), in, out);
    }

    private static void norm(TestWeights w, String name, long n) {
      w.around(name + ".weight", DataType.F32, 1, 0.5, n);
    }
  }

  /** Lengths around half a window, a window, and two. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 5, 8, 9})
  void seesHalfAWindowToEitherSide(int window) {
    Small small = Small.of(window, false);
    int half = window / 2;
    int[] lengths =
        IntStream.of(
                1, 2, half, half + 1, half + 2, window, window + 1, 2 * half + 1, 2 * window + 3)
            .filter(n -> n > 0)
            .distinct()
            .toArray();
    check(small.source, small.weights, lengths);
  }

  @Test
  void multipliesByTheDenseLayersAfterPooling() {
    Small small = Small.of(6, true);
    assertEquals(40, graph(small.source).outputWidth());
    check(small.source, small.weights, 1, 7, 20);
  }

  /** Ollama's older files call it a gemma3 and the dense layers dense.0 and dense.1. */
  @Test
  void readsTheDialectOfOllama() {
    Small small = Small.of(6, true);
    Metadata m = small.source.metadata();
    for (String key : List.copyOf(m.keys())) {
      m = m.renamed(key, key.replace("gemma-embedding.", "gemma3."));
    }
    m =
        m.renamed("gemma3.rope.freq_base", "gemma3.rope.global.freq_base").toBuilder()
            .put(Metadata.ARCHITECTURE, "gemma3")
            .put("gemma3.rope.local.freq_base", 1e4)
            .build();
    Map<String, String> names =
        Map.of(
            "dense_2.weight", "dense.0.weight",
            "dense_3.weight", "dense.1.weight",
            "output_norm.weight", "norm.weight");
    List<TensorView> tensors =
        small.source.tensors().stream()
            .map(t -> t.named(names.getOrDefault(t.name(), t.name())))
            .toList();
    EmbeddingGemmaArchitecture gemma = new EmbeddingGemmaArchitecture();
    ModelSource ollama = new ModelSource("ollama", m, tensors);
    assertInstanceOf(Match.Yes.class, gemma.match(ollama));
    assertInstanceOf(Match.No.class, new GemmaArchitecture().match(ollama));
    ModelSource repaired = gemma.normalise(ollama);
    assertEquals(graph(small.source).digest(), graph(repaired).digest());
    check(repaired, small.weights, 5);
  }

  @Test
  void theGoldenModelSeesHalfItsWindow() {
    try (GoldenModel model = GoldenModel.open("gemma-embedding-mini-F32")) {
      check(model.source(), model.weights(), 8, 9, 10, 17, 33);
    }
  }

  /** Texts of these lengths, alone and together. */
  private static void check(ModelSource source, Weights weights, int... lengths) {
    PlainEncoder plain = new PlainEncoder(source, weights);
    Graph graph = graph(source);
    int all = IntStream.of(lengths).sum();
    for (Backend backend : BACKENDS) {
      try (TestMemory memory = new TestMemory()) {
        CompileSpec spec = memory.spec(graph, all, lengths.length, 1);
        try (Chain chain =
            Chain.of(backend, backend.devices().devices().getFirst(), weights, graph, spec)) {
          SequenceRunner runner = new SequenceRunner(chain, graph, spec.limits());
          for (int i = 0; i < lengths.length; i++) {
            runner.add(i, text(lengths[i]));
          }
          List<float[]> together = runner.run();
          for (int i = 0; i < lengths.length; i++) {
            String what = backend.name() + ", " + lengths[i] + " tokens";
            requireClose(what, plain.embed(text(lengths[i])), together.get(i));
            runner.forget(i);
            List<float[]> alone = runner.add(i, text(lengths[i])).run();
            assertArrayEquals(together.get(i), alone.getFirst(), what + " alone");
          }
        }
      }
    }
  }

  private static int[] text(int length) {
    return IntStream.range(0, length).map(i -> (7 * i + 11 * length) % VOCABULARY).toArray();
  }

  private static Graph graph(ModelSource source) {
    GraphBuilder g = new GraphBuilder();
    new EmbeddingGemmaArchitecture().describe(source, g);
    return g.build();
  }

  private static void requireClose(String what, double[] want, float[] got) {
    assertEquals(want.length, got.length, what);
    for (int i = 0; i < want.length; i++) {
      double difference = Math.abs(want[i] - got[i]);
      assertTrue(difference <= BOUND * Math.max(1, Math.abs(want[i])), what + ": " + difference);
    }
  }
}
