package dev.serval.api.runtime;

import org.osgi.annotation.versioning.ConsumerType;

/** Looks at values that steps of a model computed. */
@ConsumerType
@FunctionalInterface
public interface TensorSink {

  /**
   * Takes one value of one step. Called on the model's thread between two steps, so all texts of
   * the model wait for it. Steps that were interrupted are not shown; tokens that are computed
   * again, because their text gave way to others, are shown again. Whatever it throws ends the
   * requests that have tokens in the step, as {@code INSPECTION_FAILED}, and no other.
   *
   * @param tensor the value; its data is valid during the call
   */
  void accept(InspectedTensor tensor);
}
