package dev.serval.engine.kv;

/** All sequence numbers of a model are in use, by running and by cached sequences. */
public final class SequenceLimitException extends IllegalStateException {

  private static final long serialVersionUID = 1L;

  private final int limit;

  /**
   * Creates the failure.
   *
   * @param limit sequences in all
   */
  SequenceLimitException(int limit) {
    super("all " + limit + " sequences, running and cached, are in use");
    this.limit = limit;
  }

  /** Sequences in all. */
  public int limit() {
    return limit;
  }
}
