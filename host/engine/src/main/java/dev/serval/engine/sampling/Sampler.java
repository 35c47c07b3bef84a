package dev.serval.engine.sampling;

import dev.serval.api.backend.Output;
import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.error.RequestRejectedException.Reason;
import dev.serval.api.runtime.SamplingOptions;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Objects;

/**
 * Draws the tokens of one sequence. Stages in llama.cpp's order: penalties, top-k, top-p, min-p,
 * temperature, draw; a temperature of 0 or less takes the best token after the penalties. Of equal
 * logits the lowest id is better, in every stage.
 *
 * <p>Equal options, seeds, accepted tokens and logits give equal tokens. The random numbers are
 * those of PCG XSL-RR 128/64, one for each token drawn, none for a greedy one.
 *
 * <p>Where only the best logits matter it asks a program for those alone ({@link #output}): without
 * penalties, and with a top-k small enough. The tokens drawn are the same.
 *
 * <p>Confined to one thread at a time. Its arrays are made once; only the penalties' window grows,
 * up to {@code repeatLastN} tokens.
 */
public final class Sampler {

  private static final ValueLayout.OfFloat F32 = ValueLayout.JAVA_FLOAT_UNALIGNED;
  private static final ValueLayout.OfInt I32 = ValueLayout.JAVA_INT_UNALIGNED;

  /** Best logits asked for at most; selecting more costs about as much as looking at all. */
  private static final int MOST_BEST = 256;

  private final SamplingOptions options;
  private final Vocabulary vocabulary;
  private final long seed;
  private final Pcg64 random;
  private final PenaltyWindow penalties;
  private final Candidates candidates;
  private final Output output;

  /**
   * The tokens that logits stand for.
   *
   * @param rowWidth logits in a row
   * @param size tokens that may be drawn: 0 until this, at most {@code rowWidth}
   * @param never tokens below {@code size} that are never drawn
   */
  public record Vocabulary(int rowWidth, int size, List<Integer> never) {

    /** Checks ranges and copies the list. */
    public Vocabulary {
      if (size <= 0 || size > rowWidth) {
        throw new IllegalArgumentException(
            "expected 1 to " + rowWidth + " tokens in a row of " + rowWidth + ", got " + size);
      }
      for (int token : never) {
        Objects.checkIndex(token, size);
      }
      never = List.copyOf(never);
    }

    /** Every logit stands for a token that may be drawn. */
    public static Vocabulary of(int size) {
      return new Vocabulary(size, size, List.of());
    }
  }

  /**
   * Starts with an empty penalty window.
   *
   * @param options the stages' parameters; their seed is not looked at
   * @param vocabulary what logits stand for
   * @param seed start of the random numbers
   */
  public Sampler(SamplingOptions options, Vocabulary vocabulary, long seed) {
    this.options = options;
    this.vocabulary = vocabulary;
    this.seed = seed;
    this.random = new Pcg64(seed);
    int size = vocabulary.size();
    this.penalties = PenaltyWindow.of(options, size);
    int topK = options.topK() <= 0 ? size : Math.min(options.topK(), size);
    int kept = isGreedy() ? 1 : topK;
    this.candidates = new Candidates(kept);
    this.output = output(kept);
  }

  /** What to ask of a program: the best alone where they decide. */
  private Output output(int kept) {
    long best = (long) kept + vocabulary.never().size();
    boolean decides =
        penalties.isOff()
            && vocabulary.size() == vocabulary.rowWidth()
            && best <= MOST_BEST
            && 2 * best + 1 <= vocabulary.rowWidth();
    return decides ? new Output.Candidates((int) best, List.of()) : Output.full();
  }

  /**
   * What to ask of a program for each row: {@link Output.Full} for {@link #sample}, or {@link
   * Output.Candidates} for {@link #sampleBest}; always the same object.
   */
  public Output output() {
    return output;
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
    Objects.checkIndex(token, vocabulary.size());
    penalties.accept(token);
  }

  /**
   * Draws the next token from all logits.
   *
   * @param logits [rowWidth] F32 in native order, −∞ for a token that must not be drawn; those of
   *     tokens that are never drawn are overwritten with −∞
   * @return its id
   * @throws RequestRejectedException ({@code NO_TOKEN}) if a logit is NaN or +∞, or all are −∞
   */
  public int sample(MemorySegment logits) {
    return sample(logits, TokenFilter.ALL);
  }

  /**
   * Draws the next token from all logits of some tokens, as if those of the others were −∞.
   *
   * @param logits as for {@link #sample(MemorySegment)}
   * @param filter says which tokens may be drawn; asked about those only that are good enough
   * @return its id
   * @throws RequestRejectedException ({@code NO_TOKEN}) if a logit is NaN or +∞, or all that count
   *     are −∞
   */
  public int sample(MemorySegment logits, TokenFilter filter) {
    requireRow(logits);
    collect(logits, filter);
    return draw();
  }

  /**
   * The token of some with the highest logit after the penalties.
   *
   * @param logits as {@link #sample(MemorySegment)} left them
   * @param filter says which tokens count
   * @return its id, −1 if all logits that count are −∞
   */
  public int best(MemorySegment logits, TokenFilter filter) {
    requireRow(logits);
    int best = -1;
    float most = Float.NEGATIVE_INFINITY;
    for (int token = 0; token < vocabulary.size(); token++) {
      float logit = penalised(logits, token);
      if (logit > most && filter.allows(token)) {
        best = token;
        most = logit;
      }
    }
    return best;
  }

  /** A logit after the penalties. */
  private float penalised(MemorySegment logits, int token) {
    float logit = logits.getAtIndex(F32, token);
    return penalties.isOff() ? logit : penalties.penalised(token, logit);
  }

  /**
   * Draws the next token from the best logits, where {@link #output} asks for those.
   *
   * @param row [rowWidth] F32 that begins with ids, logits and log-sum-exp as {@link
   *     Output.Candidates} says
   * @return the id that {@link #sample} would draw from all
   * @throws RequestRejectedException ({@code NO_TOKEN}) if a logit is NaN or +∞, or all are −∞
   */
  public int sampleBest(MemorySegment row) {
    if (!(output instanceof Output.Candidates best)) {
      throw new IllegalStateException("the best logits alone do not decide");
    }
    requireRow(row);
    collectBest(row, best.k());
    return draw();
  }

  private void requireRow(MemorySegment row) {
    if (row.byteSize() != (long) vocabulary.rowWidth() * Float.BYTES) {
      throw new IllegalArgumentException(
          "logits: expected " + vocabulary.rowWidth() + " F32, got " + row.byteSize() + " bytes");
    }
  }

  private int draw() {
    if (candidates.size() == 0) {
      throw new RequestRejectedException(
          Reason.NO_TOKEN, "logits: expected a token that can be drawn, got −∞ for all");
    }
    if (isGreedy()) {
      return candidates.token(0);
    }
    if (options.topK() > 0 && options.topK() < vocabulary.size()) {
      candidates.sort();
    }
    candidates.topP(options.topP());
    candidates.minP(options.minP());
    return candidates.draw(options.temperature(), random.nextDouble());
  }

  /** Applies the penalties to all logits and keeps the best top-k of those that may be drawn. */
  private void collect(MemorySegment row, TokenFilter filter) {
    candidates.clear();
    for (int i = 0; i < vocabulary.never().size(); i++) {
      row.setAtIndex(F32, vocabulary.never().get(i), Float.NEGATIVE_INFINITY);
    }
    boolean penalise = !penalties.isOff();
    float threshold = Float.NEGATIVE_INFINITY;
    int size = vocabulary.size();
    for (int token = 0; token < size; token++) {
      float logit = row.getAtIndex(F32, token);
      if (penalise) {
        logit = penalties.penalised(token, logit);
      }
      if (logit <= threshold) { // false for NaN
        continue;
      }
      if (!(logit < Float.POSITIVE_INFINITY)) {
        throw broken("got " + logit + " for token " + token);
      }
      if (filter.allows(token)) {
        candidates.add(token, logit);
        threshold = candidates.threshold();
      }
    }
  }

  /** Keeps the best top-k of the best k; the log-sum-exp tells whether all logits are numbers. */
  private void collectBest(MemorySegment row, int k) {
    candidates.clear();
    float logSumExp = row.getAtIndex(F32, 2L * k);
    if (!(logSumExp < Float.POSITIVE_INFINITY)) {
      throw broken("their log-sum-exp is " + logSumExp);
    }
    for (int i = 0; i < k; i++) {
      int token = row.getAtIndex(I32, i);
      float logit = row.getAtIndex(F32, k + i);
      if (logit > Float.NEGATIVE_INFINITY && !isNeverDrawn(token)) {
        candidates.add(token, logit);
      }
    }
  }

  private boolean isNeverDrawn(int token) {
    for (int i = 0; i < vocabulary.never().size(); i++) {
      if (vocabulary.never().get(i) == token) {
        return true;
      }
    }
    return false;
  }

  private static RequestRejectedException broken(String got) {
    return new RequestRejectedException(
        Reason.NO_TOKEN, "logits: expected finite numbers or −∞, " + got);
  }
}
