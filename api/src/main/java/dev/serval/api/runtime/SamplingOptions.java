package dev.serval.api.runtime;

import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.error.RequestRejectedException.Reason;
import java.util.OptionalLong;

/**
 * How the next token is drawn. Stages in order: penalties, top-k, top-p, min-p, temperature, draw.
 *
 * @param temperature 0 or less draws the best token
 * @param topK tokens kept; 0 or less keeps all
 * @param topP probability kept; 1 keeps all
 * @param minP least probability relative to the best token; 0 keeps all
 * @param repeatLastN tokens looked at by the penalties; 0 none, −1 the whole context
 * @param repeatPenalty divisor of positive and factor of negative logits of tokens seen; 1 for none
 * @param presencePenalty subtracted once from logits of tokens seen
 * @param frequencyPenalty subtracted once per occurrence
 * @param seed start of the random numbers; absent for an arbitrary one
 */
public record SamplingOptions(
    float temperature,
    int topK,
    float topP,
    float minP,
    int repeatLastN,
    float repeatPenalty,
    float presencePenalty,
    float frequencyPenalty,
    OptionalLong seed) {

  /** Ollama's defaults. */
  public static final SamplingOptions DEFAULT =
      new SamplingOptions(0.8f, 40, 0.9f, 0, 64, 1, 0, 0, OptionalLong.empty());

  /** Always the best token. */
  public static final SamplingOptions GREEDY =
      new SamplingOptions(0, 0, 1, 0, 0, 1, 0, 0, OptionalLong.empty());

  /** Checks ranges; a violation is a {@link RequestRejectedException} ({@code OPTION_INVALID}). */
  public SamplingOptions {
    require(Float.isFinite(temperature), "temperature must be finite", temperature);
    require(topP >= 0 && topP <= 1, "top_p must be 0..1", topP);
    require(minP >= 0 && minP <= 1, "min_p must be 0..1", minP);
    require(repeatLastN >= -1, "repeat_last_n must be -1 or more", repeatLastN);
    require(
        repeatPenalty > 0 && Float.isFinite(repeatPenalty),
        "repeat_penalty must be positive and finite",
        repeatPenalty);
    require(Float.isFinite(presencePenalty), "presence_penalty must be finite", presencePenalty);
    require(Float.isFinite(frequencyPenalty), "frequency_penalty must be finite", frequencyPenalty);
  }

  private static void require(boolean ok, String what, float got) {
    if (!ok) {
      throw new RequestRejectedException(Reason.OPTION_INVALID, what + ", got " + got);
    }
  }

  /** The same with a seed. */
  public SamplingOptions withSeed(long newSeed) {
    return new SamplingOptions(
        temperature,
        topK,
        topP,
        minP,
        repeatLastN,
        repeatPenalty,
        presencePenalty,
        frequencyPenalty,
        OptionalLong.of(newSeed));
  }
}
