package dev.serval.api.graph;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Names the values of a graph as {@link NamedValue} says. Used once. */
final class ValueNames {

  private static final String WEIGHT = ".weight";

  /** The name that values made of one value are called after, in one part of the graph. */
  private record Stem(String name, Mark mark) {}

  private final Optional<Value> result;
  private final String resultName;
  private final Map<Integer, Stem> stems = new HashMap<>();
  private final Set<String> taken = new HashSet<>();
  private final List<NamedValue> named = new ArrayList<>();

  private ValueNames(Graph graph) {
    result = graph.output();
    resultName = graph.outputKind().name().toLowerCase(Locale.ROOT);
    taken.add(resultName);
  }

  static List<NamedValue> of(Graph graph) {
    ValueNames names = new ValueNames(graph);
    graph.nodes().forEach(names::add);
    return List.copyOf(names.named);
  }

  private void add(Node n) {
    String op = opName(n.op());
    Optional<Stem> before = stem(n);
    for (Value v : n.outputs()) {
      if (result.filter(v::equals).isPresent()) {
        start(v, n, op, resultName);
      } else if (n.op() instanceof LayoutOp.Reshape) {
        before.ifPresent(stem -> stems.put(v.id(), stem));
      } else if (appliesWeight(n.op())) {
        String weight = n.op().weights().getFirst().name();
        boolean suffixed = weight.endsWith(WEIGHT);
        String name = suffixed ? weight.substring(0, weight.length() - WEIGHT.length()) : weight;
        start(v, n, op, taken.add(name) ? name : free(name + "." + op));
      } else if (before.isPresent()) {
        named.add(new NamedValue(free(before.get().name + "." + op), v, op, n.mark()));
        stems.put(v.id(), before.get());
      } else {
        start(v, n, op, free(part(n.mark()) + "." + op));
      }
    }
  }

  /** Gives a name that those of further values begin with. */
  private void start(Value v, Node n, String op, String name) {
    named.add(new NamedValue(name, v, op, n.mark()));
    stems.put(v.id(), new Stem(name, n.mark()));
  }

  /** What a node's results are called after: its only input, if the same part made that. */
  private Optional<Stem> stem(Node n) {
    List<Value> inputs =
        n.inputs().stream()
            .filter(v -> v.id() != Graph.TOKENS_ID && v.id() != Graph.POSITIONS_ID)
            .toList();
    if (inputs.size() != 1 || n.op() instanceof AttentionOp.Attend) { // it reads a cache as well
      return Optional.empty();
    }
    return Optional.ofNullable(stems.get(inputs.getFirst().id()))
        .filter(s -> s.mark.equals(n.mark()));
  }

  private String free(String wished) {
    String name = wished;
    for (int i = 2; !taken.add(name); i++) {
      name = wished + "." + i;
    }
    return name;
  }

  private static String part(Mark mark) {
    return mark.layerIndex().isPresent()
        ? "blk." + mark.layerIndex().getAsInt()
        : mark.name().replace(' ', '_');
  }

  /** Whether an op is the use of one weight, so that people know its result by that name. */
  private static boolean appliesWeight(Op op) {
    return switch (op) {
      case Projection _, Reduction.RmsNorm _, Reduction.LayerNorm _ -> !op.weights().isEmpty();
      default -> false;
    };
  }

  private static String opName(Op op) {
    return switch (op) {
      case Elementwise.Binary b -> b.kind().name().toLowerCase(Locale.ROOT);
      case Elementwise.Unary u -> u.kind().name().toLowerCase(Locale.ROOT);
      case Reduction.Reduce r -> r.kind().name().toLowerCase(Locale.ROOT);
      default -> {
        String name = op.getClass().getSimpleName().replace("MatMul", "Matmul");
        yield name.substring(0, 1).toLowerCase(Locale.ROOT) + name.substring(1);
      }
    };
  }
}
