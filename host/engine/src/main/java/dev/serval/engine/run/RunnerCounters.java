package dev.serval.engine.run;

import dev.serval.api.metrics.Metrics;
import java.util.concurrent.atomic.LongAdder;

/**
 * Counters of a running model, looked up once.
 *
 * @param steps steps that ran to their end
 * @param abortedSteps steps that were interrupted
 * @param computedTokens tokens computed by steps that ran to their end
 * @param reusedTokens tokens that were in the cache already when a sequence began or went on
 * @param generatedTokens tokens drawn, without those that end a generation
 * @param generations generations started
 * @param embeddedTexts texts turned into vectors
 */
record RunnerCounters(
    LongAdder steps,
    LongAdder abortedSteps,
    LongAdder computedTokens,
    LongAdder reusedTokens,
    LongAdder generatedTokens,
    LongAdder generations,
    LongAdder embeddedTexts) {

  static RunnerCounters of(Metrics metrics) {
    return new RunnerCounters(
        metrics.counter("engine.steps"),
        metrics.counter("engine.steps.aborted"),
        metrics.counter("engine.tokens.computed"),
        metrics.counter("engine.tokens.reused"),
        metrics.counter("engine.tokens.generated"),
        metrics.counter("engine.generations"),
        metrics.counter("engine.texts.embedded"));
  }
}
