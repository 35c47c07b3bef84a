package dev.serval.api.runtime;

import dev.serval.api.error.ServalException;
import org.osgi.annotation.versioning.ProviderType;

/** A generation under way. Thread-safe. */
@ProviderType
public interface Generation {

  /** Ends it soon; does nothing if it ended. */
  void cancel();

  /** Whether it ended and every event was delivered. */
  boolean isDone();

  /**
   * Waits until it ended and every event was delivered.
   *
   * @throws ServalException if it failed
   * @throws InterruptedException if the waiting thread is interrupted; the generation goes on
   */
  GenerationResult await() throws InterruptedException;
}
