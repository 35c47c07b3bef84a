package dev.serval.api.graph;

import dev.serval.api.error.ModelRefusedException;
import dev.serval.api.tensor.TensorView;
import java.util.List;

/**
 * One operation: a {@link Primitive}, or a {@link Composite} that can be lowered to primitives. An
 * op is a value; it holds parameters and names of weights, and no data.
 */
public sealed interface Op permits Primitive, Composite {

  /**
   * The types of the results.
   *
   * @param inputs types of the inputs, in the op's order
   * @return one type per result; empty for an op that only stores
   * @throws ModelRefusedException ({@code SHAPE_MISMATCH}) if the inputs or weights do not fit,
   *     naming the tensor
   */
  List<ValueType> infer(List<ValueType> inputs);

  /** The weights the op reads. */
  default List<TensorView> weights() {
    return List.of();
  }
}
