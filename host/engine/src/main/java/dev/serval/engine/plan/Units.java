package dev.serval.engine.plan;

import dev.serval.api.graph.Graph;
import dev.serval.api.graph.Mark;
import java.util.ArrayList;
import java.util.List;

/**
 * The parts of a graph that a legal cut can separate, in order: what shares a cache stays together.
 *
 * @param marks the marks of each part
 */
record Units(List<List<Mark>> marks) {

  /** Asks a graph for its legal cuts. Cuts are legal together if each is by itself. */
  static Units of(Graph graph) {
    List<List<Mark>> units = new ArrayList<>();
    for (Mark m : graph.marks()) {
      if (units.isEmpty() || !graph.cutProblems(List.of(m)).isEmpty()) {
        if (units.isEmpty()) {
          units.add(new ArrayList<>());
        }
        units.getLast().add(m);
      } else {
        units.add(new ArrayList<>(List.of(m)));
      }
    }
    return new Units(units);
  }

  /** The same with the first parts joined, so that {@code n} fewer are left. */
  Units joinFirst(int n) {
    List<List<Mark>> units = new ArrayList<>();
    units.add(marks.subList(0, n + 1).stream().flatMap(List::stream).toList());
    units.addAll(marks.subList(n + 1, marks.size()));
    return new Units(units);
  }

  /** Number of parts. */
  int count() {
    return marks.size();
  }

  /** Whether the first part is nothing but the way from token ids to the first layer. */
  boolean startsWithEmbedding() {
    return count() > 1 && marks.getFirst().equals(List.of(Mark.EMBED));
  }

  /** Layers in all, the output included. */
  int layers() {
    return (int) marks.stream().flatMap(List::stream).filter(m -> !m.equals(Mark.EMBED)).count();
  }

  /**
   * The number of parts at the end that hold no more than so many layers; the output is none of
   * them, unless all layers are asked for.
   */
  int unitsOfLayers(int layers) {
    if (layers >= layers()) {
      return count();
    }
    int units = 0;
    int held = 0;
    for (int i = count() - 2; i >= 0; i--) {
      held += marks.get(i).size();
      if (held > layers) {
        break;
      }
      units++;
    }
    return units;
  }

  /** The stage of a graph that holds the parts from {@code first} until {@code end}. */
  Graph stage(Graph graph, int first, int end) {
    List<Mark> cuts = new ArrayList<>();
    if (first > 0) {
      cuts.add(marks.get(first).getFirst());
    }
    if (end < count()) {
      cuts.add(marks.get(end).getFirst());
    }
    return cuts.isEmpty() ? graph : graph.cut(cuts).get(first > 0 ? 1 : 0);
  }

  /** What the parts from {@code first} until {@code end} are, for people. */
  String name(int first, int end) {
    String from = marks.get(first).getFirst().name();
    String to = marks.get(end - 1).getLast().name();
    return from.equals(to) ? from : from + ".." + to;
  }
}
