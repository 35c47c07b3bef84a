package dev.serval.api.error;

/**
 * A backend that stopped answering, or whose device reported an error, while work was under way.
 */
public final class BackendLostException extends ServalException {

  private static final long serialVersionUID = 1L;

  /**
   * Creates the failure.
   *
   * @param message which backend and device, and what happened
   */
  public BackendLostException(String message) {
    super("backend.lost", message);
  }
}
