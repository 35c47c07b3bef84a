package dev.serval.api.runtime;

import dev.serval.api.error.RequestRejectedException;

/**
 * What a generation does with the context.
 *
 * @param overflow what happens to a text that does not fit
 * @param keep leading tokens that are never dropped, 0 or more; limited to what fits
 * @param reuse whether a beginning that another text left in the cache is used instead of computed
 */
public record ContextOptions(Overflow overflow, int keep, boolean reuse) {

  /** What happens to a text that does not fit. */
  public enum Overflow {
    /**
     * A prompt that does not fit is a {@link RequestRejectedException}; a generation that fills the
     * context ends.
     */
    REFUSE,
    /**
     * Of a prompt that does not fit the oldest tokens are dropped, until half of what is not kept
     * is free; a generation that fills the context ends.
     */
    TRUNCATE_OLDEST,
    /** Oldest tokens are dropped whenever the context is full, in the prompt and later. */
    SHIFT
  }

  /** Refuses what does not fit, reuses what is there. */
  public static final ContextOptions DEFAULT = new ContextOptions(Overflow.REFUSE, 0, true);

  /** Checks the range. */
  public ContextOptions {
    if (keep < 0) {
      throw new IllegalArgumentException("keep must be 0 or more: " + keep);
    }
  }

  /** The same with another overflow. */
  public ContextOptions withOverflow(Overflow other, int keepTokens) {
    return new ContextOptions(other, keepTokens, reuse);
  }

  /** The same, computing everything anew. */
  public ContextOptions withoutReuse() {
    return new ContextOptions(overflow, keep, false);
  }
}
