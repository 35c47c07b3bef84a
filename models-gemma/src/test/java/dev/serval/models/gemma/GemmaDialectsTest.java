package dev.serval.models.gemma;

import static dev.serval.models.gemma.GemmaHeaders.B1;
import static dev.serval.models.gemma.GemmaHeaders.B12;
import static dev.serval.models.gemma.GemmaHeaders.B27;
import static dev.serval.models.gemma.GemmaHeaders.B4;
import static dev.serval.models.gemma.GemmaHeaders.M270;
import static dev.serval.models.gemma.GemmaHeaders.MINI;
import static dev.serval.models.gemma.Refusals.assertRefused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.error.ModelRefusedException.Reason;
import dev.serval.api.graph.GraphBuilder;
import dev.serval.api.model.Metadata;
import dev.serval.api.model.ModelSource;
import dev.serval.api.model.TextArray;
import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.TensorView;
import dev.serval.models.gemma.GemmaHeaders.Size;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class GemmaDialectsTest {

  private static final String EPS = "gemma3.attention.layer_norm_rms_epsilon";
  private static final String BASE = "gemma3.rope.freq_base";
  private static final String BASE_SWA = "gemma3.rope.freq_base_swa";
  private static final String FACTOR = "gemma3.rope.scaling.factor";
  private static final String CONTEXT = "gemma3.context_length";
  private static final String SOFT_CAP = "gemma3.final_logit_softcapping";

  static Stream<Size> sizes() {
    return GemmaHeaders.SIZES.stream();
  }

  static TextArray texts(int n) {
    return TextArray.of(IntStream.range(0, n).mapToObj(i -> "é" + i).toArray(String[]::new));
  }

  private static Metadata normalised(ModelSource source) {
    return GemmaDialects.normalise(source).metadata();
  }

  private static String digest(ModelSource source) {
    GemmaArchitecture gemma = new GemmaArchitecture();
    GraphBuilder g = new GraphBuilder();
    gemma.describe(gemma.normalise(source), g);
    return g.build().digest();
  }

  @ParameterizedTest
  @MethodSource("sizes")
  void ollamaTwinDescribesTheSameGraph(Size size) {
    assertEquals(digest(GemmaHeaders.llamaCpp(size)), digest(GemmaHeaders.ollama(size)));
  }

  @ParameterizedTest
  @MethodSource("sizes")
  void fileWithoutRopeKeysAndEpsilonDescribesTheSameGraph(Size size) {
    ModelSource bare = GemmaHeaders.ollama(size);
    bare = GemmaHeaders.without(bare, "gemma3.rope.global.freq_base");
    bare = GemmaHeaders.without(bare, "gemma3.rope.local.freq_base");
    bare = GemmaHeaders.without(bare, EPS);
    assertEquals(digest(GemmaHeaders.llamaCpp(size)), digest(bare));
  }

  @Test
  void fusedTwinDescribesTheSameGraph() {
    ModelSource fused = GemmaHeaders.llamaCpp(MINI);
    for (int i = 0; i < MINI.nLayers(); i++) {
      fused = GemmaHeaders.fused(fused, MINI, i);
    }
    assertEquals(digest(GemmaHeaders.llamaCpp(MINI)), digest(fused));
  }

  @Test
  void ollamaRopeKeysGetTheirUsualNames() {
    ModelSource source = GemmaHeaders.ollama(MINI);
    source = GemmaHeaders.with(source, "gemma3.rope.global.freq_base", 2e6);
    source = GemmaHeaders.with(source, "gemma3.rope.local.freq_base", 3e4);
    Metadata m = normalised(source);
    assertEquals(2e6, m.real(BASE).orElseThrow());
    assertEquals(3e4, m.real(BASE_SWA).orElseThrow());
    assertFalse(m.has("gemma3.rope.global.freq_base"));
    assertFalse(m.has("gemma3.rope.local.freq_base"));
  }

  @Test
  void missingRopeKeysAndEpsilonGetTheirDefaults() {
    ModelSource source = GemmaHeaders.without(GemmaHeaders.llamaCpp(MINI), BASE);
    Metadata m = normalised(GemmaHeaders.without(source, EPS));
    assertEquals(1e6, m.real(BASE).orElseThrow());
    assertEquals(1e4, m.real(BASE_SWA).orElseThrow());
    assertEquals(1e-6, m.real(EPS).orElseThrow());
  }

  @Test
  void epsilonIsNotInventedForOtherFiles() {
    Metadata m = normalised(GemmaHeaders.without(GemmaHeaders.llamaCpp(MINI), EPS));
    assertFalse(m.has(EPS));
  }

  @Test
  void longContextMeansFactorEight() {
    ModelSource mini = GemmaHeaders.ollama(MINI);
    assertEquals(
        8, normalised(GemmaHeaders.with(mini, CONTEXT, 131_072)).real(FACTOR).orElseThrow());
    assertFalse(normalised(GemmaHeaders.with(mini, CONTEXT, 131_071)).has(FACTOR));
  }

  @Test
  void layerCountMeansFactorEightWhateverTheContext() {
    for (Size size : new Size[] {B4, B12, B27}) {
      ModelSource source = GemmaHeaders.with(GemmaHeaders.ollama(size), CONTEXT, 8192);
      assertEquals(8, normalised(source).real(FACTOR).orElseThrow());
    }
    for (Size size : new Size[] {M270, B1}) {
      ModelSource source = GemmaHeaders.with(GemmaHeaders.ollama(size), CONTEXT, 8192);
      assertFalse(normalised(source).has(FACTOR));
    }
  }

  @Test
  void statedFactorStays() {
    ModelSource source = GemmaHeaders.with(GemmaHeaders.ollama(B4), FACTOR, 2.0);
    assertEquals(2, normalised(source).real(FACTOR).orElseThrow());
  }

  @Test
  void factorIsNotInventedForOtherFiles() {
    ModelSource source = GemmaHeaders.without(GemmaHeaders.llamaCpp(B4), FACTOR);
    assertFalse(normalised(source).has(FACTOR));
  }

  @Test
  void softCapIsIgnoredInOllamasFilesOfTheSmallModelOnly() {
    assertFalse(
        normalised(GemmaHeaders.with(GemmaHeaders.ollama(B1), SOFT_CAP, 30.0)).has(SOFT_CAP));
    assertTrue(
        normalised(GemmaHeaders.with(GemmaHeaders.ollama(B4), SOFT_CAP, 30.0)).has(SOFT_CAP));
    assertTrue(
        normalised(GemmaHeaders.with(GemmaHeaders.llamaCpp(B1), SOFT_CAP, 30.0)).has(SOFT_CAP));
  }

  @Test
  void visionTowerIsDropped() {
    ModelSource source = GemmaDialects.normalise(GemmaHeaders.ollama(MINI));
    assertEquals(GemmaHeaders.llamaCpp(MINI).tensors(), source.tensors());
  }

  @Test
  void longerVocabularyIsTruncatedToTheEmbeddingTable() {
    long[] types = new long[960];
    double[] scores = new double[960];
    types[957] = 3;
    scores[957] = -7;
    Metadata m =
        GemmaHeaders.ollama(MINI).metadata().toBuilder()
            .put("tokenizer.ggml.tokens", texts(960))
            .put("tokenizer.ggml.scores", scores)
            .put("tokenizer.ggml.token_type", types)
            .build();
    Metadata cut = normalised(GemmaHeaders.ollama(MINI).withMetadata(m));
    TextArray tokens = cut.texts("tokenizer.ggml.tokens").orElseThrow();
    assertEquals(958, tokens.size());
    assertEquals("é0", tokens.get(0));
    assertEquals("é957", tokens.get(957));
    assertEquals(958, cut.reals("tokenizer.ggml.scores").orElseThrow().length);
    assertEquals(-7, cut.reals("tokenizer.ggml.scores").orElseThrow()[957]);
    assertEquals(958, cut.integers("tokenizer.ggml.token_type").orElseThrow().length);
    assertEquals(3, cut.integers("tokenizer.ggml.token_type").orElseThrow()[957]);
  }

  @Test
  void fusedWeightIsSplitIntoRowsOfQueryKeyAndValue() {
    ModelSource source =
        GemmaDialects.normalise(GemmaHeaders.fused(GemmaHeaders.llamaCpp(MINI), MINI, 4));
    TensorView q = source.tensor("blk.4.attn_q.weight");
    TensorView k = source.tensor("blk.4.attn_k.weight");
    TensorView v = source.tensor("blk.4.attn_v.weight");
    assertEquals("blk.4.attn_qkv.weight", q.source().name());
    assertEquals(0, q.sourceRow(0));
    assertEquals(128, q.shape().rows());
    assertEquals(128, k.sourceRow(0));
    assertEquals(64, k.shape().rows());
    assertEquals(192, v.sourceRow(0));
    assertEquals(255, v.sourceRow(63));
    assertTrue(source.find("blk.4.attn_qkv.weight").isEmpty());
  }

  @Test
  void refusesAFusedWeightOfAnotherHeight() {
    TensorView wrong = GemmaHeaders.tensor("blk.4.attn_qkv.weight", DataType.F16, 64, 255);
    ModelSource source = GemmaHeaders.llamaCpp(MINI).withTensor(wrong);
    assertRefused(
        Reason.SHAPE_MISMATCH,
        () -> GemmaDialects.normalise(source),
        "blk.4.attn_qkv.weight",
        "expected [64, 256]");
  }

  @Test
  void normalisingTwiceChangesNothing() {
    ModelSource source = GemmaHeaders.fused(GemmaHeaders.ollama(B4), B4, 0);
    ModelSource once = GemmaDialects.normalise(source);
    ModelSource twice = GemmaDialects.normalise(once);
    assertEquals(once.tensors(), twice.tensors());
    assertEquals(once.metadata().keys(), twice.metadata().keys());
  }
}
