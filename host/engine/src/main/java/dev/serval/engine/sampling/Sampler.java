package dev.serval.engine.sampling;

import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.error.RequestRejectedException.Reason;
import dev.serval.api.runtime.SamplingOptions;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;

/**
 * Draws the tokens of one sequence. Stages in llama.cpp's order: penalties, top-k, top-p, min-p,
 * temperature, draw; a temperature of 0 or less takes the best token after the penalties. Of equal
 * logits the lowest id is better, in every stage.
 *
 * <p>Equal options, seeds, accepted tokens and logits give equal tokens. The random numbers are
 * those of PCG XSL-RR 128/64, one for each token drawn, none for a greedy one.
 *
 * <p>Confined to one thread at a time. Its arrays are made once; only the penalties' window grows,
 * up to {@code repeatLastN} tokens.
 */
public final class Sampler {

  private final SamplingOptions options;
  private final int vocabSize;
  private final long seed;
  private final Pcg64 random;
  private final PenaltyWindow penalties;
  private final Candidates candidates;

  /**
   * Starts with an empty penalty window.
   *
   * @param options the stages' parameters; their seed is not looked at
   * @param vocabSize number of logits
   * @param seed start of the random numbers
   */
  public Sampler(SamplingOptions options, int vocabSize, long seed) {
    if (vocabSize <= 0) {
      throw new IllegalArgumentException("vocabSize must be positive: " + vocabSize);
    }
    this.options = options;
    this.vocabSize = vocabSize;
    this.seed = seed;
    this.random = new Pcg64(seed);
    this.penalties = PenaltyWindow.of(options, vocabSize);
    int topK = options.topK() <= 0 ? vocabSize : Math.min(options.topK(), vocabSize);
    this.candidates = new Candidates(isGreedy() ? 1 : topK);
  }

  private boolean isGreedy() {
    return options.temperature() <= 0;
  }

  /** The seed of the random numbers. */
  public long seed() {
    return seed;
  }

  /**
   * Adds a token to the penalty window; to be called for every token of the prompt and for every
   * token drawn.
   *
   * @throws IndexOutOfBoundsException if it is not a token of the vocabulary
   */
  public void accept(int token) {
    Objects.checkIndex(token, vocabSize);
    penalties.accept(token);
  }

  /**
   * Draws the next token.
   *
   * @param logits [vocabSize] F32 in native order; −∞ for a token that must not be drawn
   * @return its id
   * @throws RequestRejectedException ({@code NO_TOKEN}) if a logit is NaN or +∞, or all are −∞
   */
  public int sample(MemorySegment logits) {
    if (logits.byteSize() != (long) vocabSize * Float.BYTES) {
      throw new IllegalArgumentException(
          "logits: expected " + vocabSize + " F32, got " + logits.byteSize() + " bytes");
    }
    collect(logits);
    if (candidates.size() == 0) {
      throw new RequestRejectedException(
          Reason.NO_TOKEN, "logits: expected a token that can be drawn, got −∞ for all");
    }
    if (isGreedy()) {
      return candidates.token(0);
    }
    if (options.topK() > 0 && options.topK() < vocabSize) {
      candidates.sort();
    }
    candidates.topP(options.topP());
    candidates.minP(options.minP());
    return candidates.draw(options.temperature(), random.nextDouble());
  }

  /** Applies the penalties and keeps the best top-k. */
  private void collect(MemorySegment logits) {
    candidates.clear();
    boolean penalise = !penalties.isOff();
    float threshold = Float.NEGATIVE_INFINITY;
    for (int token = 0; token < vocabSize; token++) {
      float logit = logits.getAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, token);
      if (penalise) {
        logit = penalties.penalised(token, logit);
      }
      if (logit <= threshold) { // false for NaN
        continue;
      }
      if (!(logit < Float.POSITIVE_INFINITY)) {
        throw new RequestRejectedException(
            Reason.NO_TOKEN,
            "logits: expected finite numbers or −∞, got " + logit + " for token " + token);
      }
      candidates.add(token, logit);
      threshold = candidates.threshold();
    }
  }
}
