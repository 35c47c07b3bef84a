package dev.serval.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.graph.Graph;
import dev.serval.api.graph.GraphBuilder;
import dev.serval.api.tensor.DataType;
import dev.serval.engine.gguf.GgufFile;
import dev.serval.engine.tokenizer.Tokenizers;
import dev.serval.models.gemma.GemmaArchitecture;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class BenchModelTest {

  @TempDir private Path temporary;

  @ParameterizedTest
  @EnumSource(names = {"F32", "F16", "Q8_0", "Q4_0"})
  void writesFilesThatTheGemmaBundleDescribes(DataType type) throws IOException {
    Path file = temporary.resolve("tiny.gguf");
    BenchModel.write("tiny", GemmaShape.named("tiny"), type, file);
    try (GgufFile gguf = GgufFile.open(file)) {
      GemmaArchitecture gemma = new GemmaArchitecture();
      GraphBuilder g = new GraphBuilder();
      gemma.describe(gemma.normalise(gguf.source()), g);
      Graph graph = g.build();
      assertEquals(600, graph.outputWidth());
      assertEquals(600, new Tokenizers().fromMetadata(gguf.source().metadata()).vocabSize());
      assertTrue(graph.weights().stream().anyMatch(w -> w.type() == type), type.name());
    }
  }

  @Test
  void namesTheShapesItKnows() {
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> GemmaShape.named("gemma9"));
    assertTrue(String.valueOf(e.getMessage()).contains("gemma3-270m"), e.toString());
  }
}
