package dev.serval.api.runtime;

/**
 * The vectors of texts, in the order of the texts. Immutable.
 *
 * <p>Whether two vectors are alike is told by their dot product, if they have length 1.
 */
public final class EmbedResult {

  private final float[][] vectors;
  private final int[] tokens;
  private final long nanos;

  /**
   * Creates a result.
   *
   * @param vectors [texts, width]; must not change afterwards
   * @param tokens [texts]; must not change afterwards
   * @param nanos time from request to result
   */
  public EmbedResult(float[][] vectors, int[] tokens, long nanos) {
    if (vectors.length != tokens.length) {
      throw new IllegalArgumentException(vectors.length + " vectors, " + tokens.length + " texts");
    }
    this.vectors = vectors.clone();
    this.tokens = tokens.clone();
    this.nanos = nanos;
  }

  /** Number of texts. */
  public int count() {
    return vectors.length;
  }

  /** A copy of the vector of text {@code i}. */
  public float[] vector(int i) {
    return vectors[i].clone();
  }

  /** Tokens that were computed of text {@code i}: with prefix and markers, without what was cut. */
  public int tokens(int i) {
    return tokens[i];
  }

  /** Tokens of all texts. */
  public long totalTokens() {
    long sum = 0;
    for (int n : tokens) {
      sum += n;
    }
    return sum;
  }

  /** Time from request to result. */
  public long nanos() {
    return nanos;
  }
}
