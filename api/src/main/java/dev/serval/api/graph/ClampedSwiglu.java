package dev.serval.api.graph;

import java.util.List;

/**
 * The gated activation of gpt-oss: with {@code g = min(gate, limit)} and {@code u = clamp(up,
 * −limit, limit)}, the result is {@code g · sigmoid(alpha · g) · (u + 1)}. gate [.., n], up [.., n]
 * → [.., n].
 *
 * @param alpha factor inside the sigmoid
 * @param limit bound of gate (from above) and up (both sides), positive
 */
public record ClampedSwiglu(double alpha, double limit) implements Composite {

  /** Checks the parameters. */
  public ClampedSwiglu {
    if (!Double.isFinite(alpha) || !(limit > 0)) {
      throw new IllegalArgumentException("alpha=" + alpha + ", limit=" + limit);
    }
  }

  @Override
  public List<ValueType> infer(List<ValueType> inputs) {
    return Gates.infer("clampedSwiglu", inputs);
  }

  @Override
  public List<Value> lower(GraphBuilder g, List<Value> inputs) {
    Value gate = g.clamp(inputs.get(0), Double.NEGATIVE_INFINITY, limit);
    Value up = g.clamp(inputs.get(1), -limit, limit);
    Value swish = g.mul(gate, g.unary(Elementwise.UnaryKind.SIGMOID, g.scale(gate, alpha)));
    return List.of(g.mul(swish, g.addScalar(up, 1)));
  }
}
