package dev.serval.api.graph;

import dev.serval.api.kv.KvSlot;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Splits a whole graph into a chain of stages. */
final class GraphCut {

  private GraphCut() {}

  static List<String> problems(Graph graph, List<Mark> points) {
    List<String> problems = new ArrayList<>();
    List<Mark> marks = graph.marks();
    int last = 0;
    for (Mark p : points) {
      int at = marks.indexOf(p);
      if (at < 0) {
        problems.add("no part of the graph is marked \"" + p.name() + "\"");
      } else if (at <= last) {
        problems.add("cut before \"" + p.name() + "\" leaves an empty stage or is out of order");
      }
      last = Math.max(last, at);
    }
    if (!problems.isEmpty()) {
      return problems;
    }
    Map<KvSlot, Integer> storedIn = new HashMap<>();
    Map<Mark, Integer> stageOf = stages(marks, points);
    for (Node n : graph.nodes()) {
      int stage = stageOf.getOrDefault(n.mark(), 0);
      if (n.op() instanceof AttentionOp.KvStore s) {
        storedIn.put(s.slot(), stage);
      } else if (n.op() instanceof AttentionOp.Attend a
          && storedIn.getOrDefault(a.slot(), stage) != stage) {
        problems.add(
            "the cache of slot "
                + a.slot().index()
                + " is stored before the cut and read after it, in \""
                + n.mark().name()
                + "\"");
      }
    }
    return problems;
  }

  private static Map<Mark, Integer> stages(List<Mark> marks, List<Mark> points) {
    Map<Mark, Integer> stageOf = new HashMap<>();
    int stage = 0;
    for (Mark m : marks) {
      stage += points.contains(m) ? 1 : 0;
      stageOf.put(m, stage);
    }
    return stageOf;
  }

  static List<Graph> cut(Graph graph, List<Mark> points) {
    List<String> problems = problems(graph, points);
    if (!problems.isEmpty()) {
      throw new IllegalArgumentException(String.join("; ", problems));
    }
    Map<Mark, Integer> stageOf = stages(graph.marks(), points);
    int count = points.size() + 1;
    List<List<Node>> nodes = new ArrayList<>();
    Map<Value, Integer> madeIn = new HashMap<>();
    Map<Value, Integer> lastUse = new HashMap<>();
    for (int i = 0; i < count; i++) {
      nodes.add(new ArrayList<>());
    }
    for (Node n : graph.nodes()) {
      int stage = stageOf.getOrDefault(n.mark(), 0);
      nodes.get(stage).add(n);
      n.inputs().forEach(v -> lastUse.merge(v, stage, Math::max));
      n.outputs().forEach(v -> madeIn.put(v, stage));
    }
    graph.output().ifPresent(v -> lastUse.put(v, count - 1));
    List<Graph> stages = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      stages.add(
          graph.stage(
              nodes.get(i),
              live(madeIn, lastUse, i),
              live(madeIn, lastUse, i + 1),
              i == count - 1));
    }
    return stages;
  }

  /** Values made before the cut at {@code stage} and used at or after it, ascending by id. */
  private static List<Value> live(
      Map<Value, Integer> madeIn, Map<Value, Integer> lastUse, int stage) {
    TreeMap<Integer, Value> live = new TreeMap<>();
    madeIn.forEach((v, made) -> {
      if (made < stage && lastUse.getOrDefault(v, -1) >= stage) {
        live.put(v.id(), v);
      }
    });
    return List.copyOf(live.values());
  }
}
