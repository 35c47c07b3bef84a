package dev.serval.tck.reference;

import dev.serval.api.graph.Projection;
import dev.serval.api.tensor.TensorView;
import java.util.List;

/** {@link Projection} in double precision, products added in ascending order. */
final class ProjectionLoops {

  private final WeightReader weights;

  ProjectionLoops(WeightReader weights) {
    this.weights = weights;
  }

  Numbers apply(Projection op, List<Numbers> in) {
    return switch (op) {
      case Projection.Constant c -> constant(c.weight());
      case Projection.Rows r -> rows(r.table(), in.getFirst());
      case Projection.MatMul m -> matMul(m, in.getFirst());
      case Projection.BatchMatMul b -> batchMatMul(in.get(0), in.get(1));
      case Projection.ExpertMatMul e -> expertMatMul(e, in.get(0), in.get(1));
    };
  }

  private Numbers constant(TensorView w) {
    int rank = Math.max(1, w.shape().rank());
    int[] dims = new int[rank];
    for (int i = 0; i < rank; i++) {
      dims[i] = Math.toIntExact(w.shape().ne(rank - 1 - i));
    }
    Numbers y = Numbers.zeros(dims);
    float[] all = weights.all(w);
    for (int i = 0; i < all.length; i++) {
      y.set(i, all[i]);
    }
    return y;
  }

  private Numbers rows(TensorView table, Numbers ids) {
    int width = Math.toIntExact(table.shape().ne0());
    Numbers y = Numbers.zeros(ids.count(), width);
    for (int row = 0; row < ids.count(); row++) {
      float[] w = weights.row(table, Math.max(0, ids.id(row)));
      for (int i = 0; i < width; i++) {
        y.set(row * width + i, w[i]);
      }
    }
    return y;
  }

  private Numbers matMul(Projection.MatMul op, Numbers x) {
    int out = Math.toIntExact(op.weight().shape().ne1());
    Numbers y = Numbers.zeros(x.dimsWithLast(out));
    for (int o = 0; o < out; o++) {
      float[] w = weights.row(op.weight(), o);
      for (int row = 0; row < x.rows(); row++) {
        y.set(row * out + o, dot(w, x, row * x.last()));
      }
    }
    op.bias().ifPresent(b -> ReductionLoops.add(y, weights.all(b)));
    return y;
  }

  private static double dot(float[] w, Numbers x, int at) {
    double sum = 0;
    for (int i = 0; i < w.length; i++) {
      sum += w[i] * x.get(at + i);
    }
    return sum;
  }

  private static Numbers batchMatMul(Numbers a, Numbers c) {
    int m = a.size(1);
    int depth = a.size(2);
    int n = c.size(2);
    Numbers y = Numbers.zeros(a.size(0), m, n);
    for (int b = 0; b < a.size(0); b++) {
      for (int row = 0; row < m; row++) {
        for (int col = 0; col < n; col++) {
          double sum = 0;
          for (int k = 0; k < depth; k++) {
            sum += a.get((b * m + row) * depth + k) * c.get((b * depth + k) * n + col);
          }
          y.set((b * m + row) * n + col, sum);
        }
      }
    }
    return y;
  }

  private Numbers expertMatMul(Projection.ExpertMatMul op, Numbers x, Numbers ids) {
    int out = Math.toIntExact(op.weight().shape().ne1());
    int experts = Math.toIntExact(op.weight().shape().ne2());
    int k = ids.last();
    Numbers y = Numbers.zeros(ids.size(0), k, out);
    for (int e = 0; e < experts; e++) {
      for (int o = 0; o < out && isUsed(ids, e); o++) {
        float[] w = weights.row(op.weight(), (long) e * out + o);
        for (int choice = 0; choice < ids.count(); choice++) {
          if (ids.id(choice) == e) {
            int row = x.rank() == 3 ? choice : choice / k;
            y.set(choice * out + o, dot(w, x, row * x.last()));
          }
        }
      }
    }
    op.bias().ifPresent(b -> addExpertBias(y, ids, b));
    return y;
  }

  private static boolean isUsed(Numbers ids, int expert) {
    for (int i = 0; i < ids.count(); i++) {
      if (ids.id(i) == expert) {
        return true;
      }
    }
    return false;
  }

  private void addExpertBias(Numbers y, Numbers ids, TensorView bias) {
    for (int choice = 0; choice < ids.count(); choice++) {
      float[] b = weights.row(bias, ids.id(choice));
      for (int o = 0; o < b.length; o++) {
        int i = choice * b.length + o;
        y.set(i, y.get(i) + b[o]);
      }
    }
  }
}
