package dev.serval.engine.run;

import dev.serval.engine.event.CacheEvent;
import dev.serval.engine.event.FlightRecorder;
import dev.serval.engine.event.PrefillEvent;
import dev.serval.engine.event.StepEvent;
import org.jspecify.annotations.Nullable;

/**
 * Writes down what a runner does, in counters and for the flight recorder. Confined to the runner
 * thread; allocates per sequence, and only while a recording asks for it, never per step.
 */
final class RunLog {

  private final String model;
  private final RunnerCounters counters;
  private @Nullable StepEvent event; // created when a step begins while events are recorded
  private boolean recording;
  private long stepStart;

  RunLog(String model, RunnerCounters counters) {
    this.model = model;
    this.counters = counters;
  }

  /** A request left the queue. */
  void admitted(Sequence s) {
    counters.admitted(System.nanoTime() - s.createdNanos());
  }

  /** A sequence ended, or never began. */
  void ended() {
    counters.ended();
  }

  /** A sequence found room, and perhaps its first tokens, in the cache. */
  void found(Sequence s, PrefixCache.Reuse reuse) {
    counters.found(reuse);
    PrefillEvent prefill = null;
    if (FlightRecorder.isInUse()) {
      recordLookup(s, reuse);
      prefill = new PrefillEvent();
      prefill.model = model;
      prefill.sequence = s.number();
      prefill.tokens = s.length();
      prefill.reusedTokens = reuse.tokens();
      prefill.begin();
    }
    s.prefillBegins(prefill, System.nanoTime());
  }

  private void recordLookup(Sequence s, PrefixCache.Reuse reuse) {
    CacheEvent lookup = new CacheEvent();
    lookup.model = model;
    lookup.tokens = s.length();
    lookup.reusedTokens = reuse.tokens();
    lookup.reason = reuse.miss();
    lookup.commit();
  }

  /** A step is about to be submitted. */
  void stepBegins() {
    recording = FlightRecorder.isInUse();
    if (recording) {
      if (event == null) {
        event = new StepEvent();
        event.model = model;
      }
      event.begin();
    }
    stepStart = System.nanoTime();
  }

  /** A step ran to its end; its sequences have not advanced yet. */
  void stepDone(Batch batch) {
    long now = System.nanoTime();
    int decode = 0;
    for (int i = 0; i < batch.size(); i++) {
      Sequence s = batch.sequence(i);
      decode += batch.count(i) == 1 && s.remaining() == 1 && !s.isInPrefill() ? 1 : 0;
    }
    counters.step(batch.tokens() - decode, decode, now - stepStart);
    record(batch, decode, true);
    for (int i = 0; i < batch.size(); i++) {
      Sequence s = batch.sequence(i);
      if (s.isInPrefill() && batch.count(i) == s.remaining()) {
        counters.prefilled(s.prefillEnds(now));
      }
    }
  }

  /** A step was interrupted. */
  void stepAborted(Batch batch) {
    counters.aborted();
    record(batch, 0, false);
  }

  private void record(Batch batch, int decode, boolean done) {
    if (!recording || event == null) {
      return;
    }
    event.end();
    if (event.shouldCommit()) {
      event.sequences = batch.size();
      event.decodeRows = decode;
      event.prefillRows = batch.tokens() - decode;
      event.done = done;
      event.commit();
    }
  }
}
