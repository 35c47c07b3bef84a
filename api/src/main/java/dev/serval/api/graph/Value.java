package dev.serval.api.graph;

import java.util.Objects;

/**
 * A value that a graph computes. Values are made by a {@link GraphBuilder} and mean something only
 * in its graph and the stages cut from it.
 *
 * @param id number of the value in its graph, from 0
 * @param type element type and sizes
 */
public record Value(int id, ValueType type) {

  /** Checks the type. */
  public Value {
    Objects.requireNonNull(type);
  }

  @Override
  public String toString() {
    return "%" + id + " " + type;
  }
}
