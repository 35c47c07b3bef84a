package dev.serval.api.graph;

import java.util.List;

/** Primitives that compute each element from the elements at the same place. */
public sealed interface Elementwise extends Primitive {

  /** The function of a {@link Binary}. */
  enum BinaryKind {
    /** a + b. */
    ADD,
    /** a − b. */
    SUB,
    /** a · b. */
    MUL,
    /** a / b. */
    DIV
  }

  /** The function of a {@link Unary}. */
  enum UnaryKind {
    /** max(x, 0). */
    RELU,
    /** x / (1 + exp(−x)). */
    SILU,
    /** 0.5·x·(1 + tanh(√(2/π)·x·(1 + 0.044715·x²))), arXiv 1606.08415. */
    GELU_TANH,
    /** 0.5·x·(1 + erf(x/√2)), arXiv 1606.08415. */
    GELU_ERF,
    /** Hyperbolic tangent. */
    TANH,
    /** 1 / (1 + exp(−x)). */
    SIGMOID,
    /** Exponential. */
    EXP,
    /** Square root. */
    SQRT,
    /** 1 / √x. */
    RSQRT
  }

  /**
   * Two values, broadcast: a, b → larger sizes.
   *
   * @param kind the function
   */
  record Binary(BinaryKind kind) implements Elementwise {
    @Override
    public List<ValueType> infer(List<ValueType> inputs) {
      String op = kind.name().toLowerCase(java.util.Locale.ROOT);
      Shapes.count(op, inputs, 2);
      return List.of(Shapes.broadcast(op, inputs.get(0), inputs.get(1)));
    }
  }

  /**
   * One value: x → same sizes.
   *
   * @param kind the function
   */
  record Unary(UnaryKind kind) implements Elementwise {
    @Override
    public List<ValueType> infer(List<ValueType> inputs) {
      return same(kind.name().toLowerCase(java.util.Locale.ROOT), inputs);
    }
  }

  /**
   * x · factor; the factor is rounded to F32 once.
   *
   * @param factor finite
   */
  record Scale(double factor) implements Elementwise {
    /** Checks that the factor is finite. */
    public Scale {
      finite("factor", factor);
    }

    @Override
    public List<ValueType> infer(List<ValueType> inputs) {
      return same("scale", inputs);
    }
  }

  /**
   * x + addend; the addend is rounded to F32 once.
   *
   * @param addend finite
   */
  record AddScalar(double addend) implements Elementwise {
    /** Checks that the addend is finite. */
    public AddScalar {
      finite("addend", addend);
    }

    @Override
    public List<ValueType> infer(List<ValueType> inputs) {
      return same("addScalar", inputs);
    }
  }

  /**
   * min(max(x, low), high); NaN stays NaN.
   *
   * @param low lower bound, may be −∞
   * @param high upper bound, may be +∞
   */
  record Clamp(double low, double high) implements Elementwise {
    /** Checks that the bounds are in order. */
    public Clamp {
      if (!(low <= high)) {
        throw new IllegalArgumentException("low=" + low + ", high=" + high);
      }
    }

    @Override
    public List<ValueType> infer(List<ValueType> inputs) {
      return same("clamp", inputs);
    }
  }

  private static List<ValueType> same(String op, List<ValueType> inputs) {
    Shapes.count(op, inputs, 1);
    return List.of(Shapes.f32(op, inputs.getFirst()));
  }

  private static void finite(String name, double x) {
    if (!Double.isFinite(x)) {
      throw new IllegalArgumentException(name + " must be finite: " + x);
    }
  }
}
