package dev.serval.api.graph;

import java.util.List;

/**
 * One operation of a graph with its inputs and results.
 *
 * @param op the operation
 * @param inputs values made earlier
 * @param outputs values this node makes; empty for an op that only stores
 * @param mark the part of the graph the node belongs to
 */
public record Node(Op op, List<Value> inputs, List<Value> outputs, Mark mark) {

  /** Copies the lists. */
  public Node {
    inputs = List.copyOf(inputs);
    outputs = List.copyOf(outputs);
  }
}
