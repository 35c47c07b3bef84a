package dev.serval.engine.run;

import dev.serval.api.backend.Output;
import dev.serval.api.runtime.TokenLogprobs;
import dev.serval.engine.grammar.GrammarMatcher;
import dev.serval.engine.sampling.LogSoftmax;
import dev.serval.engine.sampling.Sampler;
import dev.serval.engine.sampling.TokenFilter;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Where the tokens of one sequence come from: its sampler, the grammar that the text must match,
 * and what is told about their likelihood. A format is applied before the penalties, to all logits.
 * A source without format and log-probabilities is its sampler and nothing else.
 *
 * <p>Confined to one thread at a time.
 */
final class TokenSource {

  private final Sampler sampler;
  private final @Nullable GrammarMatcher grammar;
  private final @Nullable LogSoftmax likelihood;
  private final boolean drawsFromBest;
  private @Nullable TokenLogprobs logprobs;
  private boolean isLed;

  /**
   * Creates a source.
   *
   * @param sampler draws
   * @param grammar what the text must match; null for any text
   * @param likelihood log-probabilities of each token; null for none
   */
  TokenSource(Sampler sampler, @Nullable GrammarMatcher grammar, @Nullable LogSoftmax likelihood) {
    this.sampler = sampler;
    this.grammar = grammar;
    this.likelihood = likelihood;
    drawsFromBest =
        grammar == null && likelihood == null && sampler.output() instanceof Output.Candidates;
  }

  /** Adds a token of the prompt. */
  void acceptPrompt(int token) {
    sampler.accept(token);
  }

  /** What to ask of a program for each row. */
  Output output() {
    return drawsFromBest ? sampler.output() : Output.full();
  }

  /** Whether a row holds all logits. */
  boolean drawsFromAll() {
    return !drawsFromBest;
  }

  /**
   * Draws a token.
   *
   * @param row what {@link #output} asks for
   * @param tokensLeft tokens that may still be drawn, this one included
   */
  int draw(MemorySegment row, int tokensLeft) {
    if (drawsFromBest) {
      return sampler.sampleBest(row);
    }
    LogSoftmax softmax = likelihood;
    if (softmax != null) {
      softmax.read(row); // before the sampler, which overwrites what is never drawn
    }
    GrammarMatcher matcher = grammar;
    TokenFilter filter = matcher == null ? TokenFilter.ALL : matcher.allowed(tokensLeft);
    int token = sampler.sample(row, filter);
    if (softmax != null) {
      logprobs = softmax.of(token, row);
    }
    if (matcher != null && matcher.isNarrowed()) {
      isLed |= !filter.allows(sampler.best(row, matcher.allowed()));
    }
    return token;
  }

  /** How likely the last token was; null if nobody asks. */
  @Nullable TokenLogprobs logprobs() {
    return logprobs;
  }

  /**
   * Adds a token that was drawn.
   *
   * @param isEnd whether it ends the text, and is not part of it
   */
  void accept(int token, boolean isEnd) {
    sampler.accept(token);
    if (grammar != null && !isEnd) {
      grammar.accept(token);
    }
  }

  /** Whether the grammar leaves nothing to add. */
  boolean isAtEnd() {
    return grammar != null && grammar.isAtEnd();
  }

  /** Whether there is a grammar and the text so far matches it. */
  boolean isComplete() {
    return grammar != null && grammar.isComplete();
  }

  /** Whether the text was led to its end because tokens ran short, against the model's choice. */
  boolean isLed() {
    return isLed;
  }
}
