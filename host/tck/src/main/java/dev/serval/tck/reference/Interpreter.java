package dev.serval.tck.reference;

import dev.serval.api.backend.Output;
import dev.serval.api.backend.Step;
import dev.serval.api.graph.AttentionOp;
import dev.serval.api.graph.Composite;
import dev.serval.api.graph.Dim;
import dev.serval.api.graph.Elementwise;
import dev.serval.api.graph.Graph;
import dev.serval.api.graph.LayoutOp;
import dev.serval.api.graph.Mark;
import dev.serval.api.graph.Node;
import dev.serval.api.graph.OutputKind;
import dev.serval.api.graph.Projection;
import dev.serval.api.graph.Reduction;
import dev.serval.api.graph.Value;
import dev.serval.api.graph.ValueType;
import dev.serval.api.tensor.DataType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Computes the nodes of a graph without composites, one after the other, keeping values as doubles.
 *
 * <p>Rounding: keys and values when they are stored; results when they are written; and to F32 each
 * value that is used under another mark than the one it is made under. The last makes a graph that
 * is cut at any marks compute the same bits as the whole.
 */
final class Interpreter {

  private final Graph graph;
  private final CellTable table;
  private final Set<Integer> rounded = new HashSet<>();
  private final ReductionLoops reductions;
  private final ProjectionLoops projections;
  private final AttentionLoops attention;

  Interpreter(Graph graph, WeightReader weights, ReferenceKv kv, CellTable table) {
    this.graph = graph;
    this.table = table;
    this.reductions = new ReductionLoops(weights);
    this.projections = new ProjectionLoops(weights);
    this.attention = new AttentionLoops(graph, weights, kv, table);
    Map<Integer, Mark> madeUnder = new HashMap<>();
    for (Node n : graph.nodes()) {
      n.outputs().forEach(v -> madeUnder.put(v.id(), n.mark()));
      for (Value v : n.inputs()) {
        if (!n.mark().equals(madeUnder.getOrDefault(v.id(), n.mark()))) {
          rounded.add(v.id());
        }
      }
    }
    graph.boundaryOutputs().stream()
        .filter(v -> !graph.observed().contains(v))
        .forEach(v -> rounded.add(v.id()));
  }

  /**
   * Runs a step to its end.
   *
   * @param probe called before each part of the graph
   * @param mayGoOn asked before each part of the graph, and before results are written
   * @return whether it came to its end
   */
  boolean run(Step step, Consumer<Mark> probe, BooleanSupplier mayGoOn) {
    table.enter(step);
    Map<Integer, Numbers> values = inputs(step);
    @Nullable Mark mark = null;
    for (Node n : graph.nodes()) {
      if (!n.mark().equals(mark)) {
        mark = n.mark();
        probe.accept(mark);
        if (!mayGoOn.getAsBoolean()) {
          return false;
        }
      }
      List<Numbers> in = new ArrayList<>();
      n.inputs().forEach(v -> in.add(number(values, v)));
      List<Numbers> out = compute(n, in, step);
      for (int i = 0; i < out.size(); i++) {
        Value v = n.outputs().get(i);
        supply(v, out.get(i), step);
        if (rounded.contains(v.id())) {
          out.get(i).roundToFloat();
        }
        values.put(v.id(), out.get(i));
      }
    }
    if (!mayGoOn.getAsBoolean()) {
      return false;
    }
    write(values, step);
    return true;
  }

  private static Numbers number(Map<Integer, Numbers> values, Value v) {
    return Objects.requireNonNull(values.get(v.id()), v::toString);
  }

  private Map<Integer, Numbers> inputs(Step step) {
    Map<Integer, Numbers> values = new HashMap<>();
    Numbers tokens = Numbers.zeros(step.tokens());
    Numbers positions = Numbers.zeros(step.tokens());
    for (int row = 0; row < step.tokens(); row++) {
      tokens.set(row, step.tokenId(row));
      positions.set(row, step.position(row));
    }
    values.put(Graph.TOKENS_ID, tokens);
    values.put(Graph.POSITIONS_ID, positions);
    for (int i = 0; i < graph.boundaryInputs().size(); i++) {
      Value v = graph.boundaryInputs().get(i);
      Numbers x = Numbers.zeros(dims(v.type(), step));
      read(step.boundaryInput(i), v.type().type(), x);
      values.put(v.id(), x);
    }
    return values;
  }

  private List<Numbers> compute(Node n, List<Numbers> in, Step step) {
    return switch (n.op()) {
      case Elementwise e -> List.of(ElementwiseLoops.apply(e, in));
      case Reduction r -> reductions.apply(r, in);
      case Projection p -> List.of(projections.apply(p, in));
      case AttentionOp a -> attention.apply(a, in, step);
      case LayoutOp l ->
          List.of(LayoutLoops.apply(l, in, dims(n.outputs().getFirst().type(), step), step));
      case Composite c -> throw new IllegalStateException("not lowered: " + c);
    };
  }

  private static int[] dims(ValueType type, Step step) {
    return type.dims().stream().mapToInt(d -> size(d, step)).toArray();
  }

  private static int size(Dim d, Step step) {
    return switch (d.kind()) {
      case FIXED -> d.size();
      case TOKENS -> step.tokens();
      case WANTED -> step.wanted();
      case SEQUENCES -> step.runs();
    };
  }

  /** Replaces the rows that the step supplies, if {@code v} is the graph's embedding. */
  private void supply(Value v, Numbers x, Step step) {
    int width = step.layout().embeddingWidth();
    if (width == 0 || !graph.embedding().filter(v::equals).isPresent()) {
      return;
    }
    for (int row = 0; row < step.tokens(); row++) {
      for (int i = 0; i < width && step.tokenId(row) == Step.SUPPLIED; i++) {
        x.set(row * width + i, step.supplied(row).getAtIndex(ValueLayout.JAVA_FLOAT, i));
      }
    }
  }

  private void write(Map<Integer, Numbers> values, Step step) {
    for (int i = 0; i < graph.boundaryOutputs().size(); i++) {
      Value v = graph.boundaryOutputs().get(i);
      write(number(values, v), v.type().type(), step.boundaryOutput(i));
    }
    if (graph.output().isEmpty()) {
      return;
    }
    Numbers result = number(values, graph.output().get());
    for (int row = 0; row < result.size(0); row++) {
      float[] logits = new float[result.last()];
      for (int i = 0; i < logits.length; i++) {
        logits[i] = (float) result.get(row * logits.length + i);
      }
      boolean full = graph.outputKind() != OutputKind.LOGITS;
      Output output = full ? Output.full() : step.output(row);
      if (output instanceof Output.Candidates c) {
        candidates(logits, c, step.outputRow(row));
      } else {
        MemorySegment.copy(
            logits, 0, step.outputRow(row), ValueLayout.JAVA_FLOAT, 0, logits.length);
      }
    }
  }

  private static void candidates(float[] logits, Output.Candidates c, MemorySegment row) {
    boolean[] taken = new boolean[logits.length];
    for (int j = 0; j < c.k(); j++) {
      int best = -1;
      for (int i = 0; i < logits.length; i++) {
        if (!taken[i] && (best < 0 || logits[i] > logits[best])) {
          best = i;
        }
      }
      taken[best] = true;
      row.setAtIndex(ValueLayout.JAVA_INT, j, best);
      row.setAtIndex(ValueLayout.JAVA_FLOAT, c.k() + j, logits[best]);
    }
    int at = 2 * c.k();
    for (int id : c.ids()) {
      row.setAtIndex(ValueLayout.JAVA_FLOAT, at++, logits[id]);
    }
    double max = Double.NEGATIVE_INFINITY;
    for (float x : logits) {
      max = Math.max(max, x);
    }
    double sum = 0;
    for (float x : logits) {
      sum += Math.exp(x - max);
    }
    row.setAtIndex(ValueLayout.JAVA_FLOAT, at, (float) (max + Math.log(sum)));
  }

  private static void read(MemorySegment from, DataType type, Numbers x) {
    for (int i = 0; i < x.count(); i++) {
      x.set(
          i,
          type == DataType.I32
              ? from.getAtIndex(ValueLayout.JAVA_INT, i)
              : from.getAtIndex(ValueLayout.JAVA_FLOAT, i));
    }
  }

  private static void write(Numbers x, DataType type, MemorySegment to) {
    for (int i = 0; i < x.count(); i++) {
      if (type == DataType.I32) {
        to.setAtIndex(ValueLayout.JAVA_INT, i, x.id(i));
      } else {
        to.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) x.get(i));
      }
    }
  }
}
