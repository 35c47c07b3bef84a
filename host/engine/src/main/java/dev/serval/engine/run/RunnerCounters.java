package dev.serval.engine.run;

import dev.serval.api.metrics.Metrics;
import dev.serval.api.metrics.Tally;
import dev.serval.api.metrics.TallyGroup;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.LongAdder;

/**
 * Counters of a running model, looked up once. Tallies are written on the runner thread; adders by
 * whoever makes requests.
 */
final class RunnerCounters {

  private final TallyGroup group;
  private final Tally steps;
  private final Tally stepNanos;
  private final Tally abortedSteps;
  private final Tally computedTokens;
  private final Tally prefillRows;
  private final Tally decodeRows;
  private final Tally prefills;
  private final Tally prefillNanos;
  private final Tally generatedTokens;
  private final Tally admitted;
  private final Tally waitNanos;
  private final Tally ended;
  private final Tally lookups;
  private final Tally hits;
  private final Tally reusedTokens;
  private final Map<PrefixCache.Miss, Tally> misses = new EnumMap<>(PrefixCache.Miss.class);
  private final LongAdder generations;
  private final LongAdder embeddedTexts;
  private final LongAdder refused;

  RunnerCounters(Metrics metrics) {
    group = metrics.group();
    steps = group.tally("engine.steps");
    stepNanos = group.tally("engine.steps.nanos");
    abortedSteps = group.tally("engine.steps.aborted");
    computedTokens = group.tally("engine.tokens.computed");
    prefillRows = group.tally("engine.rows.prefill");
    decodeRows = group.tally("engine.rows.decode");
    prefills = group.tally("engine.prefills");
    prefillNanos = group.tally("engine.prefills.nanos");
    generatedTokens = group.tally("engine.tokens.generated");
    admitted = group.tally("engine.queue.admitted");
    waitNanos = group.tally("engine.queue.nanos");
    ended = group.tally("engine.sequences.ended");
    lookups = group.tally("engine.cache.lookups");
    hits = group.tally("engine.cache.hits");
    reusedTokens = group.tally("engine.tokens.reused");
    for (PrefixCache.Miss miss : PrefixCache.Miss.values()) {
      if (miss != PrefixCache.Miss.NONE) {
        misses.put(miss, group.tally("engine.cache.misses." + miss.label()));
      }
    }
    generations = metrics.counter("engine.generations");
    embeddedTexts = metrics.counter("engine.texts.embedded");
    refused = metrics.counter("engine.queue.refused");
  }

  /** Counts a step that ran to its end; both kinds of rows are the tokens computed. */
  void step(int prefill, int decode, long nanos) {
    group.begin();
    steps.increment();
    stepNanos.add(nanos);
    prefillRows.add(prefill);
    decodeRows.add(decode);
    computedTokens.add(prefill + decode);
    group.end();
  }

  /** Counts a step that was interrupted. */
  void aborted() {
    abortedSteps.increment();
  }

  /** Counts a text whose known tokens are computed. */
  void prefilled(long nanos) {
    group.begin();
    prefills.increment();
    prefillNanos.add(nanos);
    group.end();
  }

  /** Counts a request that left the queue. */
  void admitted(long waitedNanos) {
    group.begin();
    admitted.increment();
    waitNanos.add(waitedNanos);
    group.end();
  }

  /** Counts a sequence that ended. */
  void ended() {
    ended.increment();
  }

  /** Counts what a text found in the cache. */
  void found(PrefixCache.Reuse reuse) {
    group.begin();
    lookups.increment();
    if (reuse.tokens() > 0) {
      hits.increment();
      reusedTokens.add(reuse.tokens());
    }
    if (reuse.why() != PrefixCache.Miss.NONE) {
      Objects.requireNonNull(misses.get(reuse.why())).increment();
    }
    group.end();
  }

  /** Tokens drawn, without those that end a generation. */
  Tally generatedTokens() {
    return generatedTokens;
  }

  /** Generations started. */
  LongAdder generations() {
    return generations;
  }

  /** Texts turned into vectors. */
  LongAdder embeddedTexts() {
    return embeddedTexts;
  }

  /** Requests that the queue had no room for. */
  LongAdder refused() {
    return refused;
  }
}
