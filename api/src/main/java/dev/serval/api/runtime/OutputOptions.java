package dev.serval.api.runtime;

import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.error.RequestRejectedException.Reason;
import java.util.OptionalInt;

/**
 * What comes out of a generation.
 *
 * @param format what the text must look like
 * @param topLogprobs absent for no {@link TokenLogprobs}; else how many of the most likely tokens
 *     they hold, 0 to {@value #MOST_LOGPROBS}
 */
public record OutputOptions(OutputFormat format, OptionalInt topLogprobs) {

  /** Any text, without log-probabilities. */
  public static final OutputOptions DEFAULT =
      new OutputOptions(OutputFormat.TEXT, OptionalInt.empty());

  /** Tokens that {@link TokenLogprobs} hold at most. */
  public static final int MOST_LOGPROBS = 20;

  /**
   * Checks the range; a violation is a {@link RequestRejectedException} ({@code OPTION_INVALID}).
   */
  public OutputOptions {
    int top = topLogprobs.orElse(0);
    if (top < 0 || top > MOST_LOGPROBS) {
      throw new RequestRejectedException(
          Reason.OPTION_INVALID, "top_logprobs must be 0.." + MOST_LOGPROBS + ", got " + top);
    }
  }
}
