package dev.serval.backend.cpu;

import dev.serval.api.graph.Node;
import dev.serval.api.graph.Value;
import dev.serval.backend.cpu.instruction.Operand;
import dev.serval.backend.cpu.layout.ActivationLayout;
import dev.serval.backend.cpu.layout.Place;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/** Finds the memory of values. */
final class Operands {

  private final ActivationLayout layout;
  private final MemorySegment weights;
  private final MemorySegment activations;

  /**
   * Resolves places.
   *
   * @param weights memory of placed weights
   * @param activations memory of a step's values
   */
  Operands(ActivationLayout layout, MemorySegment weights, MemorySegment activations) {
    this.layout = layout;
    this.weights = weights;
    this.activations = activations;
  }

  /** A value. */
  Operand of(Value v) {
    Place place = layout.place(v);
    Optional<MemorySegment> memory =
        switch (place.home()) {
          case ACTIVATIONS -> Optional.of(activations);
          case WEIGHTS -> Optional.of(weights);
          case STEP -> Optional.empty();
        };
    return new Operand(v.type(), memory, place.offset() / 4);
  }

  /** Input {@code i} of a node. */
  Operand in(Node n, int i) {
    return of(n.inputs().get(i));
  }

  /** Result {@code i} of a node. */
  Operand out(Node n, int i) {
    return of(n.outputs().get(i));
  }
}
