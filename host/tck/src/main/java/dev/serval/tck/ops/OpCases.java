package dev.serval.tck.ops;

import dev.serval.api.graph.Elementwise;
import dev.serval.api.graph.Elementwise.BinaryKind;
import dev.serval.api.graph.Elementwise.UnaryKind;
import dev.serval.api.graph.Graph;
import dev.serval.api.graph.Reduction.ReduceKind;
import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.TensorView;
import dev.serval.tck.ops.OpCase.Inputs;
import dev.serval.tck.weights.TestWeights;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Cases of ops on values: element by element, reductions, layout. Each with its bound. */
public final class OpCases {

  /** Row lengths round the edges of 16, 32 and 64 lanes. */
  private static final int[] WIDTHS = {1, 2, 3, 15, 16, 17, 31, 32, 33, 63, 64, 65, 130};

  private static final long SEED = 20260101;

  private OpCases() {}

  private static TestWeights none() {
    return new TestWeights(SEED);
  }

  /** All cases of this class. */
  public static List<OpCase> all() {
    List<OpCase> cases = new ArrayList<>();
    for (int n : WIDTHS) {
      binary(n, cases);
      unary(n, cases);
      scalars(n, cases);
      reductions(n, cases);
      reduceAndTopK(n, cases);
      layout(n, cases);
    }
    return cases;
  }

  private static void binary(int n, List<OpCase> to) {
    for (BinaryKind kind : BinaryKind.values()) {
      // one correctly rounded operation; a device may divide by multiplying with a reciprocal
      Bound bound = kind == BinaryKind.DIV ? Bound.relative(2 * Bound.ROUNDING) : Bound.EQUAL;
      String name = kind.name().toLowerCase(Locale.ROOT);
      List<List<int[]>> shapes =
          List.of(
              List.of(new int[] {n}, new int[] {n}),
              List.of(new int[] {n}, new int[] {1}),
              List.of(new int[] {1}, new int[] {n}),
              List.of(new int[] {3, n}, new int[] {1, n}),
              List.of(new int[] {1, n}, new int[] {2, 1}));
      for (int i = 0; i < shapes.size(); i++) {
        Graph stage =
            OpCase.stage(
                shapes.get(i),
                (g, in) -> g.apply(new Elementwise.Binary(kind), in.get(0), in.get(1)));
        String title = name + " " + n + ", broadcast " + i;
        to.add(new OpCase(title, name, none(), stage, Inputs.in(0.5, 2), bound));
      }
      TestWeights w = none();
      TensorView b = w.around("b", DataType.F32, 1.5, 0.5, n);
      Graph stage =
          OpCase.stage(
              List.of(new int[] {n}),
              (g, in) -> g.apply(new Elementwise.Binary(kind), in.getFirst(), g.constant(b)));
      to.add(new OpCase(name + " " + n + ", constant", name, w, stage, Inputs.in(0.5, 2), bound));
    }
  }

  private static void unary(int n, List<OpCase> to) {
    for (UnaryKind kind : UnaryKind.values()) {
      String name = kind.name().toLowerCase(Locale.ROOT);
      Bound bound =
          switch (kind) {
            case RELU -> Bound.EQUAL;
            // correctly rounded on processors, within 2 units on some devices
            case SQRT, RSQRT -> Bound.relative(4 * Bound.ROUNDING);
            // exp within 1e-6, and what follows it
            case EXP -> Bound.relative(1e-6);
            // values of magnitude 1 made of exp; where they approach 0, so does 1 − 1
            case TANH, SIGMOID -> Bound.absolute(1e-6);
            // x times a number within 1e-6
            case SILU, GELU_TANH, GELU_ERF -> new Bound(2e-6, 2e-6);
          };
      Graph stage =
          OpCase.stage(List.of(new int[] {n}), (g, in) -> List.of(g.unary(kind, in.getFirst())));
      boolean root = kind == UnaryKind.SQRT || kind == UnaryKind.RSQRT;
      to.add(
          new OpCase(
              name + " " + n,
              name,
              none(),
              stage,
              root ? Inputs.in(0.01, 9) : Inputs.in(-6, 6),
              bound));
      // far out, where naive formulas overflow
      Bound far = kind == UnaryKind.EXP ? Bound.relative(1e-5) : bound;
      to.add(
          new OpCase(
              name + " " + n + ", far",
              name,
              none(),
              stage,
              root ? Inputs.in(1e-6, 1e9) : Inputs.in(-80, 80),
              far));
    }
  }

  private static void scalars(int n, List<OpCase> to) {
    List<int[]> shape = List.of(new int[] {n});
    // one correctly rounded operation each
    to.add(of("scale", n, OpCase.stage(shape, (g, in) -> List.of(g.scale(in.getFirst(), 0.1)))));
    to.add(
        of(
            "addscalar",
            n,
            OpCase.stage(shape, (g, in) -> List.of(g.addScalar(in.getFirst(), 0.3)))));
    to.add(
        of("clamp", n, OpCase.stage(shape, (g, in) -> List.of(g.clamp(in.getFirst(), -0.4, 0.6)))));
    double infinite = Double.NEGATIVE_INFINITY;
    to.add(
        of(
            "clamp",
            n,
            OpCase.stage(shape, (g, in) -> List.of(g.clamp(in.getFirst(), infinite, 0.5)))));
  }

  private static OpCase of(String name, int n, Graph stage) {
    return new OpCase(name + " " + n, name, none(), stage, Inputs.PLAIN, Bound.EQUAL);
  }

  private static void reductions(int n, List<OpCase> to) {
    List<int[]> shape = List.of(new int[] {n});
    TestWeights w = none();
    TensorView scale = w.random("w", DataType.F32, n);
    TensorView shift = w.random("b", DataType.F32, n);
    // a sum of squares has only positive terms: n roundings at worst, far fewer with partial sums
    Bound norm = Bound.relative(16 * Bound.ROUNDING);
    to.add(
        of(
                "rmsnorm",
                n,
                OpCase.stage(shape, (g, in) -> List.of(g.rmsNorm(in.get(0), scale, 1e-6f))))
            .with(w, norm));
    to.add(
        of(
                "rmsnorm",
                n,
                OpCase.stage(
                    List.of(new int[] {2, n}), (g, in) -> List.of(g.rmsNorm(in.get(0), 1e-6f))))
            .with(w, norm));
    // the mean is subtracted: its rounding counts in the unit of the widest deviation, 1 / √eps
    Bound layer = new Bound(1e-5, 2e-5);
    to.add(
        of(
                "layernorm",
                n,
                OpCase.stage(
                    shape,
                    (g, in) -> List.of(g.layerNorm(in.get(0), scale, Optional.of(shift), 1e-2f))))
            .with(w, layer));
    to.add(
        of(
                "layernorm",
                n,
                OpCase.stage(
                    shape,
                    (g, in) -> List.of(g.layerNorm(in.get(0), scale, Optional.empty(), 1e-2f))))
            .with(w, layer));
    // exp within 1e-6, sum of positive terms, one division
    to.add(
        of("softmax", n, OpCase.stage(shape, (g, in) -> List.of(g.softmax(in.get(0)))))
            .with(w, Bound.relative(3e-6))
            .withInputs(Inputs.in(-8, 8)));
  }

  private static void reduceAndTopK(int n, List<OpCase> to) {
    List<int[]> shape = List.of(new int[] {n});
    TestWeights w = none();
    for (ReduceKind kind : ReduceKind.values()) {
      Bound bound =
          switch (kind) {
            case MAX -> Bound.EQUAL;
            case SUM_SQUARES -> Bound.relative(16 * Bound.ROUNDING);
            // terms of magnitude 1 of either sign: roundings of partial sums, at most √n large
            case SUM, MEAN -> Bound.absolute(n * Bound.ROUNDING);
          };
      String name = "reduce " + kind.name().toLowerCase(Locale.ROOT).replace('_', ' ');
      to.add(
          of(name, n, OpCase.stage(shape, (g, in) -> List.of(g.reduce(kind, in.get(0)))))
              .with(w, bound));
    }
    for (int k : new int[] {1, 4, n}) {
      if (k <= n) {
        Graph stage =
            OpCase.stage(
                List.of(new int[] {n}, new int[] {n}),
                (g, in) -> {
                  var best = g.topK(in.get(0), k);
                  return List.of(best.get(0), g.gather(in.get(1), best.get(1)));
                });
        to.add(of("topk", n, stage).with(w, Bound.EQUAL));
      }
    }
  }

  private static void layout(int n, List<OpCase> to) {
    List<int[]> two = List.of(new int[] {3, n});
    // elements are moved, not computed
    to.add(of("slice", n, OpCase.stage(two, (g, in) -> List.of(g.slice(in.get(0), 1, 1, 3)))));
    to.add(of("slice", n, OpCase.stage(two, (g, in) -> List.of(g.slice(in.get(0), 2, n / 2, n)))));
    to.add(
        of(
            "concat",
            n,
            OpCase.stage(
                List.of(new int[] {3, n}, new int[] {2, n}),
                (g, in) -> List.of(g.concat(1, in.get(0), in.get(1), in.get(0))))));
    to.add(
        of(
            "concat",
            n,
            OpCase.stage(
                List.of(new int[] {2, n}, new int[] {2, 5}),
                (g, in) -> List.of(g.concat(2, in.get(0), in.get(1))))));
    to.add(of("reshape", n, OpCase.stage(two, (g, in) -> List.of(g.joined(in.get(0))))));
    to.add(of("wanted", n, OpCase.stage(two, (g, in) -> List.of(g.wanted(in.get(0))))));
    // a mean of at most 33 rows
    to.add(
        of("poolmean", n, OpCase.stage(two, (g, in) -> List.of(g.poolMean(in.get(0)))))
            .with(none(), Bound.absolute(33 * Bound.ROUNDING))
            .withInputs(new Inputs(-1, 1, 0, 3)));
  }
}
