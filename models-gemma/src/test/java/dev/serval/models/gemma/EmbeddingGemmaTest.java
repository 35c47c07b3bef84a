package dev.serval.models.gemma;

import static dev.serval.models.gemma.Refusals.assertRefused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.attention.AttentionSpec;
import dev.serval.api.attention.MaskKind;
import dev.serval.api.attention.RopeSpec;
import dev.serval.api.error.ModelRefusedException.Reason;
import dev.serval.api.graph.AttentionOp;
import dev.serval.api.graph.Dim;
import dev.serval.api.graph.Graph;
import dev.serval.api.graph.GraphBuilder;
import dev.serval.api.graph.Node;
import dev.serval.api.graph.Op;
import dev.serval.api.graph.OutputKind;
import dev.serval.api.graph.ValueType;
import dev.serval.api.model.Match;
import dev.serval.api.model.Metadata;
import dev.serval.api.model.ModelArchitecture;
import dev.serval.api.model.ModelSource;
import dev.serval.api.tensor.DataType;
import dev.serval.models.gemma.GemmaHeaders.Size;
import java.util.List;
import java.util.ServiceLoader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class EmbeddingGemmaTest {

  private static final String PREFIX = "gemma-embedding.";
  private static final String POOLING = PREFIX + "pooling_type";

  /** The published 300m. */
  private static final Size M300 =
      new Size(24, 768, 1152, 3, 1, 256, 512, 2048, 1, 4, 256, 262_144);

  private final EmbeddingGemmaArchitecture gemma = new EmbeddingGemmaArchitecture();

  /** The header llama.cpp's converter writes. */
  private static ModelSource header(Size size) {
    ModelSource decoder = GemmaHeaders.llamaCpp(size);
    Metadata m = decoder.metadata();
    for (String key : decoder.metadata().keys()) {
      m = m.renamed(key, key.replace("gemma3.", PREFIX));
    }
    m = m.toBuilder().put(Metadata.ARCHITECTURE, "gemma-embedding").put(POOLING, 1).build();
    return decoder.withMetadata(m);
  }

  private static ModelSource mini() {
    return header(GemmaHeaders.MINI);
  }

  private static ModelSource withDense(ModelSource source, int in, int hidden, int out) {
    return source
        .withTensor(GemmaHeaders.tensor("dense_2.weight", DataType.F16, in, hidden))
        .withTensor(GemmaHeaders.tensor("dense_3.weight", DataType.F16, hidden, out));
  }

  private Graph graph(ModelSource source) {
    GraphBuilder g = new GraphBuilder();
    gemma.describe(gemma.normalise(source), g);
    return g.build();
  }

  private static <T extends Op> List<T> ops(Graph graph, Class<T> type) {
    return graph.nodes().stream().map(Node::op).filter(type::isInstance).map(type::cast).toList();
  }

  @Test
  void isFoundByTheServiceLoader() {
    assertTrue(
        ServiceLoader.load(ModelArchitecture.class).stream()
            .anyMatch(p -> p.type().equals(EmbeddingGemmaArchitecture.class)));
  }

  @Test
  void matchesBothWritersAndNoLanguageModel() {
    ModelSource decoder = GemmaHeaders.llamaCpp(GemmaHeaders.MINI);
    ModelSource ollama =
        decoder.withTensor(GemmaHeaders.tensor("dense.0.weight", DataType.F16, 64, 256));
    assertEquals(new Match.Yes(100), gemma.match(mini()));
    assertEquals(new Match.Yes(100), gemma.match(ollama));
    Match.No no = assertInstanceOf(Match.No.class, gemma.match(decoder));
    assertTrue(no.reasons().getFirst().contains("gemma3"), no.toString());
    assertInstanceOf(Match.No.class, new GemmaArchitecture().match(mini()));
    ModelSource adapter = GemmaHeaders.with(mini(), "general.type", "adapter");
    assertInstanceOf(Match.No.class, gemma.match(adapter));
  }

  @Test
  void poolsWholeTextsWithoutACache() {
    Graph graph = graph(header(M300));
    assertEquals(OutputKind.POOLED, graph.outputKind());
    assertTrue(graph.wholeSequences());
    assertEquals(768, graph.outputWidth());
    assertEquals(ValueType.f32(Dim.SEQUENCES, 768), graph.output().orElseThrow().type());
    assertTrue(graph.groups().stream().allMatch(g -> g.slots().isEmpty()));
  }

  @Test
  void everySixthLayerSeesEverythingAndTheOthersHalfAWindowToEitherSide() {
    List<AttentionOp.AttendStep> layers = ops(graph(header(M300)), AttentionOp.AttendStep.class);
    assertEquals(24, layers.size());
    for (int i = 0; i < 24; i++) {
      MaskKind mask = i % 6 == 5 ? MaskKind.BIDIRECTIONAL : MaskKind.symmetric(512);
      assertEquals(new AttentionSpec(3, 1, 256, 1 / 16f, mask), layers.get(i).spec(), "layer " + i);
    }
  }

  @Test
  void globalLayersRotateSlower() {
    List<AttentionOp.Rope> ropes = ops(graph(header(M300)), AttentionOp.Rope.class);
    for (int i = 0; i < 24; i++) {
      RopeSpec expected = RopeSpec.neox(256, i % 6 == 5 ? 1e6 : 1e4, 1);
      assertEquals(expected, ropes.get(2 * i).spec(), "layer " + i);
      assertEquals(expected, ropes.get(2 * i + 1).spec(), "layer " + i);
    }
  }

  /** Only the language model of 62 layers has a scale of its own. */
  @Test
  void theScaleIsThatOfTheHeadWhateverTheNumberOfLayers() {
    Size size = new Size(62, 64, 128, 4, 2, 32, 16, 512, 1, 10, 32, 958);
    Graph graph = graph(header(size));
    float scale = ops(graph, AttentionOp.AttendStep.class).getFirst().spec().scale();
    assertEquals((float) (1 / Math.sqrt(32)), scale);
  }

  @Test
  void aFileThatDoesNotNameAPoolingMeansTheMean() {
    assertEquals(graph(mini()).digest(), graph(GemmaHeaders.without(mini(), POOLING)).digest());
  }

  @ParameterizedTest
  @CsvSource({"0, none", "2, cls", "3, last", "4, rank"})
  void refusesOtherPoolings(int type, String name) {
    assertRefused(
        Reason.KEY_INVALID,
        () -> graph(GemmaHeaders.with(mini(), POOLING, type)),
        POOLING,
        "1 (mean)",
        type + " (" + name + ")");
  }

  @ParameterizedTest
  @ValueSource(longs = {-1, 5, 1L << 40})
  void refusesPoolingsThatDoNotExist(long type) {
    assertRefused(
        Reason.KEY_INVALID, () -> graph(GemmaHeaders.with(mini(), POOLING, type)), POOLING);
  }

  @Test
  void denseLayersSetTheWidth() {
    Graph graph = graph(withDense(mini(), 64, 256, 48));
    assertEquals(48, graph.outputWidth());
  }

  @Test
  void refusesHalfOfTheDenseLayers() {
    for (String half : List.of("dense_2.weight", "dense_3.weight")) {
      assertRefused(
          Reason.TENSOR_MISSING,
          () -> graph(withDense(mini(), 64, 256, 64).withoutTensor(half)),
          half);
    }
  }

  @Test
  void refusesDenseLayersThatDoNotFit() {
    assertRefused(
        Reason.SHAPE_MISMATCH, () -> graph(withDense(mini(), 65, 256, 64)), "dense_2.weight");
    ModelSource torn =
        withDense(mini(), 64, 256, 64)
            .withTensor(GemmaHeaders.tensor("dense_3.weight", DataType.F16, 128, 64));
    assertRefused(Reason.SHAPE_MISMATCH, () -> graph(torn), "dense_3.weight");
    String key = PREFIX + "dense_2_feat_out";
    ModelSource stated = withDense(mini(), 64, 256, 64);
    assertEquals(64, graph(GemmaHeaders.with(stated, key, 256)).outputWidth());
    assertRefused(
        Reason.KEY_INVALID, () -> graph(GemmaHeaders.with(stated, key, 3072)), key, "256");
  }

  @Test
  void namesWhatToPutBeforeTexts() {
    assertEquals("task: search result | query: ", gemma.textPrefixes(mini()).get("query"));
    assertEquals("title: none | text: ", gemma.textPrefixes(mini()).get("document"));
  }

  @Test
  void trainedContextIsThatOfTheFile() {
    assertEquals(2048, gemma.trainedContext(header(M300)));
  }
}
