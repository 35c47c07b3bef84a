package dev.serval.backend.cpu;

import dev.serval.api.metrics.Metrics;
import dev.serval.backend.cpu.team.ComputeTeam;
import java.util.concurrent.atomic.LongAdder;

/**
 * Counts steps, tokens and what each member of the team did. Confined to the device queue's thread.
 */
final class StepCounters {

  private final LongAdder steps;
  private final LongAdder tokens;
  private final LongAdder[] items;
  private final long[] before;

  StepCounters(Metrics metrics, int members) {
    steps = metrics.counter("cpu.steps");
    tokens = metrics.counter("cpu.tokens");
    items = new LongAdder[members];
    before = new long[members];
    for (int i = 0; i < members; i++) {
      items[i] = metrics.counter("cpu.team.member." + i);
    }
  }

  /** Remembers where the team's counts stand. */
  void begin(ComputeTeam team) {
    for (int i = 0; i < items.length; i++) {
      before[i] = team.itemsDone(i);
    }
  }

  /** Counts a step. */
  void end(ComputeTeam team, int stepTokens) {
    steps.increment();
    tokens.add(stepTokens);
    for (int i = 0; i < items.length; i++) {
      items[i].add(team.itemsDone(i) - before[i]);
    }
  }
}
