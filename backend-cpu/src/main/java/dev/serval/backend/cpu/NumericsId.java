package dev.serval.backend.cpu;

import dev.serval.api.graph.Graph;
import dev.serval.api.graph.Mark;
import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.TensorView;
import java.util.List;
import java.util.TreeSet;

/**
 * Names what a program computes, bit for bit: graph, part of it, types. Threads, vector width and
 * the sizes it is compiled for change no bit and are not part of it, nor is the mode: activations
 * are F32 in either.
 */
final class NumericsId {

  /** Changes whenever an operation's order or rounding changes. */
  private static final String VERSION = "cpu/1";

  private static final int DIGEST_PREFIX = 16;

  private NumericsId() {}

  /**
   * The id.
   *
   * @param graph whole graph or stage
   * @param lowered the same, lowered
   */
  static String of(Graph graph, Graph lowered, DataType kvType) {
    TreeSet<String> types = new TreeSet<>();
    for (TensorView w : lowered.weights()) {
      types.add(w.type().name());
    }
    List<Mark> marks = graph.marks();
    String part = marks.isEmpty() ? "" : marks.getFirst().name() + ".." + marks.getLast().name();
    return String.join(
        " ",
        VERSION,
        graph.digest().substring(0, DIGEST_PREFIX),
        "[" + part + "]",
        "activations=F32",
        "kv=" + kvType,
        "weights=" + String.join("+", types));
  }
}
