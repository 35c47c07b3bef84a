package dev.serval.api.runtime;

import java.util.Optional;

/**
 * One generated token on its way to a consumer.
 *
 * @param index number of the token in the generation, from 0
 * @param token vocabulary id; −1 for text that was held back and comes without a new token
 * @param text text that became certain, possibly empty
 * @param logprobs how likely the token was, if the request asks for it
 */
public record TokenEvent(int index, int token, String text, Optional<TokenLogprobs> logprobs) {

  /** An event without log-probabilities. */
  public TokenEvent(int index, int token, String text) {
    this(index, token, text, Optional.empty());
  }
}
