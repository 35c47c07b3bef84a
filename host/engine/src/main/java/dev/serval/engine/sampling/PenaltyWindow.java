package dev.serval.engine.sampling;

import dev.serval.api.runtime.SamplingOptions;
import java.util.Arrays;

/**
 * The last tokens of a sequence and how often each occurs among them, for the penalties on
 * repetition (llama.cpp {@code llama_sampler_penalties}). Confined to one thread.
 */
final class PenaltyWindow {

  /** The window's places made at once; longer windows grow as they fill. */
  private static final int FIRST_PLACES = 1024;

  private final float repeat;
  private final float presence;
  private final float frequency;

  /** Tokens looked at; {@link Integer#MAX_VALUE} for all. */
  private final int lastN;

  /** Occurrences in the window by token. */
  private final int[] counts;

  /** The tokens in the window, a ring once it is full; without places if all tokens count. */
  private int[] ring;

  private int size;
  private int oldest;

  private PenaltyWindow(SamplingOptions options, int vocabSize) {
    this.repeat = options.repeatPenalty();
    this.presence = options.presencePenalty();
    this.frequency = options.frequencyPenalty();
    boolean off = options.repeatLastN() == 0 || (repeat == 1 && presence == 0 && frequency == 0);
    this.lastN = options.repeatLastN() < 0 ? Integer.MAX_VALUE : options.repeatLastN();
    this.counts = new int[off ? 0 : vocabSize];
    this.ring = new int[off || isUnbounded() ? 0 : Math.min(lastN, FIRST_PLACES)];
  }

  /** An empty window; {@link #isOff} if the options change no logit. */
  static PenaltyWindow of(SamplingOptions options, int vocabSize) {
    return new PenaltyWindow(options, vocabSize);
  }

  /** Whether no logit is ever changed. */
  boolean isOff() {
    return counts.length == 0;
  }

  private boolean isUnbounded() {
    return lastN == Integer.MAX_VALUE;
  }

  /** Adds a token of the prompt or of the answer. */
  void accept(int token) {
    if (isOff()) {
      return;
    }
    counts[token]++;
    if (isUnbounded()) {
      return;
    }
    if (size == lastN) {
      counts[ring[oldest]]--;
      ring[oldest] = token;
      oldest = oldest + 1 == lastN ? 0 : oldest + 1;
      return;
    }
    if (size == ring.length) {
      ring = Arrays.copyOf(ring, (int) Math.min(lastN, 2L * size));
    }
    ring[size++] = token;
  }

  /**
   * The logit of a token after the penalties: for one that occurs c times in the window {@code l ≤
   * 0 ? l · repeat : l / repeat}, less {@code c · frequency + presence}.
   */
  float penalised(int token, float logit) {
    int c = counts[token];
    if (c == 0 || logit == Float.NEGATIVE_INFINITY) {
      return logit;
    }
    float scaled = logit <= 0 ? logit * repeat : logit / repeat;
    return scaled - (c * frequency + presence);
  }
}
