package dev.serval.api.graph;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.serval.api.attention.AttentionSpec;
import dev.serval.api.attention.MaskKind;
import dev.serval.api.attention.RopeSpec;
import dev.serval.api.graph.Elementwise.UnaryKind;
import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.Shape;
import dev.serval.api.tensor.TensorInfo;
import dev.serval.api.tensor.TensorView;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

class NamedValueTest {

  private static final AttentionSpec SPEC = new AttentionSpec(2, 2, 4, 1, MaskKind.CAUSAL);

  private static TensorView weight(String name, long... sizes) {
    return TensorView.of(new TensorInfo(name, DataType.F32, Shape.of(sizes)));
  }

  /** Two layers of something like a decoder, the output tied to the embedding. */
  private static Graph decoder() {
    GraphBuilder g = new GraphBuilder();
    TensorView embedding = weight("token_embd.weight", 8, 30);
    Value x = g.scale(g.rows(embedding, g.tokens()), 2);
    for (int i = 0; i < 2; i++) {
      g.mark(Mark.layer(i));
      String b = "blk." + i + ".";
      Value h = g.rmsNorm(x, weight(b + "attn_norm.weight", 8), 1e-6f);
      Value q = g.heads(g.matmul(weight(b + "attn_q.weight", 8, 8), h), 2);
      q = g.rope(q, g.positions(), RopeSpec.neox(4, 10_000, 1));
      Value v = g.rmsNorm(g.heads(h, 2), 1e-6f);
      KvValue kv = g.kvStore(g.slot(SPEC, Optional.empty()), q, v);
      Value a = g.joined(g.attend(q, kv, SPEC));
      x = i == 1 ? g.wanted(x) : x;
      a = i == 1 ? g.wanted(a) : a;
      x = g.add(x, g.matmul(weight(b + "attn_output.weight", 8, 8), a));
      x = g.add(x, g.unary(UnaryKind.SILU, x));
    }
    g.mark(Mark.OUTPUT);
    Value raw = g.matmul(embedding, x);
    g.logits(g.apply(new SoftCap(30), raw).getFirst());
    return g.build();
  }

  private static List<String> names(Graph graph) {
    return graph.namedValues().stream().map(NamedValue::name).toList();
  }

  @Test
  void namesFollowWeightsPartsAndOps() {
    assertEquals(
        List.of(
            "token_embd",
            "token_embd.scale",
            "blk.0.attn_norm",
            "blk.0.attn_q",
            "blk.0.attn_q.rope",
            "blk.0.attn_norm.rmsNorm",
            "blk.0.attend",
            "blk.0.attn_output",
            "blk.0.add",
            "blk.0.add.silu",
            "blk.0.add.2",
            "blk.1.attn_norm",
            "blk.1.attn_q",
            "blk.1.attn_q.rope",
            "blk.1.attn_norm.rmsNorm",
            "blk.1.attend",
            "blk.1.wanted",
            "blk.1.attend.wanted",
            "blk.1.attn_output",
            "blk.1.add",
            "blk.1.add.silu",
            "blk.1.add.2",
            "token_embd.matmul",
            "logits"),
        names(decoder()));
  }

  @Test
  void tellsOpAndLayer() {
    List<NamedValue> all = decoder().namedValues();
    assertEquals(
        List.of("rows", "scale", "rmsNorm", "matmul", "rope"),
        all.stream().limit(5).map(NamedValue::op).toList());
    assertEquals(OptionalInt.empty(), all.getFirst().layer());
    assertEquals(OptionalInt.of(0), all.get(2).layer());
    assertEquals(OptionalInt.of(1), all.get(20).layer());
    assertEquals("softCap", all.getLast().op());
    assertEquals(OptionalInt.empty(), new Mark("layer 1.5").layerIndex());
  }

  @Test
  void aNameIsGivenOnceThoughWeightsAndOpsCollide() {
    GraphBuilder g = new GraphBuilder();
    g.mark(new Mark("a part"));
    Value x = g.rows(weight("t", 8, 30), g.tokens());
    Value y = g.rows(weight("t", 8, 30), g.tokens());
    Value z = g.rows(weight("t", 8, 30), g.tokens());
    Value sum = g.add(g.add(x, y), z);
    List<Value> best = g.topK(g.wanted(g.matmul(weight("a_part.add.2", 8, 8), sum)), 8);
    g.logits(g.gather(best.get(0), best.get(1)));
    assertEquals(
        List.of(
            "t",
            "t.rows",
            "t.rows.2",
            "a_part.add",
            "a_part.add.2",
            "a_part.add.2.matmul",
            "a_part.add.2.matmul.wanted",
            "a_part.add.2.matmul.topK",
            "a_part.add.2.matmul.topK.2",
            "logits"),
        names(g.build()));
  }

  @Test
  void observingOnlyAddsWhatIsHandedOut() {
    Graph graph = decoder();
    List<Value> some = graph.namedValues().subList(3, 6).stream().map(NamedValue::value).toList();
    Graph observing = graph.observing(some.reversed());
    assertEquals(some, observing.boundaryOutputs());
    assertEquals(some, observing.observed());
    assertEquals(graph.digest(), observing.digest());
    assertEquals(graph.nodes(), observing.nodes());
    assertEquals(names(graph), names(observing));
    assertEquals(some, observing.lowered(c -> false).observed());
    assertEquals(some, observing.observing(List.of(some.getFirst())).observed());
    assertEquals(List.of(), graph.observing(List.of()).boundaryOutputs());
  }

  @Test
  void stagesHandOutTheirOwnObservedValues() {
    Graph graph = decoder();
    List<Value> all = graph.namedValues().stream().map(NamedValue::value).toList();
    List<Graph> plain = graph.cut(List.of(Mark.layer(1)));
    List<Graph> stages = graph.observing(all).cut(List.of(Mark.layer(1)));
    Value crossing = plain.getFirst().boundaryOutputs().getFirst();
    assertEquals(all.subList(0, 11), stages.getFirst().boundaryOutputs());
    assertEquals(
        all.subList(0, 11).stream().filter(v -> !v.equals(crossing)).toList(),
        stages.getFirst().observed());
    assertEquals(List.of(crossing), stages.getLast().boundaryInputs());
    assertEquals(all.subList(11, all.size()), stages.getLast().observed());
  }

  @Test
  void refusesToHandOutWhatItDoesNotMake() {
    Graph graph = decoder();
    Value tokens = graph.nodes().getFirst().inputs().getFirst();
    assertThrows(IllegalArgumentException.class, () -> graph.observing(List.of(tokens)));
  }
}
