package dev.serval.api.graph;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.attention.AttentionSpec;
import dev.serval.api.attention.MaskKind;
import dev.serval.api.attention.RopeSpec;
import dev.serval.api.error.ModelRefusedException;
import dev.serval.api.error.ModelRefusedException.Reason;
import dev.serval.api.graph.Elementwise.UnaryKind;
import dev.serval.api.graph.MixtureOfExperts.Expert;
import dev.serval.api.graph.Reduction.ReduceKind;
import dev.serval.api.kv.KvSlot;
import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.Shape;
import dev.serval.api.tensor.TensorInfo;
import dev.serval.api.tensor.TensorView;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

class GraphBuilderTest {

  private final GraphBuilder g = new GraphBuilder();
  private final Value x = g.rows(weight("embd", 8, 100), g.tokens());

  private static TensorView weight(String name, long... sizes) {
    return TensorView.of(new TensorInfo(name, DataType.F32, Shape.of(sizes)));
  }

  private static void refused(Executable call, String... parts) {
    ModelRefusedException e = assertThrows(ModelRefusedException.class, call);
    assertEquals(Reason.SHAPE_MISMATCH, e.reason());
    for (String part : parts) {
      assertTrue(e.toString().contains(part), () -> e + " should name " + part);
    }
  }

  private static ValueType tokens(int... sizes) {
    return ValueType.f32(Dim.TOKENS, sizes);
  }

  @Test
  void weightThatDoesNotFitIsNamedWithBothSizes() {
    refused(() -> g.matmul(weight("blk.3.q", 9, 4), x), "\"blk.3.q\"", "[9, 4]", "[8, 4]");
    refused(() -> g.matmul(weight("w", 8, 4, 2), x), "\"w\"");
    refused(() -> g.matmul(weight("w", 8, 4), weight("w.bias", 5), x), "\"w.bias\"", "[4]");
    refused(() -> g.rmsNorm(x, weight("norm", 7), 1e-6f), "\"norm\"", "[8]");
    refused(() -> g.layerNorm(x, weight("norm", 8), Optional.of(weight("b", 9)), 0), "\"b\"");
    refused(() -> g.rows(weight("table", 8, 4, 2), g.tokens()), "\"table\"");
  }

  @Test
  void linearLayersKeepLeadingDimensions() {
    assertEquals(tokens(4), g.matmul(weight("w", 8, 4), x).type());
    Value heads = g.heads(x, 2);
    assertEquals(tokens(2, 4), heads.type());
    assertEquals(tokens(2, 3), g.matmul(weight("w", 4, 3), heads).type());
    assertEquals(tokens(8), g.joined(heads).type());
  }

  @Test
  void sizesAreAlignedAtTheEndAndOnesRepeated() {
    Value heads = g.heads(x, 2);
    Value one = g.reduce(ReduceKind.SUM, heads);
    assertEquals(tokens(2, 1), one.type());
    assertEquals(tokens(2, 4), g.div(heads, one).type());
    assertEquals(tokens(2, 4), g.sub(one, heads).type());
    assertEquals(tokens(8), g.mul(x, g.constant(weight("w", 8))).type());
    assertEquals(tokens(8), g.mul(g.constant(weight("s", 1)), x).type());
    Value stream = g.reshape(x, Dim.TOKENS, Dim.of(1), Dim.of(8));
    assertEquals(tokens(4, 8), g.add(g.constant(weight("w", 8, 4)), stream).type());
  }

  @Test
  void differentSizesDoNotBroadcast() {
    refused(() -> g.add(x, g.constant(weight("w", 4))), "add", "8", "4");
    refused(() -> g.add(x, g.wanted(x)), "tokens", "wanted");
    // a vector of heads would need a symbolic size that is not the first
    refused(() -> g.add(x, g.heads(x, 2)), "add");
  }

  @Test
  void symbolicSizesStayFirst() {
    refused(() -> g.reshape(x, Dim.of(8)), "reshape");
    refused(() -> g.reshape(x, Dim.WANTED, Dim.of(8)), "reshape");
    refused(() -> g.slice(x, 0, 0, 1), "axis 0");
    refused(() -> g.concat(0, x, x), "axis 0");
    assertEquals(tokens(3), g.slice(x, 1, 5, 8).type());
    assertEquals(tokens(16), g.concat(1, x, x).type());
    refused(() -> g.slice(x, 1, 5, 9), "[5, 9)");
    refused(() -> g.concat(1, x, g.heads(x, 2)), "concat");
    assertThrows(
        IllegalArgumentException.class, () -> g.reshape(x, Dim.of(2), Dim.TOKENS, Dim.of(4)));
  }

  @Test
  void integersAreNotComputedWith() {
    refused(() -> g.unary(UnaryKind.EXP, g.tokens()), "F32", "I32");
    refused(() -> g.rows(weight("w", 8, 4), x), "I32");
    Value ids = g.topK(x, 2).get(1);
    assertEquals(ValueType.i32(Dim.TOKENS, 2), ids.type());
    refused(() -> g.gather(x, x), "I32");
    assertEquals(tokens(2), g.gather(x, ids).type());
    refused(() -> g.topK(x, 9), "k=9");
  }

  @Test
  void ropeNeedsOnePositionPerRowAndRoomInTheHead() {
    Value heads = g.heads(x, 2);
    assertEquals(heads.type(), g.rope(heads, g.positions(), RopeSpec.neox(4, 1e4, 1)).type());
    refused(() -> g.rope(heads, g.positions(), RopeSpec.neox(6, 1e4, 1)), "nRot=6");
    refused(() -> g.rope(g.wanted(heads), g.positions(), RopeSpec.neox(4, 1e4, 1)), "positions");
  }

  @Test
  void expertsMultiplyTheRowOrEachChoice() {
    Value ids = g.topK(x, 2).get(1);
    Expert up = new Expert(weight("up", 8, 5, 8), Optional.of(weight("up.bias", 5, 8)));
    Value y = g.expertMatmul(up, x, ids);
    assertEquals(tokens(2, 5), y.type());
    Expert down = new Expert(weight("down", 5, 8, 8), Optional.empty());
    assertEquals(tokens(2, 8), g.expertMatmul(down, y, ids).type());
    refused(() -> g.expertMatmul(down, x, ids), "\"down\"");
    Value three = g.topK(x, 3).get(1);
    refused(() -> g.expertMatmul(down, y, three), "\"down\"", "ids");
    Expert bias = new Expert(weight("up", 8, 5, 8), Optional.of(weight("up.bias", 5, 7)));
    refused(() -> g.expertMatmul(bias, x, ids), "\"up.bias\"");
  }

  @Test
  void batchesOfMatricesMustFit() {
    Value a = g.heads(x, 2);
    assertEquals(
        tokens(2, 2), g.batchMatmul(a, g.reshape(x, Dim.TOKENS, Dim.of(4), Dim.of(2))).type());
    refused(() -> g.batchMatmul(a, a), "batchMatmul");
  }

  @Test
  void attentionFitsItsSlot() {
    AttentionSpec spec = new AttentionSpec(2, 1, 4, 1, MaskKind.CAUSAL);
    KvSlot slot = g.slot(spec, Optional.empty());
    Value q = g.heads(x, 2);
    Value k = g.heads(g.slice(x, 1, 0, 4), 1);
    refused(() -> g.kvStore(slot, q, k), "kvStore");
    assertThrows(IllegalArgumentException.class, () -> g.attend(q, new KvValue(slot), spec));
    KvValue kv = g.kvStore(slot, k, k);
    assertThrows(IllegalArgumentException.class, () -> g.kvStore(slot, k, k));
    assertEquals(tokens(2, 4), g.attend(q, kv, spec).type());
    refused(() -> g.attend(k, kv, spec), "attend");
    AttentionSpec sliding = new AttentionSpec(2, 1, 4, 1, MaskKind.sliding(3));
    refused(() -> g.attend(q, kv, sliding), "does not fit");
    assertEquals(tokens(2, 4), g.attendStep(q, k, k, spec).type());
  }

  @Test
  void valuesOfAnotherBuilderAreRefused() {
    GraphBuilder other = new GraphBuilder();
    assertThrows(IllegalArgumentException.class, () -> other.unary(UnaryKind.EXP, g.scale(x, 2)));
  }

  @Test
  void graphNeedsOneResultAndEverySlotStored() {
    assertThrows(IllegalStateException.class, g::build);
    refused(() -> g.logits(x), "wanted");
    refused(() -> g.pooled(x), "sequences");
    KvSlot slot = g.slot(new AttentionSpec(2, 1, 4, 1, MaskKind.CAUSAL), Optional.empty());
    g.logits(g.wanted(x));
    assertThrows(IllegalStateException.class, () -> g.logits(g.wanted(x)));
    assertThrows(IllegalStateException.class, g::build);
    Value k = g.heads(g.slice(x, 1, 0, 4), 1);
    g.kvStore(slot, k, k);
    Graph graph = g.build();
    assertEquals(OutputKind.LOGITS, graph.outputKind());
    assertEquals(8, graph.outputWidth());
    assertEquals(List.of("embd"), graph.weights().stream().map(TensorView::name).toList());
  }

  @Test
  void slotsOfEqualMaskShareAGroup() {
    Value k = g.heads(g.slice(x, 1, 0, 4), 1);
    for (MaskKind mask :
        List.of(MaskKind.sliding(4), MaskKind.CAUSAL, MaskKind.sliding(4), MaskKind.sliding(5))) {
      g.kvStore(g.slot(new AttentionSpec(1, 1, 4, 1, mask), Optional.empty()), k, k);
    }
    g.attendStep(k, k, k, new AttentionSpec(1, 1, 4, 1, MaskKind.BIDIRECTIONAL));
    g.logits(g.wanted(x));
    Graph graph = g.build();
    List<List<Integer>> slots =
        graph.groups().stream()
            .map(group -> group.slots().stream().map(KvSlot::index).toList())
            .toList();
    assertEquals(List.of(List.of(0, 2), List.of(1), List.of(3), List.of()), slots);
    assertEquals(1, graph.group(MaskKind.CAUSAL).index());
    assertThrows(IllegalArgumentException.class, () -> graph.group(MaskKind.chunked(4)));
  }
}
