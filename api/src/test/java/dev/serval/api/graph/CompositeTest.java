package dev.serval.api.graph;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.error.ModelRefusedException;
import dev.serval.api.graph.MixtureOfExperts.Expert;
import dev.serval.api.graph.MixtureOfExperts.Router;
import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.Shape;
import dev.serval.api.tensor.TensorInfo;
import dev.serval.api.tensor.TensorView;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class CompositeTest {

  private static TensorView weight(String name, long... sizes) {
    return TensorView.of(new TensorInfo(name, DataType.F32, Shape.of(sizes)));
  }

  private static MixtureOfExperts mixture(Router router, boolean extras) {
    Optional<TensorView> bias = extras ? Optional.of(weight("gate.bias", 5, 4)) : Optional.empty();
    Optional<TensorView> scale = extras ? Optional.of(weight("scale", 4)) : Optional.empty();
    return new MixtureOfExperts(
        router,
        new Expert(weight("gate", 8, 5, 4), bias),
        new Expert(weight("up", 8, 5, 4), Optional.empty()),
        new Expert(weight("down", 5, 8, 4), Optional.empty()),
        extras ? new ClampedSwiglu(1.702, 7) : new Geglu(),
        scale);
  }

  static Stream<Composite> composites() {
    return Stream.of(
        new Geglu(),
        new ClampedSwiglu(1.702, 7),
        new SoftCap(30),
        mixture(new Router(2, false, false, 0, 1), false),
        mixture(new Router(2, true, true, 1e-4, 2.5), true));
  }

  @ParameterizedTest
  @MethodSource("composites")
  void loweringEndsInPrimitivesOfTheInferredTypes(Composite op) {
    GraphBuilder g = new GraphBuilder();
    Value x = g.rows(weight("embd", 8, 100), g.tokens());
    Value[] inputs =
        switch (op) {
          case SoftCap s -> new Value[] {x};
          case MixtureOfExperts m -> new Value[] {x, g.slice(x, 1, 0, 4)};
          default -> new Value[] {x, x};
        };
    List<Value> results = g.apply(op, inputs);
    g.logits(g.wanted(results.getFirst()));
    Graph graph = g.build();
    Graph lowered = graph.lowered(c -> false);
    assertTrue(lowered.nodes().stream().allMatch(n -> n.op() instanceof Primitive));
    Node last =
        lowered.nodes().stream().filter(n -> n.outputs().equals(results)).findFirst().orElseThrow();
    assertEquals(results.getFirst().type(), last.outputs().getFirst().type());
    assertEquals(graph.weights().stream().distinct().count(), lowered.weights().size());
    assertEquals(graph.output(), lowered.output());
    assertEquals(graph.nodes(), graph.lowered(c -> true).nodes());
  }

  @Test
  void valuesInsideALoweredCompositeGetFreeIds() {
    GraphBuilder g = new GraphBuilder();
    Value x = g.rows(weight("embd", 8, 100), g.tokens());
    Value a = g.apply(new SoftCap(30), x).getFirst();
    Value b = g.apply(new SoftCap(20), a).getFirst();
    g.logits(g.wanted(b));
    List<Node> nodes = g.build().lowered(c -> false).nodes();
    List<Integer> made = nodes.stream().flatMap(n -> n.outputs().stream()).map(Value::id).toList();
    assertEquals(made.size(), made.stream().distinct().count());
    assertTrue(made.containsAll(List.of(a.id(), b.id())));
  }

  @Test
  void expertOfAnotherSizeIsRefusedByName() {
    GraphBuilder g = new GraphBuilder();
    Value x = g.rows(weight("embd", 8, 100), g.tokens());
    Value logits = g.slice(x, 1, 0, 3);
    MixtureOfExperts op = mixture(new Router(2, false, false, 0, 1), false);
    ModelRefusedException e =
        assertThrows(ModelRefusedException.class, () -> g.apply(op, x, logits));
    assertTrue(e.toString().contains("\"gate\""), e::toString);
  }

  @Test
  void gatesNeedTwoEqualValues() {
    GraphBuilder g = new GraphBuilder();
    Value x = g.rows(weight("embd", 8, 100), g.tokens());
    assertThrows(ModelRefusedException.class, () -> g.apply(new Geglu(), x, g.slice(x, 1, 0, 4)));
    assertThrows(ModelRefusedException.class, () -> g.apply(new Geglu(), x));
  }
}
