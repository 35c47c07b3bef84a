package dev.serval.tck.reference;

import dev.serval.api.graph.Elementwise;
import dev.serval.api.graph.Elementwise.BinaryKind;
import dev.serval.api.graph.Elementwise.UnaryKind;
import java.util.List;

/** {@link Elementwise} in double precision. */
final class ElementwiseLoops {

  private static final double SQRT_2_OVER_PI = Math.sqrt(2 / Math.PI);

  private ElementwiseLoops() {}

  static Numbers apply(Elementwise op, List<Numbers> in) {
    Numbers x = in.getFirst();
    if (op instanceof Elementwise.Binary b) {
      return binary(b.kind(), x, in.get(1));
    }
    Numbers y = x.like();
    for (int i = 0; i < x.count(); i++) {
      double v = x.get(i);
      y.set(
          i,
          switch (op) {
            case Elementwise.Unary u -> unary(u.kind(), v);
            case Elementwise.Scale s -> v * (float) s.factor();
            case Elementwise.AddScalar a -> v + (float) a.addend();
            case Elementwise.Clamp c -> Math.min(Math.max(v, c.low()), c.high());
            case Elementwise.Binary b -> throw new IllegalStateException("two inputs: " + b);
          });
    }
    return y;
  }

  private static Numbers binary(BinaryKind kind, Numbers a, Numbers b) {
    int rank = Math.max(a.rank(), b.rank());
    int[] dims = new int[rank];
    for (int axis = 0; axis < rank; axis++) {
      int sizeA = sizeAt(a, axis - rank + a.rank());
      dims[axis] = sizeA == 1 ? sizeAt(b, axis - rank + b.rank()) : sizeA;
    }
    Numbers y = Numbers.zeros(dims);
    for (int i = 0; i < y.count(); i++) {
      y.set(i, combine(kind, a.get(sourceIndex(y, a, i)), b.get(sourceIndex(y, b, i))));
    }
    return y;
  }

  private static int sizeAt(Numbers x, int axis) {
    return axis < 0 ? 1 : x.size(axis);
  }

  /** Index of the element of {@code x} that is repeated at element {@code i} of {@code y}. */
  private static int sourceIndex(Numbers y, Numbers x, int i) {
    int index = 0;
    int stride = 1;
    int rest = i;
    for (int back = 1; back <= y.rank(); back++) {
      int size = y.size(y.rank() - back);
      int size1 = sizeAt(x, x.rank() - back);
      index += size1 == 1 ? 0 : rest % size * stride;
      stride *= size1;
      rest /= size;
    }
    return index;
  }

  private static double combine(BinaryKind kind, double a, double b) {
    return switch (kind) {
      case ADD -> a + b;
      case SUB -> a - b;
      case MUL -> a * b;
      case DIV -> a / b;
    };
  }

  static double unary(UnaryKind kind, double x) {
    return switch (kind) {
      case RELU -> Math.max(x, 0);
      case SILU -> x / (1 + Math.exp(-x));
      case GELU_TANH -> 0.5 * x * (1 + Math.tanh(SQRT_2_OVER_PI * x * (1 + 0.044715 * x * x)));
      case GELU_ERF -> 0.5 * x * (1 + erf(x / Math.sqrt(2)));
      case TANH -> Math.tanh(x);
      case SIGMOID -> 1 / (1 + Math.exp(-x));
      case EXP -> Math.exp(x);
      case SQRT -> Math.sqrt(x);
      case RSQRT -> 1 / Math.sqrt(x);
    };
  }

  /**
   * The error function as {@code 2/√π · exp(−x²) · Σ 2^n x^(2n+1) / (2n+1)!!}, all terms of one
   * sign (NIST DLMF 7.6.2); beyond ±6 it is ±1 in double precision.
   */
  static double erf(double x) {
    if (Math.abs(x) >= 6) {
      return Math.signum(x);
    }
    double term = x;
    double sum = x;
    for (int n = 1; Math.abs(term) > Math.abs(sum) * 1e-17; n++) {
      term *= 2 * x * x / (2 * n + 1);
      sum += term;
    }
    return 2 / Math.sqrt(Math.PI) * Math.exp(-x * x) * sum;
  }
}
