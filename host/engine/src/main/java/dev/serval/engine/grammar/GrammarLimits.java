package dev.serval.engine.grammar;

/**
 * Bounds that no grammar passes. A grammar beyond them is refused; at run time the text that would
 * pass them is not allowed, or the generation ends with an error that says so.
 *
 * @param textChars characters of a grammar or schema
 * @param nesting groups, or schemas, inside each other
 * @param nodes nodes of a program: characters, choices and calls after repetitions are written out
 * @param stackDepth rules under way inside each other, calls at the end of a rule not counted; what
 *     would go deeper is not allowed, so that a text nested so far is led back
 * @param work steps that one token may take: about a nanosecond or ten each
 * @param cacheBytes memory for states and masks of one grammar; beyond it they are forgotten
 */
public record GrammarLimits(
    int textChars, int nesting, int nodes, int stackDepth, long work, long cacheBytes) {

  /** What is used unless a test wants something smaller. */
  public static final GrammarLimits DEFAULT =
      new GrammarLimits(1 << 20, 100, 200_000, 500, 10_000_000, 16 << 20);

  /** Checks that everything is positive. */
  public GrammarLimits {
    if (textChars <= 0
        || nesting <= 0
        || nodes <= 0
        || stackDepth <= 0
        || work <= 0
        || cacheBytes <= 0) {
      throw new IllegalArgumentException(
          "limits must be positive: "
              + textChars
              + ", "
              + nesting
              + ", "
              + nodes
              + ", "
              + stackDepth
              + ", "
              + work
              + ", "
              + cacheBytes);
    }
  }
}
