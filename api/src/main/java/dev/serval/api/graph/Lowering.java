package dev.serval.api.graph;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/** Replaces composites by primitives. */
final class Lowering {

  private Lowering() {}

  static List<Node> lower(List<Node> nodes, Predicate<Composite> keep) {
    int firstFree = Graph.POSITIONS_ID + 1;
    for (Node n : nodes) {
      for (Value v : n.inputs()) {
        firstFree = Math.max(firstFree, v.id() + 1);
      }
      for (Value v : n.outputs()) {
        firstFree = Math.max(firstFree, v.id() + 1);
      }
    }
    List<Node> out = new ArrayList<>();
    for (Node n : nodes) {
      firstFree = add(n, keep, firstFree, out);
    }
    return out;
  }

  private static int add(Node node, Predicate<Composite> keep, int firstFree, List<Node> out) {
    if (!(node.op() instanceof Composite c) || keep.test(c)) {
      out.add(node);
      return firstFree;
    }
    GraphBuilder g = new GraphBuilder(firstFree);
    g.mark(node.mark());
    List<Value> results = c.lower(g, node.inputs());
    Map<Value, Value> renamed = new HashMap<>();
    for (int i = 0; i < results.size(); i++) {
      if (!results.get(i).type().equals(node.outputs().get(i).type())) {
        throw new IllegalStateException(
            c + " lowers to " + results.get(i) + ", expected " + node.outputs().get(i));
      }
      renamed.put(results.get(i), node.outputs().get(i));
    }
    int free = g.nextId();
    for (Node n : g.nodes()) {
      List<Value> in = n.inputs().stream().map(v -> renamed.getOrDefault(v, v)).toList();
      List<Value> made = n.outputs().stream().map(v -> renamed.getOrDefault(v, v)).toList();
      free = add(new Node(n.op(), in, made, n.mark()), keep, free, out);
    }
    return free;
  }
}
