package dev.serval.backend.cpu;

import dev.serval.api.graph.Graph;
import dev.serval.api.graph.Mark;
import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.TensorView;
import dev.serval.backend.cpu.kernel.RowForm;
import dev.serval.backend.cpu.layout.ProgramLayout;
import java.util.List;
import java.util.TreeSet;

/**
 * Names what a program computes, bit for bit: graph, part of it, types. Threads, vector width and
 * the sizes it is compiled for change no bit and are not part of it.
 */
final class NumericsId {

  /** Changes whenever an operation's order or rounding changes. */
  private static final String VERSION = "cpu/3";

  private static final int DIGEST_PREFIX = 16;

  private NumericsId() {}

  /**
   * The id.
   *
   * @param graph whole graph or stage
   * @param layout of the same, lowered
   */
  static String of(Graph graph, ProgramLayout layout, DataType kvType) {
    TreeSet<String> types = new TreeSet<>();
    boolean rounds = false;
    for (TensorView w : layout.graph().weights()) {
      types.add(w.type().name());
      rounds |= layout.activations().form(w) == RowForm.ROUNDED;
    }
    List<Mark> marks = graph.marks();
    String part = marks.isEmpty() ? "" : marks.getFirst().name() + ".." + marks.getLast().name();
    return String.join(
        " ",
        VERSION,
        graph.digest().substring(0, DIGEST_PREFIX),
        "[" + part + "]",
        rounds ? "activations=F32+I8" : "activations=F32",
        "kv=" + kvType,
        "weights=" + String.join("+", types));
  }
}
