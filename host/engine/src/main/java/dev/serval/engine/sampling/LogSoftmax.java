package dev.serval.engine.sampling;

import dev.serval.api.runtime.TokenLogprobs;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * Log-probabilities of raw logits: {@code l − max − ln Σ exp(l − max)}, in double precision. To be
 * given a row before anything changes it. Confined to one thread at a time.
 */
public final class LogSoftmax {

  private static final ValueLayout.OfFloat F32 = ValueLayout.JAVA_FLOAT_UNALIGNED;

  private final int vocabSize;
  private final Candidates best;
  private final int top;
  private double max;
  private double logSum;

  /**
   * Makes room.
   *
   * @param vocabSize tokens of a row: 0 until this
   * @param top best tokens to keep; fewer if the vocabulary has fewer
   */
  public LogSoftmax(int vocabSize, int top) {
    this.vocabSize = vocabSize;
    this.top = Math.min(top, vocabSize);
    this.best = new Candidates(Math.max(1, this.top));
  }

  /**
   * Looks at a row.
   *
   * @param row F32 in native order, at least {@code vocabSize}; NaN and +∞ are left to whoever
   *     draws
   */
  public void read(MemorySegment row) {
    best.clear();
    float most = Float.NEGATIVE_INFINITY;
    float threshold = Float.NEGATIVE_INFINITY;
    for (int token = 0; token < vocabSize; token++) {
      float logit = row.getAtIndex(F32, token);
      most = Math.max(most, logit);
      if (logit > threshold) {
        best.add(token, logit);
        threshold = best.threshold();
      }
    }
    best.sort();
    max = most;
    double sum = 0;
    for (int token = 0; token < vocabSize; token++) {
      sum += Math.exp((double) row.getAtIndex(F32, token) - max);
    }
    logSum = Math.log(sum);
  }

  /**
   * What the row that was read last says about a token.
   *
   * @param token the token that was drawn
   * @param row the same row
   */
  public TokenLogprobs of(int token, MemorySegment row) {
    List<TokenLogprobs.Alternative> alternatives = new ArrayList<>(top);
    for (int i = 0; i < Math.min(top, best.size()); i++) {
      alternatives.add(new TokenLogprobs.Alternative(best.token(i), logprob(best.logit(i))));
    }
    return new TokenLogprobs(logprob(row.getAtIndex(F32, token)), alternatives);
  }

  private double logprob(float logit) {
    return logit - max - logSum;
  }
}
