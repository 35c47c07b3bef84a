package dev.serval.models.gemma;

import static dev.serval.models.gemma.Refusals.assertRefused;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.attention.MaskKind;
import dev.serval.api.attention.RopeSpec;
import dev.serval.api.error.ModelRefusedException.Reason;
import dev.serval.api.graph.AttentionOp;
import dev.serval.api.graph.Dim;
import dev.serval.api.graph.Elementwise;
import dev.serval.api.graph.Graph;
import dev.serval.api.graph.GraphBuilder;
import dev.serval.api.graph.Mark;
import dev.serval.api.graph.Node;
import dev.serval.api.graph.Op;
import dev.serval.api.graph.OutputKind;
import dev.serval.api.graph.Projection;
import dev.serval.api.graph.Reduction;
import dev.serval.api.graph.SoftCap;
import dev.serval.api.graph.ValueType;
import dev.serval.api.kv.KvGroup;
import dev.serval.api.model.Metadata;
import dev.serval.api.model.ModelSource;
import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.Shape;
import dev.serval.api.tensor.TensorInfo;
import dev.serval.api.tensor.TensorView;
import dev.serval.models.gemma.GemmaHeaders.Size;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class Gemma3GraphTest {

  private static final String WINDOW = "gemma3.attention.sliding_window";
  private static final String PATTERN = "gemma3.attention.sliding_window_pattern";
  private static final String SOFT_CAP = "gemma3.final_logit_softcapping";

  private static final Map<Size, Graph> GRAPHS = new ConcurrentHashMap<>();

  static Stream<Size> sizes() {
    return GemmaHeaders.SIZES.stream();
  }

  private static Graph graph(ModelSource source) {
    GemmaArchitecture gemma = new GemmaArchitecture();
    GraphBuilder g = new GraphBuilder();
    gemma.describe(gemma.normalise(source), g);
    return g.build();
  }

  private static Graph graph(Size size) {
    return GRAPHS.computeIfAbsent(size, s -> graph(GemmaHeaders.llamaCpp(s)));
  }

  private static ModelSource mini() {
    return GemmaHeaders.llamaCpp(GemmaHeaders.MINI);
  }

  private static <T extends Op> List<T> ops(Graph graph, Class<T> type) {
    return graph.nodes().stream().map(Node::op).filter(type::isInstance).map(type::cast).toList();
  }

  private static List<MaskKind> masks(Graph graph) {
    return ops(graph, AttentionOp.Attend.class).stream().map(a -> a.spec().mask()).toList();
  }

  private static Node matmulWith(Graph graph, String weight) {
    return graph.nodes().stream()
        .filter(n -> n.op() instanceof Projection.MatMul m && m.weight().name().equals(weight))
        .findFirst()
        .orElseThrow();
  }

  @ParameterizedTest
  @MethodSource("sizes")
  void scalesEmbeddingsByRootOfWidth(Size size) {
    List<Elementwise.Scale> scales = ops(graph(size), Elementwise.Scale.class);
    assertEquals(List.of(new Elementwise.Scale(Math.sqrt(size.embeddingDim()))), scales);
  }

  @ParameterizedTest
  @MethodSource("sizes")
  void namesTheScaledEmbeddingAsTheOneToSupply(Size size) {
    Graph graph = graph(size);
    Node scale =
        graph.nodes().stream()
            .filter(n -> n.op() instanceof Elementwise.Scale)
            .findFirst()
            .orElseThrow();
    assertEquals(scale.outputs().getFirst(), graph.embedding().orElseThrow());
    assertEquals(Mark.EMBED, scale.mark());
  }

  @ParameterizedTest
  @MethodSource("sizes")
  void everySixthLayerIsGlobalAndTheOthersSeeTheWindow(Size size) {
    List<MaskKind> masks = masks(graph(size));
    assertEquals(size.nLayers(), masks.size());
    for (int i = 0; i < size.nLayers(); i++) {
      MaskKind expected = i % 6 == 5 ? MaskKind.CAUSAL : MaskKind.sliding(size.slidingWindow());
      assertEquals(expected, masks.get(i), "layer " + i);
    }
    assertEquals(size.globalLayers(), masks.stream().filter(MaskKind.CAUSAL::equals).count());
  }

  @ParameterizedTest
  @MethodSource("sizes")
  void rotatesQueriesAndKeysByKindOfLayer(Size size) {
    List<AttentionOp.Rope> ropes = ops(graph(size), AttentionOp.Rope.class);
    assertEquals(2 * size.nLayers(), ropes.size());
    for (int i = 0; i < ropes.size(); i++) {
      RopeSpec expected =
          i / 2 % 6 == 5
              ? RopeSpec.neox(size.headDim(), 1e6, size.ropeFactor())
              : RopeSpec.neox(size.headDim(), 1e4, 1);
      assertEquals(expected, ropes.get(i).spec(), "layer " + i / 2);
    }
  }

  @ParameterizedTest
  @MethodSource("sizes")
  void attendsWithHeadsAndScaleOfTheSize(Size size) {
    for (AttentionOp.Attend a : ops(graph(size), AttentionOp.Attend.class)) {
      assertEquals(size.nHeads(), a.spec().nHeads());
      assertEquals(size.nKvHeads(), a.spec().nKvHeads());
      assertEquals(size.headDim(), a.spec().keyDim());
      assertEquals(size.headDim(), a.spec().valueDim());
      assertEquals((float) (1 / Math.sqrt(size.queryDim())), a.spec().scale());
      assertEquals(0, a.spec().softCap());
      assertTrue(a.spec().sinks().isEmpty());
    }
  }

  @ParameterizedTest
  @MethodSource("sizes")
  void cachesFormAGroupOfLocalAndOneOfGlobalLayers(Size size) {
    List<KvGroup> groups = graph(size).groups();
    assertEquals(2, groups.size());
    KvGroup local = groups.get(0);
    KvGroup global = groups.get(1);
    assertEquals(MaskKind.sliding(size.slidingWindow()), local.mask());
    assertEquals(MaskKind.CAUSAL, global.mask());
    assertEquals(size.globalLayers(), global.slots().size());
    assertEquals(size.nLayers() - size.globalLayers(), local.slots().size());
    long perSlot = 2L * size.nKvHeads() * size.headDim();
    assertEquals(perSlot * size.globalLayers(), global.elementsPerCell());
    global
        .slots()
        .forEach(s ->
            assertEquals(
                RopeSpec.neox(size.headDim(), 1e6, size.ropeFactor()), s.rotation().orElseThrow()));
  }

  @ParameterizedTest
  @MethodSource("sizes")
  void cutsBeforeEveryLayerWithOneValueCrossing(Size size) {
    Graph graph = graph(size);
    List<Mark> points = new ArrayList<>();
    IntStream.range(0, size.nLayers()).forEach(i -> points.add(Mark.layer(i)));
    points.add(Mark.OUTPUT);
    assertEquals(List.of(), graph.cutProblems(points));
    List<Graph> stages = graph.cut(points);
    for (int i = 1; i < stages.size(); i++) {
      Dim rows = i == size.nLayers() + 1 ? Dim.WANTED : Dim.TOKENS;
      assertEquals(
          List.of(ValueType.f32(rows, size.embeddingDim())),
          stages.get(i).boundaryInputs().stream().map(v -> v.type()).toList(),
          "before " + points.get(i - 1).name());
    }
  }

  @ParameterizedTest
  @MethodSource("sizes")
  void readsEveryTensorOfTheFile(Size size) {
    Set<TensorView> read = Set.copyOf(graph(size).weights());
    assertEquals(2 + 13 * size.nLayers(), read.size());
    assertEquals(Set.copyOf(GemmaHeaders.llamaCpp(size).tensors()), read);
  }

  @ParameterizedTest
  @MethodSource("sizes")
  void givesLogitsOfTheWholeVocabulary(Size size) {
    Graph graph = graph(size);
    assertEquals(OutputKind.LOGITS, graph.outputKind());
    assertEquals(size.vocabSize(), graph.outputWidth());
  }

  @Test
  void layerHasItsStepsInOrder() {
    List<String> steps =
        graph(mini()).nodes().stream()
            .filter(n -> n.mark().equals(Mark.layer(2)))
            .map(n -> n.op())
            .map(op -> op.weights().isEmpty() ? name(op) : op.weights().getFirst().name())
            .map(s -> s.replace("blk.2.", "").replace(".weight", ""))
            .toList();
    assertEquals(
        List.of(
            "attn_norm",
            "attn_q",
            "Reshape",
            "attn_k",
            "Reshape",
            "attn_v",
            "Reshape",
            "attn_q_norm",
            "attn_k_norm",
            "Rope",
            "Rope",
            "KvStore",
            "Attend",
            "Reshape",
            "attn_output",
            "post_attention_norm",
            "Binary",
            "ffn_norm",
            "ffn_gate",
            "ffn_up",
            "Geglu",
            "ffn_down",
            "post_ffw_norm",
            "Binary"),
        steps);
  }

  private static String name(Op op) {
    return op.getClass().getSimpleName();
  }

  @Test
  void normsUseTheEpsilonOfTheFile() {
    Graph graph = graph(GemmaHeaders.with(mini(), "gemma3.attention.layer_norm_rms_epsilon", 3e-5));
    List<Reduction.RmsNorm> norms = ops(graph, Reduction.RmsNorm.class);
    assertEquals(6 * 7 + 1, norms.size());
    norms.forEach(n -> assertEquals(3e-5f, n.eps()));
  }

  @Test
  void lastLayerContinuesWithWantedRowsAfterItsAttention() {
    Graph graph = graph(mini());
    assertEquals(Dim.TOKENS, inputRows(graph, "blk.5.ffn_down.weight"));
    assertEquals(Dim.TOKENS, inputRows(graph, "blk.6.attn_v.weight"));
    assertEquals(Dim.WANTED, inputRows(graph, "blk.6.attn_output.weight"));
    assertEquals(Dim.WANTED, inputRows(graph, "blk.6.ffn_gate.weight"));
  }

  private static Dim inputRows(Graph graph, String weight) {
    return matmulWith(graph, weight).inputs().getFirst().type().first();
  }

  @Test
  void outputIsTiedUnlessTheFileHasOne() {
    assertEquals(Mark.OUTPUT, matmulWith(graph(mini()), "token_embd.weight").mark());
    TensorView own = GemmaHeaders.tensor("output.weight", DataType.F16, 64, 958);
    Graph graph = graph(mini().withTensor(own));
    assertEquals(Mark.OUTPUT, matmulWith(graph, "output.weight").mark());
  }

  @Test
  void capsLogitsOnlyWhereTheKeySaysSo() {
    assertEquals(List.of(), ops(graph(mini()), SoftCap.class));
    assertEquals(List.of(), ops(graph(GemmaHeaders.with(mini(), SOFT_CAP, 0.0)), SoftCap.class));
    assertEquals(
        List.of(new SoftCap(30)),
        ops(graph(GemmaHeaders.with(mini(), SOFT_CAP, 30.0)), SoftCap.class));
  }

  @Test
  void withoutWindowEveryLayerIsGlobal() {
    for (ModelSource source :
        List.of(GemmaHeaders.without(mini(), WINDOW), GemmaHeaders.with(mini(), WINDOW, 0))) {
      Graph graph = graph(GemmaHeaders.with(source, "gemma3.rope.scaling.factor", 4.0));
      assertEquals(List.of(MaskKind.CAUSAL), graph.groups().stream().map(KvGroup::mask).toList());
      ops(graph, AttentionOp.Rope.class)
          .forEach(r -> assertEquals(RopeSpec.neox(32, 1e6, 4), r.spec()));
    }
  }

  @Test
  void numericPatternIsTheDistanceOfGlobalLayers() {
    List<MaskKind> masks = masks(graph(GemmaHeaders.with(mini(), PATTERN, 3)));
    assertEquals(List.of(2, 5), globalLayers(masks));
    assertEquals(
        List.of(0, 1, 2, 3, 4, 5, 6),
        globalLayers(masks(graph(GemmaHeaders.with(mini(), PATTERN, 1)))));
  }

  @Test
  void patternOfFlagsNamesLocalLayers() {
    boolean[] local = {false, true, true, false, true, true, true};
    ModelSource source =
        mini().withMetadata(mini().metadata().toBuilder().put(PATTERN, local).build());
    assertEquals(List.of(0, 3), globalLayers(masks(graph(source))));
  }

  private static List<Integer> globalLayers(List<MaskKind> masks) {
    return IntStream.range(0, masks.size())
        .filter(i -> masks.get(i).equals(MaskKind.CAUSAL))
        .boxed()
        .toList();
  }

  @Test
  void localBaseFollowsItsKey() {
    Graph graph = graph(GemmaHeaders.with(mini(), "gemma3.rope.freq_base_swa", 5e3));
    assertEquals(RopeSpec.neox(32, 5e3, 1), ops(graph, AttentionOp.Rope.class).getFirst().spec());
  }

  static Stream<String> tensors() {
    return mini().tensors().stream()
        .map(TensorView::name)
        .filter(n -> !n.startsWith("blk.") || n.startsWith("blk.3."));
  }

  @ParameterizedTest
  @MethodSource("tensors")
  void namesAMissingTensor(String name) {
    ModelSource source = mini().withoutTensor(name);
    assertRefused(Reason.TENSOR_MISSING, () -> graph(source), '"' + name + '"', "llamacpp.gguf");
  }

  @ParameterizedTest
  @ValueSource(strings = {"attn_q", "attn_k", "attn_v"})
  void namesTheFusedTensorAsAnAlternative(String name) {
    ModelSource source = mini().withoutTensor("blk.3." + name + ".weight");
    assertRefused(Reason.TENSOR_MISSING, () -> graph(source), "\"blk.3.attn_qkv.weight\"");
  }

  @ParameterizedTest
  @MethodSource("tensors")
  void namesATensorOfWrongShape(String name) {
    TensorInfo info = mini().tensor(name).source();
    Shape s = info.shape();
    Shape wrong = s.rank() == 1 ? Shape.of(s.ne0() + 1) : Shape.of(s.ne0(), s.ne1(), 2);
    ModelSource source = mini().withTensor(TensorView.of(new TensorInfo(name, info.type(), wrong)));
    assertRefused(Reason.SHAPE_MISMATCH, () -> graph(source), '"' + name + '"', wrong.toString());
  }

  @Test
  void namesAnOutputOfAnotherVocabulary() {
    TensorView own = GemmaHeaders.tensor("output.weight", DataType.F16, 64, 957);
    assertRefused(Reason.SHAPE_MISMATCH, () -> graph(mini().withTensor(own)), "\"output.weight\"");
  }

  @Test
  void refusesAnEmbeddingWithMoreRowsThanTokens() {
    Metadata m =
        mini().metadata().toBuilder()
            .put("tokenizer.ggml.tokens", GemmaDialectsTest.texts(957))
            .build();
    assertRefused(Reason.SHAPE_MISMATCH, () -> graph(mini().withMetadata(m)), "expected [64, 957]");
  }
}
