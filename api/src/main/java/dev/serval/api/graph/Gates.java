package dev.serval.api.graph;

import java.util.List;

/** Shape rule of gated activations: two values of equal type. */
final class Gates {

  private Gates() {}

  static List<ValueType> infer(String op, List<ValueType> inputs) {
    Shapes.count(op, inputs, 2);
    ValueType gate = Shapes.f32(op, inputs.get(0));
    if (!gate.equals(inputs.get(1))) {
      throw Shapes.mismatch(op + ": gate " + gate + " and up " + inputs.get(1) + " differ");
    }
    return List.of(gate);
  }
}
