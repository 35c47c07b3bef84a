package dev.serval.tck.reference;

import dev.serval.api.graph.Reduction;
import dev.serval.api.graph.Reduction.ReduceKind;
import java.util.List;

/** {@link Reduction} in double precision, sums in ascending order. */
final class ReductionLoops {

  private final WeightReader weights;

  ReductionLoops(WeightReader weights) {
    this.weights = weights;
  }

  List<Numbers> apply(Reduction op, List<Numbers> in) {
    Numbers x = in.getFirst();
    return switch (op) {
      case Reduction.RmsNorm r -> List.of(rmsNorm(r, x));
      case Reduction.LayerNorm l -> List.of(layerNorm(l, x));
      case Reduction.Softmax s -> List.of(softmax(x));
      case Reduction.Reduce r -> List.of(reduce(r.kind(), x));
      case Reduction.TopK t -> topK(t.k(), x);
      case Reduction.Gather g -> List.of(gather(x, in.get(1)));
    };
  }

  private Numbers rmsNorm(Reduction.RmsNorm op, Numbers x) {
    int n = x.last();
    Numbers squares = reduce(ReduceKind.SUM_SQUARES, x);
    Numbers y = x.like();
    for (int i = 0; i < x.count(); i++) {
      y.set(i, x.get(i) / Math.sqrt(squares.get(i / n) / n + op.eps()));
    }
    op.weight().ifPresent(w -> multiply(y, weights.all(w)));
    return y;
  }

  private Numbers layerNorm(Reduction.LayerNorm op, Numbers x) {
    int n = x.last();
    Numbers mean = reduce(ReduceKind.MEAN, x);
    Numbers y = x.like();
    for (int i = 0; i < x.count(); i++) {
      y.set(i, x.get(i) - mean.get(i / n));
    }
    Numbers squares = reduce(ReduceKind.SUM_SQUARES, y);
    for (int i = 0; i < x.count(); i++) {
      y.set(i, y.get(i) / Math.sqrt(squares.get(i / n) / n + op.eps()));
    }
    multiply(y, weights.all(op.weight()));
    op.bias().ifPresent(b -> add(y, weights.all(b)));
    return y;
  }

  private static void multiply(Numbers y, float[] w) {
    for (int i = 0; i < y.count(); i++) {
      y.set(i, y.get(i) * w[i % y.last()]);
    }
  }

  static void add(Numbers y, float[] b) {
    for (int i = 0; i < y.count(); i++) {
      y.set(i, y.get(i) + b[i % y.last()]);
    }
  }

  private static Numbers softmax(Numbers x) {
    int n = x.last();
    Numbers max = reduce(ReduceKind.MAX, x);
    Numbers y = x.like();
    for (int i = 0; i < x.count(); i++) {
      y.set(i, Math.exp(x.get(i) - max.get(i / n)));
    }
    Numbers sum = reduce(ReduceKind.SUM, y);
    for (int i = 0; i < x.count(); i++) {
      y.set(i, y.get(i) / sum.get(i / n));
    }
    return y;
  }

  static Numbers reduce(ReduceKind kind, Numbers x) {
    int n = x.last();
    Numbers y = Numbers.zeros(x.dimsWithLast(1));
    for (int row = 0; row < x.rows(); row++) {
      double sum = kind == ReduceKind.MAX ? Double.NEGATIVE_INFINITY : 0;
      for (int i = row * n; i < (row + 1) * n; i++) {
        double v = x.get(i);
        sum =
            switch (kind) {
              case SUM, MEAN -> sum + v;
              case MAX -> Math.max(sum, v);
              case SUM_SQUARES -> sum + v * v;
            };
      }
      y.set(row, kind == ReduceKind.MEAN ? sum / n : sum);
    }
    return y;
  }

  private static List<Numbers> topK(int k, Numbers x) {
    int n = x.last();
    Numbers values = Numbers.zeros(x.size(0), k);
    Numbers ids = Numbers.zeros(x.size(0), k);
    for (int row = 0; row < x.size(0); row++) {
      boolean[] taken = new boolean[n];
      for (int j = 0; j < k; j++) {
        int best = -1;
        for (int i = 0; i < n; i++) {
          if (!taken[i] && (best < 0 || x.get(row * n + i) > x.get(row * n + best))) {
            best = i;
          }
        }
        taken[best] = true;
        values.set(row * k + j, x.get(row * n + best));
        ids.set(row * k + j, best);
      }
    }
    return List.of(values, ids);
  }

  private static Numbers gather(Numbers x, Numbers ids) {
    int k = ids.last();
    Numbers y = ids.like();
    for (int i = 0; i < y.count(); i++) {
      y.set(i, x.get(i / k * x.last() + ids.id(i)));
    }
    return y;
  }
}
