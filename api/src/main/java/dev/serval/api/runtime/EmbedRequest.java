package dev.serval.api.runtime;

import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.error.RequestRejectedException.Reason;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;

/**
 * Texts to turn into vectors.
 *
 * @param texts the texts, as {@link Prompt.Text} or {@link Prompt.Tokens}; may be empty
 * @param prefix read before each text, as plain text; empty for nothing. Where there is one, texts
 *     must not be given as tokens
 * @param dimensions elements of the vectors: the first ones of what the model computes; absent for
 *     all. It is for models that were trained so that a part is of use (arXiv 2205.13147)
 * @param normalise whether vectors are scaled to length 1, after they were shortened; one that is 0
 *     stays 0
 * @param truncate whether a text that is too long is cut at its end, where it is an error
 *     otherwise; the tokens that the vocabulary adds at the end stay
 */
public record EmbedRequest(
    List<Prompt> texts,
    String prefix,
    OptionalInt dimensions,
    boolean normalise,
    boolean truncate) {

  /**
   * Copies the list and checks the number of dimensions; a violation is a {@link
   * RequestRejectedException} ({@code OPTION_INVALID}).
   */
  public EmbedRequest {
    texts = List.copyOf(texts);
    if (dimensions.isPresent() && dimensions.getAsInt() < 1) {
      throw new RequestRejectedException(
          Reason.OPTION_INVALID, "dimensions must be positive, got " + dimensions.getAsInt());
    }
  }

  /** A request for whole vectors of length 1, with the tokens the vocabulary adds. */
  public static EmbedRequest of(String... texts) {
    return of(Arrays.stream(texts).map(Prompt::text).toList());
  }

  /** A request for whole vectors of length 1. */
  public static EmbedRequest of(List<Prompt> texts) {
    return new EmbedRequest(texts, "", OptionalInt.empty(), true, false);
  }

  /** The same with a text before each text, such as one of {@link EmbeddingInfo#prefixes}. */
  public EmbedRequest withPrefix(String text) {
    return new EmbedRequest(texts, text, dimensions, normalise, truncate);
  }

  /** The same for the first elements of the vectors. */
  public EmbedRequest withDimensions(int n) {
    return new EmbedRequest(texts, prefix, OptionalInt.of(n), normalise, truncate);
  }

  /** The same for vectors as the model computes them, of any length. */
  public EmbedRequest raw() {
    return new EmbedRequest(texts, prefix, dimensions, false, truncate);
  }

  /** The same with texts cut that are too long. */
  public EmbedRequest truncating() {
    return new EmbedRequest(texts, prefix, dimensions, normalise, true);
  }
}
