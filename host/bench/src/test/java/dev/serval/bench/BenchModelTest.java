package dev.serval.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.graph.Graph;
import dev.serval.api.graph.GraphBuilder;
import dev.serval.api.model.ModelArchitecture;
import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.Shape;
import dev.serval.api.tensor.TensorInfo;
import dev.serval.engine.gguf.GgufFile;
import dev.serval.engine.tokenizer.Tokenizers;
import dev.serval.models.gemma.EmbeddingGemmaArchitecture;
import dev.serval.models.gemma.GemmaArchitecture;
import dev.serval.tck.graphs.GptOssGraph;
import dev.serval.tck.reference.RowDecoder;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class BenchModelTest {

  @TempDir private Path temporary;

  private Graph described(ModelArchitecture architecture, String shape, DataType type)
      throws IOException {
    Path file = temporary.resolve(shape + ".gguf");
    BenchModel.write(shape, type, file);
    try (GgufFile gguf = GgufFile.open(file)) {
      GraphBuilder g = new GraphBuilder();
      architecture.describe(architecture.normalise(gguf.source()), g);
      assertEquals(600, new Tokenizers().fromMetadata(gguf.source().metadata()).vocabSize());
      return g.build();
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "F16", "Q8_0", "Q4_0"})
  void writesFilesThatTheGemmaBundleDescribes(DataType type) throws IOException {
    Graph graph = described(new GemmaArchitecture(), "tiny", type);
    assertEquals(600, graph.outputWidth());
    assertTrue(graph.weights().stream().anyMatch(w -> w.type() == type), type.name());
  }

  @Test
  void writesFilesThatEmbed() throws IOException {
    Graph graph = described(new EmbeddingGemmaArchitecture(), "tiny-embedding", DataType.Q8_0);
    assertEquals(64, graph.outputWidth());
  }

  @Test
  void keepsExpertsInTheirPublishedType() throws IOException {
    Path file = temporary.resolve("experts.gguf");
    BenchModel.write("tiny-gpt-oss", DataType.Q8_0, file);
    try (GgufFile gguf = GgufFile.open(file)) {
      GraphBuilder g = new GraphBuilder();
      GptOssGraph.describe(gguf.source(), g);
      assertEquals(600, g.build().outputWidth());
      assertEquals(DataType.MXFP4, gguf.source().tensor("blk.1.ffn_up_exps.weight").type());
      assertEquals(DataType.Q8_0, gguf.source().tensor("blk.1.attn_q.weight").type());
      assertEquals(600, new Tokenizers().fromMetadata(gguf.source().metadata()).vocabSize());
    }
  }

  @ParameterizedTest
  @CsvSource({"Q4_K, 64, Q5_0", "Q4_K, 512, Q4_K", "Q6_K, 1152, Q8_0", "Q6_K, 256, Q6_K"})
  void replacesTypesWhoseBlocksDoNotFillARow(DataType asked, int in, DataType used) {
    assertEquals(used, BenchShape.matrix("m", asked, in, 1).type());
  }

  @ParameterizedTest
  @CsvSource({
    "gemma3-270m, Q8_0, 292523712",
    "gemma3-1b, Q4_0, 570408704",
    "gemma3-4b-8l, Q4_K, 804257792"
  })
  void hasTheSizeOfAModelOfThatShape(String shape, DataType type, long fileBytes) {
    long bytes = BenchShape.named(shape).tensors(type).stream().mapToLong(t -> t.bytes()).sum();
    assertTrue(bytes > fileBytes * 0.96 && bytes < fileBytes, shape + ": " + bytes);
  }

  @ParameterizedTest
  @EnumSource(names = {"Q8_0", "Q4_0", "Q5_0", "Q4_K", "Q6_K", "MXFP4"})
  void spreadsWeightsLikeTheInverseRootOfTheRow(DataType type) throws IOException {
    int in = 1024;
    TensorInfo tensor = new TensorInfo("m.weight", type, Shape.of(in, 64));
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    BenchModel.weights(tensor, new SplittableRandom(1), bytes);
    assertEquals(tensor.bytes(), bytes.size());
    MemorySegment all = MemorySegment.ofArray(bytes.toByteArray());
    long rowBytes = tensor.bytes() / 64;
    double squares = 0;
    double sum = 0;
    float[] row = new float[in];
    for (int i = 0; i < 64; i++) {
      RowDecoder.decode(type, all.asSlice(i * rowBytes, rowBytes), row);
      for (float x : row) {
        sum += x;
        squares += x * x;
      }
    }
    int n = in * 64;
    assertEquals(1, Math.sqrt(squares / n * in), type == DataType.MXFP4 ? 0.45 : 0.1);
    // the middle of sixteen quants is half a step off zero
    assertEquals(0, sum / n * Math.sqrt(in), 0.15);
  }

  @Test
  void namesTheShapesItKnows() {
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> BenchShape.named("gemma9"));
    assertTrue(String.valueOf(e.getMessage()).contains("gemma3-270m"), e.toString());
  }
}
