package dev.serval.api.runtime;

import java.util.List;

/**
 * A generation that ended.
 *
 * @param text what was generated, without stop text and markup
 * @param tokens generated ids, without a token that ends a text; those of a stop text stay in
 * @param finish why it ended
 * @param use what the tokens cost
 * @param prefillNanos from submission to the first sampled token
 * @param decodeNanos from the first sampled token to the end
 * @param logprobs how likely each of the tokens was, if the request asks for it; else nothing
 */
public record GenerationResult(
    String text,
    List<Integer> tokens,
    FinishReason finish,
    TokenUse use,
    long prefillNanos,
    long decodeNanos,
    List<TokenLogprobs> logprobs) {

  /** Copies the lists. */
  public GenerationResult {
    tokens = List.copyOf(tokens);
    logprobs = List.copyOf(logprobs);
  }

  /** A result without log-probabilities. */
  public GenerationResult(
      String text,
      List<Integer> tokens,
      FinishReason finish,
      TokenUse use,
      long prefillNanos,
      long decodeNanos) {
    this(text, tokens, finish, use, prefillNanos, decodeNanos, List.of());
  }

  /** Tokens of the prompt as it was given. */
  public int promptTokens() {
    return use.prompt();
  }
}
