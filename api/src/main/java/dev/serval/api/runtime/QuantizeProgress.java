package dev.serval.api.runtime;

import org.osgi.annotation.versioning.ConsumerType;

/** Follows a quantization, on the thread that called for it. */
@ConsumerType
@FunctionalInterface
public interface QuantizeProgress {

  /** Takes no notice. */
  QuantizeProgress NONE = (tensor, done, total) -> {};

  /**
   * Called after every few megabytes.
   *
   * @param tensor the tensor that is converted now
   * @param doneBytes bytes of the input that were converted
   * @param totalBytes bytes of the input
   */
  void update(String tensor, long doneBytes, long totalBytes);
}
