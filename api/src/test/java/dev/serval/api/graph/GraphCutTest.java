package dev.serval.api.graph;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.attention.AttentionSpec;
import dev.serval.api.attention.MaskKind;
import dev.serval.api.kv.KvSlot;
import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.Shape;
import dev.serval.api.tensor.TensorInfo;
import dev.serval.api.tensor.TensorView;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class GraphCutTest {

  private static final AttentionSpec SPEC = new AttentionSpec(2, 2, 4, 1, MaskKind.CAUSAL);

  private static TensorView weight(String name, long... sizes) {
    return TensorView.of(new TensorInfo(name, DataType.F32, Shape.of(sizes)));
  }

  /** Three layers; the second keeps a side value for the end, the third may share a cache. */
  private static Graph graph(boolean shared) {
    GraphBuilder g = new GraphBuilder();
    Value x = g.embedding(g.rows(weight("embd", 8, 100), g.tokens()));
    Value side = x;
    KvValue cache = null;
    for (int i = 0; i < 3; i++) {
      g.mark(Mark.layer(i));
      Value h = g.heads(x, 2);
      KvValue kv =
          shared && i == 2 && cache != null
              ? cache
              : g.kvStore(g.slot(SPEC, Optional.empty()), h, h);
      cache = kv;
      x = g.add(x, g.joined(g.attend(h, kv, SPEC)));
      side = i == 1 ? g.scale(x, 0.5) : side;
    }
    g.mark(Mark.OUTPUT);
    g.logits(g.matmul(weight("output", 8, 30), g.wanted(g.add(x, side))));
    return g.build();
  }

  @Test
  void stagesHoldTheNodesBetweenTheCuts() {
    Graph whole = graph(false);
    List<Graph> stages = whole.cut(List.of(Mark.layer(1), Mark.layer(2)));
    assertEquals(3, stages.size());
    assertEquals(whole.nodes(), stages.stream().flatMap(s -> s.nodes().stream()).toList());
    assertEquals(List.of(Mark.EMBED, Mark.layer(0)), stages.get(0).marks());
    assertEquals(List.of(Mark.layer(2), Mark.OUTPUT), stages.get(2).marks());
    for (Graph s : stages) {
      assertEquals(whole.digest(), s.digest());
    }
  }

  @Test
  void liveValuesCrossTheCutAndNothingElse() {
    Graph whole = graph(false);
    List<Graph> stages = whole.cut(List.of(Mark.layer(1), Mark.layer(2)));
    assertEquals(List.of(), stages.get(0).boundaryInputs());
    assertEquals(1, stages.get(0).boundaryOutputs().size());
    assertEquals(stages.get(0).boundaryOutputs(), stages.get(1).boundaryInputs());
    // the residual and the side value
    assertEquals(2, stages.get(1).boundaryOutputs().size());
    assertEquals(stages.get(1).boundaryOutputs(), stages.get(2).boundaryInputs());
    assertEquals(List.of(), stages.get(2).boundaryOutputs());
  }

  @Test
  void valueUsedByALaterStagePassesThroughTheOneBetween() {
    GraphBuilder g = new GraphBuilder();
    Value x = g.rows(weight("embd", 8, 100), g.tokens());
    g.mark(Mark.layer(0));
    Value y = g.scale(g.rows(weight("other", 8, 100), g.tokens()), 2);
    g.mark(Mark.OUTPUT);
    g.logits(g.wanted(g.add(x, y)));
    List<Graph> stages = g.build().cut(List.of(Mark.layer(0), Mark.OUTPUT));
    assertEquals(List.of(x), stages.get(1).boundaryInputs());
    assertEquals(List.of(x, y), stages.get(1).boundaryOutputs());
  }

  @Test
  void onlyTheLastStageHasAResultAndOnlyTheFirstAnEmbedding() {
    List<Graph> stages = graph(false).cut(List.of(Mark.layer(1)));
    assertEquals(OutputKind.NONE, stages.get(0).outputKind());
    assertEquals(0, stages.get(0).outputWidth());
    assertTrue(stages.get(0).embedding().isPresent());
    assertEquals(OutputKind.LOGITS, stages.get(1).outputKind());
    assertEquals(30, stages.get(1).outputWidth());
    assertTrue(stages.get(1).embedding().isEmpty());
  }

  @Test
  void stagesKeepGroupIndicesAndOwnTheirSlots() {
    List<Graph> stages = graph(false).cut(List.of(Mark.layer(1)));
    assertEquals(List.of(0), slots(stages.get(0)));
    assertEquals(List.of(1, 2), slots(stages.get(1)));
    assertEquals(1, stages.get(0).groups().size());
    Graph last = graph(false).cut(List.of(Mark.OUTPUT)).get(1);
    assertEquals(List.of(), slots(last));
    assertEquals(1, last.groups().size());
  }

  private static List<Integer> slots(Graph stage) {
    return stage.groups().getFirst().slots().stream().map(KvSlot::index).toList();
  }

  @Test
  void cutCrossedByACacheIsRefusedWithTheReason() {
    Graph shared = graph(true);
    assertEquals(List.of(), shared.cutProblems(List.of(Mark.layer(1))));
    List<String> problems = shared.cutProblems(List.of(Mark.layer(2)));
    assertEquals(1, problems.size());
    assertTrue(problems.getFirst().contains("slot 1"), problems::toString);
    assertTrue(problems.getFirst().contains("layer 2"), problems::toString);
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> shared.cut(List.of(Mark.layer(2))));
    assertTrue(e.toString().contains("slot 1"), e::toString);
  }

  @Test
  void cutPointsMustExistAndAscend() {
    Graph whole = graph(false);
    assertTrue(whole.cutProblems(List.of(Mark.layer(7))).getFirst().contains("layer 7"));
    assertEquals(1, whole.cutProblems(List.of(Mark.EMBED)).size());
    assertEquals(1, whole.cutProblems(List.of(Mark.layer(2), Mark.layer(1))).size());
    assertEquals(1, whole.cutProblems(List.of(Mark.layer(1), Mark.layer(1))).size());
    assertEquals(1, whole.cut(List.of()).size());
  }

  @Test
  void digestDependsOnWhatIsComputed() {
    assertEquals(graph(false).digest(), graph(false).digest());
    assertTrue(!graph(false).digest().equals(graph(true).digest()));
    assertEquals(64, graph(false).digest().length());
  }
}
