package dev.serval.api.graph;

import java.util.List;

/**
 * Gated GELU: {@code gelu_tanh(gate) ⊙ up}. gate [.., n], up [.., n] → [.., n]. Source: arXiv
 * 2002.05202.
 */
public record Geglu() implements Composite {

  @Override
  public List<ValueType> infer(List<ValueType> inputs) {
    return Gates.infer("geglu", inputs);
  }

  @Override
  public List<Value> lower(GraphBuilder g, List<Value> inputs) {
    Value gate = g.unary(Elementwise.UnaryKind.GELU_TANH, inputs.get(0));
    return List.of(g.mul(gate, inputs.get(1)));
  }
}
