package dev.serval.tck.ops;

import dev.serval.api.graph.Dim;
import dev.serval.api.graph.Graph;
import dev.serval.api.graph.GraphBuilder;
import dev.serval.api.graph.Mark;
import dev.serval.api.graph.Value;
import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.Shape;
import dev.serval.api.tensor.TensorInfo;
import dev.serval.api.tensor.TensorView;
import dev.serval.tck.weights.TestWeights;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * One op, alone in a stage of a graph, so that its inputs and results are the values that cross the
 * cuts, and everything about them can be chosen and seen.
 *
 * @param name for messages
 * @param support the line of the support table that says whether a backend computes it
 * @param weights what the op reads
 * @param stage the stage
 * @param inputs the numbers that go in
 * @param bound how far results may be off
 */
public record OpCase(
    String name, String support, TestWeights weights, Graph stage, Inputs inputs, Bound bound) {

  /**
   * Numbers that go into a stage.
   *
   * @param low least value
   * @param high bound of values
   * @param firstPosition position of the first token of each sequence
   * @param sequences sequences, as many as there are rows at most
   */
  public record Inputs(double low, double high, int firstPosition, int sequences) {
    /** Numbers in [−1, 1) for one sequence. */
    public static final Inputs PLAIN = new Inputs(-1, 1, 0, 1);

    /** Numbers in a range for one sequence. */
    public static Inputs in(double low, double high) {
      return new Inputs(low, high, 0, 1);
    }
  }

  /** Adds the ops under test to a graph. */
  public interface Body {
    /** Builds the results from the inputs. */
    List<Value> build(GraphBuilder g, List<Value> inputs);
  }

  /** The same with weights and another bound. */
  public OpCase with(TestWeights read, Bound other) {
    return new OpCase(name, support, read, stage, inputs, other);
  }

  /** The same with other numbers. */
  public OpCase withInputs(Inputs other) {
    return new OpCase(name, support, weights, stage, other, bound);
  }

  /**
   * A stage of what {@code body} builds.
   *
   * @param inputs sizes after the first, which is the tokens, of each input
   */
  public static Graph stage(List<int[]> inputs, Body body) {
    GraphBuilder g = new GraphBuilder();
    g.mark(Mark.EMBED);
    List<Value> values = new ArrayList<>();
    for (int i = 0; i < inputs.size(); i++) {
      int width = Arrays.stream(inputs.get(i)).reduce(1, Math::multiplyExact);
      Value rows = g.rows(unplaced("input." + i, width), g.tokens());
      List<Dim> dims = new ArrayList<>(List.of(Dim.TOKENS));
      Arrays.stream(inputs.get(i)).forEach(n -> dims.add(Dim.of(n)));
      values.add(g.reshape(rows, dims.toArray(Dim[]::new)));
    }
    g.mark(Mark.layer(0));
    List<Value> results = body.build(g, values);
    g.mark(Mark.OUTPUT);
    use(g, results);
    return g.build().cut(List.of(Mark.layer(0), Mark.OUTPUT)).get(1);
  }

  /** A table that only the parts before and after the stage read, and which is never placed. */
  private static TensorView unplaced(String name, int width) {
    return TensorView.of(new TensorInfo(name, DataType.F32, Shape.of(width, 1)));
  }

  /** Ends the graph with something that needs all results. */
  private static void use(GraphBuilder g, List<Value> results) {
    if (results.getFirst().type().first().equals(Dim.SEQUENCES)) {
      g.pooled(g.joined(results.getFirst()));
      return;
    }
    List<Value> wanted = new ArrayList<>();
    for (Value r : results) {
      Value x = r;
      if (r.type().type() == DataType.I32) {
        x = g.gather(g.rows(unplaced("output", 1), g.tokens()), r);
      }
      Value joined = g.joined(x);
      wanted.add(x.type().first().equals(Dim.TOKENS) ? g.wanted(joined) : joined);
    }
    g.logits(g.concat(1, wanted.toArray(Value[]::new)));
  }
}
