package dev.serval.api.graph;

import java.util.List;

/**
 * {@code cap · tanh(x / cap)}. x → same sizes.
 *
 * @param cap positive and finite
 */
public record SoftCap(double cap) implements Composite {

  /** Checks the cap. */
  public SoftCap {
    if (!(cap > 0) || Double.isInfinite(cap)) {
      throw new IllegalArgumentException("cap must be positive and finite: " + cap);
    }
  }

  @Override
  public List<ValueType> infer(List<ValueType> inputs) {
    Shapes.count("softCap", inputs, 1);
    return List.of(Shapes.f32("softCap", inputs.getFirst()));
  }

  @Override
  public List<Value> lower(GraphBuilder g, List<Value> inputs) {
    Value scaled = g.scale(inputs.getFirst(), 1 / cap);
    return List.of(g.scale(g.unary(Elementwise.UnaryKind.TANH, scaled), cap));
  }
}
