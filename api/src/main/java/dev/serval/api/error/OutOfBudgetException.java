package dev.serval.api.error;

import java.util.OptionalInt;

/** A reservation that would exceed the memory budget of a device. Nothing was allocated. */
public final class OutOfBudgetException extends ServalException {

  private static final long serialVersionUID = 1L;
  private static final int UNKNOWN = -1;

  private final long requestedBytes;
  private final long availableBytes;
  private final int largestContext;

  /**
   * Creates the failure of something other than a load.
   *
   * @param holder who asked, such as {@code kv gemma3-1b}
   * @param requestedBytes bytes asked for
   * @param availableBytes bytes that were still free in the budget
   */
  public OutOfBudgetException(String holder, long requestedBytes, long availableBytes) {
    this(holder, requestedBytes, availableBytes, UNKNOWN, "");
  }

  /**
   * Creates the failure of a load.
   *
   * @param holder the model
   * @param requestedBytes bytes that its plan needs
   * @param availableBytes bytes that were still free in the budget
   * @param largestContext the largest context that fits, 0 if none does
   */
  public OutOfBudgetException(
      String holder, long requestedBytes, long availableBytes, int largestContext) {
    this(
        holder,
        requestedBytes,
        availableBytes,
        largestContext,
        largestContext > 0
            ? "; the largest context that fits is " + largestContext
            : "; no context fits");
  }

  private OutOfBudgetException(
      String holder, long requestedBytes, long availableBytes, int largestContext, String advice) {
    super(
        "memory.out-of-budget",
        holder
            + ": requested "
            + requestedBytes
            + " bytes, available "
            + availableBytes
            + ", missing "
            + (requestedBytes - availableBytes)
            + advice);
    this.requestedBytes = requestedBytes;
    this.availableBytes = availableBytes;
    this.largestContext = largestContext;
  }

  /** Bytes asked for. */
  public long requestedBytes() {
    return requestedBytes;
  }

  /** Bytes that were still free in the budget. */
  public long availableBytes() {
    return availableBytes;
  }

  /** Bytes that are missing. */
  public long missingBytes() {
    return requestedBytes - availableBytes;
  }

  /** The largest context that fits, 0 if none does; absent if that was not asked. */
  public OptionalInt largestContext() {
    return largestContext == UNKNOWN ? OptionalInt.empty() : OptionalInt.of(largestContext);
  }
}
