package dev.serval.api.backend;

/** How a step ended. */
public sealed interface Outcome {

  /** The outputs are there. */
  record Done() implements Outcome {
    private static final Done INSTANCE = new Done();
  }

  /** {@link Program#interrupt} ended it; its cells are undefined and its outputs void. */
  record Aborted() implements Outcome {
    private static final Aborted INSTANCE = new Aborted();
  }

  /**
   * The backend did not answer in time or its device failed; the program is unusable.
   *
   * @param reason what happened
   */
  record Lost(String reason) implements Outcome {}

  /** The step ran to its end; always the same object. */
  static Outcome done() {
    return Done.INSTANCE;
  }

  /** The step was interrupted; always the same object. */
  static Outcome aborted() {
    return Aborted.INSTANCE;
  }
}
