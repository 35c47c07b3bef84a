package dev.serval.api.error;

/** A reservation that would exceed the memory budget of a device. Nothing was allocated. */
public final class OutOfBudgetException extends ServalException {

  private static final long serialVersionUID = 1L;

  private final long requestedBytes;
  private final long availableBytes;

  /**
   * Creates the failure.
   *
   * @param holder who asked, such as {@code kv gemma3-1b}
   * @param requestedBytes bytes asked for
   * @param availableBytes bytes that were still free in the budget
   */
  public OutOfBudgetException(String holder, long requestedBytes, long availableBytes) {
    super(
        "memory.out-of-budget",
        holder + ": requested " + requestedBytes + " bytes, available " + availableBytes);
    this.requestedBytes = requestedBytes;
    this.availableBytes = availableBytes;
  }

  /** Bytes asked for. */
  public long requestedBytes() {
    return requestedBytes;
  }

  /** Bytes that were still free in the budget. */
  public long availableBytes() {
    return availableBytes;
  }
}
