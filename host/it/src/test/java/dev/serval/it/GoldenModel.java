package dev.serval.it;

import dev.serval.api.backend.Backend;
import dev.serval.api.backend.CompileSpec;
import dev.serval.api.backend.Device;
import dev.serval.api.graph.Graph;
import dev.serval.api.graph.GraphBuilder;
import dev.serval.api.model.Match;
import dev.serval.api.model.ModelArchitecture;
import dev.serval.api.model.ModelSource;
import dev.serval.api.tensor.Weights;
import dev.serval.engine.gguf.GgufFile;
import dev.serval.models.gemma.EmbeddingGemmaArchitecture;
import dev.serval.models.gemma.GemmaArchitecture;
import dev.serval.tck.memory.TestMemory;
import dev.serval.tck.run.Chain;
import dev.serval.tck.run.SequenceRunner;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/**
 * A model of the folder {@code golden}, which has a README, and ways to compare with its logits.
 */
final class GoldenModel implements AutoCloseable {

  /** Tokens per step: fewer than the texts have, so that steps read what others stored. */
  private static final int CHUNK = 16;

  private static final List<ModelArchitecture> GEMMA =
      List.of(new GemmaArchitecture(), new EmbeddingGemmaArchitecture());

  private final GgufFile file;

  private GoldenModel(GgufFile file) {
    this.file = file;
  }

  static GoldenModel open(String name) {
    return new GoldenModel(GgufFile.open(path(name + ".gguf")));
  }

  ModelSource source() {
    return file.source();
  }

  Weights weights() {
    return file.weights();
  }

  /** One forward pass, as the Gemma bundle describes it. */
  Graph gemmaGraph() {
    ModelArchitecture gemma =
        GEMMA.stream()
            .filter(a -> a.match(source()) instanceof Match.Yes)
            .findFirst()
            .orElseThrow();
    GraphBuilder g = new GraphBuilder();
    gemma.describe(gemma.normalise(source()), g);
    return g.build();
  }

  /**
   * What an independent implementation computes: logits, row after row of the vocabulary, or of an
   * encoder one vector, not normalised.
   */
  static float[] expected(String name) {
    String kind = name.startsWith("gemma-embedding") ? ".embed.f32" : ".logits.f32";
    FloatBuffer values =
        ByteBuffer.wrap(bytes(name + kind)).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
    float[] out = new float[values.remaining()];
    values.get(out);
    return out;
  }

  /** Token ids of a text, separated by space. */
  static int[] ids(String text) {
    return Stream.of(text.strip().split("\\s+")).mapToInt(Integer::parseInt).toArray();
  }

  static byte[] bytes(String resource) {
    try {
      return Files.readAllBytes(path(resource));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static Path path(String resource) {
    URL url = GoldenModel.class.getResource("/golden/" + resource);
    try {
      return Path.of(Objects.requireNonNull(url, resource).toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  /**
   * Runs one sequence from position 0.
   *
   * @param how changes a spec in exact mode with an F32 cache
   * @return the logits after each token, [vocabSize] each, or the one vector of an encoder
   */
  static List<float[]> run(
      Backend backend,
      Graph graph,
      Weights weights,
      UnaryOperator<CompileSpec> how,
      int... tokens) {
    Device device = backend.devices().devices().getFirst();
    int chunk = graph.wholeSequences() ? tokens.length : CHUNK;
    try (TestMemory memory = new TestMemory()) {
      CompileSpec spec = how.apply(memory.spec(graph, chunk, 1, tokens.length));
      try (Chain chain = Chain.of(backend, device, weights, graph, spec)) {
        SequenceRunner runner = new SequenceRunner(chain, graph, spec.limits());
        return runner.prefill(0, chunk, tokens);
      }
    }
  }

  /** All rows one after the other. */
  static float[] joined(List<float[]> rows) {
    FloatBuffer out = FloatBuffer.allocate(rows.stream().mapToInt(r -> r.length).sum());
    rows.forEach(out::put);
    return out.array();
  }

  /** The largest difference of two elements; NaN if any is. */
  static double maxDifference(float[] a, float[] b) {
    requireSameLength(a, b);
    double most = 0;
    for (int i = 0; i < a.length; i++) {
      most = Math.max(most, Math.abs((double) a[i] - b[i]));
    }
    return most;
  }

  /** 1 − the cosine of the angle between two vectors. */
  static double cosineDistance(float[] a, float[] b) {
    requireSameLength(a, b);
    double ab = 0;
    double aa = 0;
    double bb = 0;
    for (int i = 0; i < a.length; i++) {
      ab += (double) a[i] * b[i];
      aa += (double) a[i] * a[i];
      bb += (double) b[i] * b[i];
    }
    return 1 - ab / Math.sqrt(aa * bb);
  }

  private static void requireSameLength(float[] a, float[] b) {
    if (a.length != b.length) {
      throw new AssertionError("expected " + b.length + " values, got " + a.length);
    }
  }

  @Override
  public void close() {
    file.close();
  }
}
