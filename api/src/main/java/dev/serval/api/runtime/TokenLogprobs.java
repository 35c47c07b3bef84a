package dev.serval.api.runtime;

import java.util.List;

/**
 * How likely the model found a token, before anything changed its logits: log-softmax over the
 * vocabulary, natural logarithm, without temperature, penalties or format.
 *
 * @param logprob of the token that was drawn
 * @param top the most likely tokens, best first, of equal ones the lowest id first
 */
public record TokenLogprobs(double logprob, List<Alternative> top) {

  /**
   * A token that could have been drawn.
   *
   * @param token vocabulary id
   * @param logprob how likely the model found it
   */
  public record Alternative(int token, double logprob) {}

  /** Copies the list. */
  public TokenLogprobs {
    top = List.copyOf(top);
  }
}
