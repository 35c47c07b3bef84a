package dev.serval.api.error;

import java.util.Objects;

/**
 * Root of every failure that Serval reports to its callers.
 *
 * <p>The set is closed. {@link #code()} is stable across releases and is what HTTP bodies, logs and
 * documentation print; the message says what was wrong, what was expected, what was found, and
 * where. Programming errors stay {@link IllegalArgumentException} or {@link IllegalStateException}.
 */
public abstract sealed class ServalException extends RuntimeException
    permits ModelRefusedException,
        RequestRejectedException,
        BackendLostException,
        OutOfBudgetException {

  private static final long serialVersionUID = 1L;

  private final String code;

  ServalException(String code, String message) {
    super(Objects.requireNonNull(message));
    this.code = Objects.requireNonNull(code);
  }

  ServalException(String code, String message, Throwable cause) {
    super(Objects.requireNonNull(message), cause);
    this.code = Objects.requireNonNull(code);
  }

  /** The stable code of this failure, such as {@code model.tensor-missing}. */
  public final String code() {
    return code;
  }
}
