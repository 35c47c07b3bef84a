package dev.serval.engine.grammar;

import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.error.RequestRejectedException.Reason;
import dev.serval.engine.sampling.TokenFilter;

/**
 * Follows one text through a grammar, token by token. Its whole state is one reference: {@link
 * #copy} is free, and the tokens of a text can be replayed into a new one. Confined to one thread
 * at a time; matchers of one grammar may run on several threads.
 *
 * <p>With a limit on tokens the text is led to its end in time: a token is left out if the shortest
 * text that ends afterwards has more bytes than tokens are left. As long as every byte of that text
 * has a token, as the bytes of JSON do in every usual vocabulary, the text is complete when the
 * last token is drawn. Where the limit is too small for that from the beginning, nothing is left
 * out.
 */
public final class GrammarMatcher {

  private final TokenGrammar grammar;
  private State state;
  private TokenMask mask;
  private boolean isMasked;
  private boolean isNarrowed;

  GrammarMatcher(TokenGrammar grammar, State state) {
    this.grammar = grammar;
    this.state = state;
    this.mask = grammar.mask(state);
    this.isMasked = true;
  }

  private GrammarMatcher(GrammarMatcher other) {
    grammar = other.grammar;
    state = other.state;
    mask = other.mask;
    isMasked = other.isMasked;
    isNarrowed = other.isNarrowed;
  }

  /** A matcher at the same place, which goes on by itself. */
  public GrammarMatcher copy() {
    return new GrammarMatcher(this);
  }

  /**
   * The tokens that may be drawn next, without regard to a limit.
   *
   * @throws RequestRejectedException ({@code GRAMMAR_DEAD_END}) if there is none; ({@code
   *     GRAMMAR_LIMIT}) if the grammar takes too much work
   */
  public TokenFilter allowed() {
    TokenMask all = current();
    if (all.hasNoText() && !all.endAllowed()) {
      throw new RequestRejectedException(
          Reason.GRAMMAR_DEAD_END,
          "grammar: no token of the vocabulary continues the text, which is not complete");
    }
    return all;
  }

  /**
   * The tokens that may be drawn next.
   *
   * @param tokensLeft tokens that may still be drawn, this one included
   * @throws RequestRejectedException as {@link #allowed()}
   */
  public TokenFilter allowed(int tokensLeft) {
    TokenFilter all = allowed();
    isNarrowed = false;
    int most = tokensLeft - 1;
    if (mask.farthest() <= most || state.bytes > tokensLeft) {
      return all;
    }
    TokenMask narrowed = grammar.mask(state, most);
    if (narrowed.hasNoText() && !narrowed.endAllowed()) {
      return all;
    }
    isNarrowed = true;
    return narrowed;
  }

  /** Whether the last {@link #allowed(int)} left out tokens because of the limit. */
  public boolean isNarrowed() {
    return isNarrowed;
  }

  private TokenMask current() {
    if (!isMasked) {
      mask = grammar.mask(state);
      isMasked = true;
    }
    return mask;
  }

  /**
   * Adds a token.
   *
   * @throws RequestRejectedException ({@code GRAMMAR_DEAD_END}) if it is not allowed; then nothing
   *     is added
   */
  public void accept(int token) {
    State next = grammar.accept(state, token);
    if (next.isDead()) {
      throw new RequestRejectedException(
          Reason.GRAMMAR_DEAD_END, "grammar: token " + token + " is not allowed here");
    }
    state = next;
    isMasked = false;
  }

  /** Whether the text may end here. */
  public boolean isComplete() {
    return state.accepting;
  }

  /** Whether the text may end here and nothing can follow. */
  public boolean isAtEnd() {
    return state.accepting && state.tops.length == 0;
  }
}
