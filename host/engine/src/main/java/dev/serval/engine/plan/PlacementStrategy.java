package dev.serval.engine.plan;

/** Puts layers on devices by their sizes. Pure, thread-safe. */
public interface PlacementStrategy {

  /** Places as many layers as it can, up to the number asked for. */
  Assignment place(PlacementProblem problem);
}
