package dev.serval.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.serval.api.attention.AttentionSpec;
import dev.serval.api.attention.MaskKind;
import dev.serval.api.attention.RopeSpec;
import dev.serval.api.graph.Geglu;
import dev.serval.api.graph.GraphBuilder;
import dev.serval.api.graph.Value;
import dev.serval.api.model.Match;
import dev.serval.api.model.ModelArchitecture;
import dev.serval.api.model.ModelSource;
import dev.serval.api.model.TokenizerFactory;
import dev.serval.api.runtime.ContextOptions;
import dev.serval.api.runtime.GenerateRequest;
import dev.serval.api.runtime.Generation;
import dev.serval.api.runtime.LoadRequest;
import dev.serval.api.runtime.Model;
import dev.serval.api.runtime.Prompt;
import dev.serval.api.runtime.SamplingOptions;
import dev.serval.api.runtime.TokenSink;
import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.Shape;
import dev.serval.api.tensor.TensorInfo;
import dev.serval.api.text.Tokenizer;
import dev.serval.engine.gguf.GgufWriter;
import dev.serval.engine.recall.LetterTokenizer;
import dev.serval.tck.reference.ReferenceBackend;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A small transformer with random weights, from file to tokens on the reference backend. */
@Timeout(60)
class ReferenceModelTest {

  private static final int WIDTH = 16;
  private static final int HEADS = 2;
  private static final int LAYERS = 2;
  private static final int CONTEXT = 40;
  private static final String PROMPT = "thequickbrownfox";
  private static final int GENERATED = 16;

  @TempDir static Path folder;

  private static Path file = Path.of("tiny.gguf");
  private static List<Integer> expected = List.of();

  private final Engine engine =
      new Engine(List.of(new ReferenceBackend()), List.of(new TinyArchitecture()));

  /** Writes the file, and computes the expected tokens with the whole text in one step each. */
  @BeforeAll
  static void writeFile() throws IOException, InterruptedException {
    Random random = new Random(20261120);
    GgufWriter writer =
        new GgufWriter()
            .text("general.architecture", "tiny")
            .uint32("tiny.context_length", CONTEXT);
    for (TensorInfo tensor : TinyArchitecture.tensors()) {
      ByteBuffer data = ByteBuffer.allocate((int) tensor.bytes()).order(ByteOrder.LITTLE_ENDIAN);
      while (data.hasRemaining()) {
        data.putFloat((float) random.nextGaussian() * 0.4f);
      }
      writer.tensor(tensor, data.array());
    }
    file = writer.write(folder.resolve("tiny.gguf"));
    try (Engine alone =
        new Engine(List.of(new ReferenceBackend()), List.of(new TinyArchitecture()))) {
      Model model = alone.load(LoadRequest.of(file).exactly().withMaxSequences(1));
      List<Integer> text = new ArrayList<>();
      Arrays.stream(LetterTokenizer.ids(PROMPT)).forEach(text::add);
      for (int i = 0; i < GENERATED; i++) {
        text.add(best(logits(model, text).getLast()));
      }
      expected = List.copyOf(text.subList(PROMPT.length(), text.size()));
    }
  }

  @AfterAll
  static void forgetFile() {
    expected = List.of();
  }

  @AfterEach
  void nothingIsLeaked() {
    engine.close();
    assertEquals(List.of(), engine.leases());
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3, 7, 16, 64})
  void chunkSizeChangesNoToken(int chunkTokens) throws InterruptedException {
    Model model = engine.load(LoadRequest.of(file).exactly().withChunkTokens(chunkTokens));
    assertEquals(expected, start(model, PROMPT).await().tokens());
  }

  @Test
  void neighboursChangeNoToken() throws InterruptedException {
    Model model =
        engine.load(LoadRequest.of(file).exactly().withChunkTokens(5).withMaxSequences(3));
    List<Generation> others = new ArrayList<>();
    for (String prompt : List.of("a", "jumpsoverthelazydog", "bc")) {
      others.add(start(model, prompt));
    }
    Generation generation = start(model, PROMPT);
    assertEquals(expected, generation.await().tokens());
    assertEquals(expected, start(model, PROMPT).await().tokens());
    for (Generation other : others) {
      assertEquals(GENERATED, other.await().tokens().size());
    }
  }

  @Test
  void logitsAreTheSameInAnyChunks() throws InterruptedException {
    List<Integer> text = new ArrayList<>();
    Arrays.stream(LetterTokenizer.ids(PROMPT)).forEach(text::add);
    text.addAll(expected);
    Model large = engine.load(LoadRequest.of(file).exactly().withChunkTokens(64));
    Model small = engine.load(LoadRequest.of(file).exactly().withChunkTokens(3));
    List<float[]> a = logits(large, text);
    List<float[]> b = logits(small, text);
    assertEquals(text.size(), a.size());
    for (int i = 0; i < a.size(); i++) {
      assertArrayEquals(a.get(i), b.get(i));
    }
    for (int i = 0; i < expected.size(); i++) {
      assertEquals(expected.get(i), best(a.get(PROMPT.length() - 1 + i)));
    }
  }

  @Test
  void halfPrecisionCacheWorks() throws InterruptedException {
    Model model = engine.load(LoadRequest.of(file));
    assertEquals(GENERATED, start(model, PROMPT).await().tokens().size());
  }

  private static Generation start(Model model, String prompt) {
    return model.generate(
        new GenerateRequest(
            Prompt.text(prompt),
            SamplingOptions.GREEDY,
            GENERATED,
            List.of(),
            false,
            ContextOptions.DEFAULT),
        TokenSink.NONE);
  }

  private static List<float[]> logits(Model model, List<Integer> text) throws InterruptedException {
    List<float[]> rows = new ArrayList<>();
    model.logits(
        text.stream().mapToInt(Integer::intValue).toArray(),
        (i, row) -> rows.add(row.toArray(ValueLayout.JAVA_FLOAT)));
    return rows;
  }

  private static int best(float[] row) {
    int best = 0;
    for (int i = 1; i < row.length; i++) {
      best = row[i] > row[best] ? i : best;
    }
    return best;
  }

  /** Two layers, the first with a window; one head for keys and values. */
  private static final class TinyArchitecture implements ModelArchitecture {

    static List<TensorInfo> tensors() {
      List<TensorInfo> all = new ArrayList<>();
      all.add(matrix("token_embd.weight", WIDTH, LetterTokenizer.VOCAB));
      all.add(matrix("output.weight", WIDTH, LetterTokenizer.VOCAB));
      for (int i = 0; i < LAYERS; i++) {
        all.add(matrix("blk." + i + ".attn_q.weight", WIDTH, WIDTH));
        all.add(matrix("blk." + i + ".attn_k.weight", WIDTH, WIDTH / HEADS));
        all.add(matrix("blk." + i + ".attn_v.weight", WIDTH, WIDTH / HEADS));
        all.add(matrix("blk." + i + ".ffn_gate.weight", WIDTH, WIDTH));
        all.add(matrix("blk." + i + ".ffn_up.weight", WIDTH, WIDTH));
      }
      return all;
    }

    private static TensorInfo matrix(String name, int in, int out) {
      return new TensorInfo(name, DataType.F32, Shape.of(in, out));
    }

    @Override
    public List<String> names() {
      return List.of("tiny");
    }

    @Override
    public Match match(ModelSource source) {
      return new Match.Yes(100);
    }

    @Override
    public void describe(ModelSource w, GraphBuilder g) {
      int headDim = WIDTH / HEADS;
      RopeSpec rope = RopeSpec.neox(headDim, 10_000, 1);
      Value x = g.rows(w.tensor("token_embd.weight"), g.tokens());
      for (int i = 0; i < LAYERS; i++) {
        MaskKind mask = i == 0 ? MaskKind.sliding(6) : MaskKind.CAUSAL;
        AttentionSpec spec = new AttentionSpec(HEADS, 1, headDim, 0.35f, mask);
        Value h = g.rmsNorm(x, 1e-6f);
        String block = "blk." + i;
        Value q = g.heads(g.matmul(w.tensor(block + ".attn_q.weight"), h), HEADS);
        Value k = g.heads(g.matmul(w.tensor(block + ".attn_k.weight"), h), 1);
        Value v = g.heads(g.matmul(w.tensor(block + ".attn_v.weight"), h), 1);
        Value a =
            g.attend(
                g.rope(q, g.positions(), rope),
                g.kvStore(g.slot(spec, Optional.of(rope)), g.rope(k, g.positions(), rope), v),
                spec);
        x = g.add(x, g.joined(a));
        Value gate = g.matmul(w.tensor(block + ".ffn_gate.weight"), x);
        Value up = g.matmul(w.tensor(block + ".ffn_up.weight"), x);
        x = g.add(x, g.apply(new Geglu(), gate, up).getFirst());
      }
      g.logits(g.matmul(w.tensor("output.weight"), g.wanted(g.rmsNorm(x, 1e-6f))));
    }

    @Override
    public Tokenizer tokenizer(ModelSource source, TokenizerFactory factory) {
      return new LetterTokenizer();
    }
  }
}
