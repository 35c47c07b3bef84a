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
 */
public record GenerationResult(
    String text,
    List<Integer> tokens,
    FinishReason finish,
    TokenUse use,
    long prefillNanos,
    long decodeNanos) {

  /** Copies the list. */
  public GenerationResult {
    tokens = List.copyOf(tokens);
  }

  /** Tokens of the prompt as it was given. */
  public int promptTokens() {
    return use.prompt();
  }
}
