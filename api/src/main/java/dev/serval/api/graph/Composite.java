package dev.serval.api.graph;

import java.util.List;

/**
 * An operation made of primitives. The set is open: a backend computes those it knows in one go and
 * lowers the others, so a new composite breaks nobody. Composites are records of this package only.
 */
public non-sealed interface Composite extends Op {

  /**
   * Builds the same computation from primitives.
   *
   * @param g builder to add to
   * @param inputs the inputs, of types that {@link #infer} accepts
   * @return the results, of the types that {@link #infer} states
   */
  List<Value> lower(GraphBuilder g, List<Value> inputs);
}
