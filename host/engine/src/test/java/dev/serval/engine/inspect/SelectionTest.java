package dev.serval.engine.inspect;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.graph.Graph;
import dev.serval.api.graph.GraphBuilder;
import dev.serval.api.graph.Mark;
import dev.serval.api.graph.NamedValue;
import dev.serval.api.graph.Value;
import dev.serval.api.runtime.TensorInspection;
import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.Shape;
import dev.serval.api.tensor.TensorInfo;
import dev.serval.api.tensor.TensorView;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

class SelectionTest {

  private static final Graph GRAPH = graph();

  private static TensorView weight(String name, long... sizes) {
    return TensorView.of(new TensorInfo(name, DataType.F32, Shape.of(sizes)));
  }

  /** Twelve layers of a norm, a linear map and a sum. */
  private static Graph graph() {
    GraphBuilder g = new GraphBuilder();
    Value x = g.rows(weight("token_embd.weight", 8, 30), g.tokens());
    for (int i = 0; i < 12; i++) {
      g.mark(Mark.layer(i));
      Value h = g.rmsNorm(x, weight("blk." + i + ".norm.weight", 8), 1e-6f);
      x = g.add(x, g.matmul(weight("blk." + i + ".up.weight", 8, 8), h));
    }
    g.mark(Mark.OUTPUT);
    g.logits(g.matmul(weight("output.weight", 8, 30), g.wanted(x)));
    return g.build();
  }

  private static List<String> names(TensorInspection asked) {
    return Selection.of(GRAPH, Optional.of(asked)).values().stream().map(NamedValue::name).toList();
  }

  private static TensorInspection asked(List<String> patterns, Integer... layers) {
    return new TensorInspection(patterns, Set.of(layers), tensor -> {});
  }

  @Test
  void findsValuesByPatternInExecutionOrder() {
    assertEquals(List.of("blk.1.norm", "blk.1.up", "blk.1.add"), names(asked(List.of("blk.1.*"))));
    assertEquals(
        List.of("token_embd", "blk.3.up", "logits"),
        names(asked(List.of("logits", "blk.3.up", "t*", "log*"))));
    Selection all = Selection.of(GRAPH, Optional.of(asked(List.of("*"))));
    assertEquals(GRAPH.namedValues(), all.values());
    assertEquals(
        all.values().stream().map(NamedValue::value).toList(), all.graph().boundaryOutputs());
  }

  @Test
  void withoutInspectionTheGraphIsTheSameObject() {
    Selection none = Selection.of(GRAPH, Optional.empty());
    assertSame(GRAPH, none.graph());
    assertEquals(List.of(), none.values());
  }

  @Test
  void layersNarrowAPattern() {
    assertEquals(List.of("blk.2.up", "blk.10.up"), names(asked(List.of("*.up"), 10, 2)));
    assertEquals(List.of("blk.0.norm", "blk.0.up", "blk.0.add"), names(asked(List.of("*"), 0)));
  }

  @Test
  void refusesPatternsThatMatchNothingNamingWhatIsLikeThem() {
    RequestRejectedException e =
        assertThrows(RequestRejectedException.class, () -> names(asked(List.of("*", "blk.7.upp"))));
    assertEquals("request.option-invalid", e.code());
    assertEquals(
        "inspection: pattern \"blk.7.upp\" matches none of 39 values; nearest names: blk.7.up,"
            + " blk.0.up, blk.1.up, blk.2.up, blk.3.up, blk.4.up",
        e.getMessage());
    RequestRejectedException far =
        assertThrows(RequestRejectedException.class, () -> names(asked(List.of("*.up"), 12)));
    assertTrue(far.toString().contains("none of 0 values in layers [12]"), far::toString);
  }
}
