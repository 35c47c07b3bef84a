package dev.serval.engine.sampling;

/** Says which tokens may be drawn. */
@FunctionalInterface
public interface TokenFilter {

  /** Every token may be drawn. */
  TokenFilter ALL = token -> true;

  /**
   * Whether a token may be drawn.
   *
   * @param token an id of the vocabulary
   */
  boolean allows(int token);
}
