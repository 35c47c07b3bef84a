package dev.serval.tck.reference;

import dev.serval.api.backend.Step;
import dev.serval.api.graph.LayoutOp;
import java.util.List;

/** {@link LayoutOp}, element by element. */
final class LayoutLoops {

  private LayoutLoops() {}

  /** Applies an op; {@code dims} are the sizes of its result in this step. */
  static Numbers apply(LayoutOp op, List<Numbers> in, int[] dims, Step step) {
    Numbers x = in.getFirst();
    return switch (op) {
      case LayoutOp.Slice s -> slice(x, s.axis(), s.from(), dims);
      case LayoutOp.Concat c -> concat(in, c.axis(), dims);
      case LayoutOp.Reshape r -> x.reshaped(dims);
      case LayoutOp.Wanted w -> wanted(x, dims, step);
      case LayoutOp.PoolMean p -> poolMean(x, dims, step);
    };
  }

  private static Numbers slice(Numbers x, int axis, int from, int[] dims) {
    Numbers y = Numbers.zeros(dims);
    copy(x, axis, from, y, 0, dims[axis]);
    return y;
  }

  private static Numbers concat(List<Numbers> in, int axis, int[] dims) {
    Numbers y = Numbers.zeros(dims);
    int at = 0;
    for (Numbers x : in) {
      copy(x, axis, 0, y, at, x.size(axis));
      at += x.size(axis);
    }
    return y;
  }

  /** Copies {@code n} neighbouring indices of one axis. */
  private static void copy(Numbers x, int axis, int from, Numbers y, int to, int n) {
    int inner = 1;
    for (int i = axis + 1; i < x.rank(); i++) {
      inner *= x.size(i);
    }
    int outer = 1;
    for (int i = 0; i < axis; i++) {
      outer *= x.size(i);
    }
    for (int o = 0; o < outer; o++) {
      for (int i = 0; i < n * inner; i++) {
        y.set((o * y.size(axis) + to) * inner + i, x.get((o * x.size(axis) + from) * inner + i));
      }
    }
  }

  private static Numbers wanted(Numbers x, int[] dims, Step step) {
    Numbers y = Numbers.zeros(dims);
    int width = width(dims);
    for (int w = 0; w < step.wanted(); w++) {
      for (int i = 0; i < width; i++) {
        y.set(w * width + i, x.get(step.wantedRow(w) * width + i));
      }
    }
    return y;
  }

  private static Numbers poolMean(Numbers x, int[] dims, Step step) {
    Numbers y = Numbers.zeros(dims);
    int width = width(dims);
    for (int run = 0; run < step.runs(); run++) {
      int first = step.runStart(run);
      int end = step.runStart(run + 1);
      for (int i = 0; i < width; i++) {
        double sum = 0;
        for (int row = first; row < end; row++) {
          sum += x.get(row * width + i);
        }
        y.set(run * width + i, sum / (end - first));
      }
    }
    return y;
  }

  private static int width(int[] dims) {
    int width = 1;
    for (int i = 1; i < dims.length; i++) {
      width *= dims[i];
    }
    return width;
  }
}
