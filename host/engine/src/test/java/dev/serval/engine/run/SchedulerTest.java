package dev.serval.engine.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.error.ServalException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import org.junit.jupiter.api.Test;

class SchedulerTest {

  private final List<Sequence> cancelled = new ArrayList<>();

  @Test
  void decodesEverySequenceInEveryStepBesidePrompts() {
    Scheduler scheduler = scheduler(4, 16);
    Text a = submit(scheduler, 1, false);
    Text b = submit(scheduler, 1, false);
    Text prompt = submit(scheduler, 100, false);
    Batch batch = plan(scheduler);
    assertEquals(List.of(a, b, prompt), sequences(batch));
    assertEquals(List.of(1, 1, 14), counts(batch));
  }

  @Test
  void promptsTakeTurnsToBeFirst() {
    Scheduler scheduler = scheduler(4, 16);
    List<Text> prompts = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      prompts.add(submit(scheduler, 1000, false));
    }
    for (int i = 0; i < 6; i++) {
      plan(scheduler);
    }
    for (Text prompt : prompts) {
      assertEquals(2 * 16, prompt.computed());
    }
  }

  @Test
  void shortPromptsShareAStep() {
    Scheduler scheduler = scheduler(4, 16);
    submit(scheduler, 5, false);
    submit(scheduler, 6, false);
    submit(scheduler, 7, false);
    Batch batch = plan(scheduler);
    assertEquals(16, batch.tokens());
    assertEquals(3, batch.size());
  }

  @Test
  void promptAdvancesEvenWhereDecodingFillsTheChunk() {
    Scheduler scheduler = scheduler(4, 1);
    Text prompt = submit(scheduler, 10, false);
    submit(scheduler, 1, false);
    submit(scheduler, 1, false);
    submit(scheduler, 1, false);
    plan(scheduler);
    assertEquals(1, prompt.computed());
  }

  @Test
  void wantsNoMoreRowsThanAStepHas() {
    Scheduler scheduler = scheduler(4, 16);
    submit(scheduler, 1, false);
    Text evaluated = submit(scheduler, 100, true);
    plan(scheduler);
    assertEquals(7, evaluated.computed());
  }

  @Test
  void leavesOutWhoseConsumerIsBehind() {
    Scheduler scheduler = scheduler(4, 16);
    Text behind = submit(scheduler, 1, false);
    Text other = submit(scheduler, 1, false);
    behind.paused = true;
    assertEquals(List.of(other), sequences(plan(scheduler)));
  }

  @Test
  void waitsForAFreePlaceInOrderOfArrival() {
    Scheduler scheduler = scheduler(2, 16);
    Text a = submit(scheduler, 1, false);
    Text b = submit(scheduler, 1, false);
    Text c = submit(scheduler, 1, false);
    Text d = submit(scheduler, 1, false);
    assertEquals(List.of(a, b), sequences(plan(scheduler)));
    c.cancel();
    scheduler.retire(a);
    scheduler.admit(cancelled::add, s -> s.unpark(0));
    assertEquals(List.of(c), cancelled);
    assertEquals(List.of(b, d), scheduler.active());
  }

  @Test
  void hasNothingToDoWithoutRequests() {
    assertTrue(plan(scheduler(2, 16)).isEmpty());
  }

  private static Scheduler scheduler(int maxSequences, int chunkTokens) {
    int maxTokens = Math.max(maxSequences, chunkTokens);
    return new Scheduler(
        new Scheduler.Limits(maxSequences, maxTokens, Math.min(maxTokens, 8), chunkTokens, false),
        () -> 100,
        new LongAdder());
  }

  private static Text submit(Scheduler scheduler, int length, boolean all) {
    Text text = new Text(length, all);
    scheduler.submit(text);
    return text;
  }

  /** Admits, plans, and pretends that the step was computed. */
  private Batch plan(Scheduler scheduler) {
    Batch batch = new Batch(8);
    scheduler.admit(cancelled::add, s -> s.unpark(0));
    scheduler.plan(batch);
    for (int i = 0; i < batch.size(); i++) {
      if (batch.count(i) > 1 || batch.sequence(i).length() > 1) {
        batch.sequence(i).advance(batch.count(i));
      }
    }
    return batch;
  }

  private static List<Sequence> sequences(Batch batch) {
    List<Sequence> all = new ArrayList<>();
    for (int i = 0; i < batch.size(); i++) {
      all.add(batch.sequence(i));
    }
    return all;
  }

  private static List<Integer> counts(Batch batch) {
    List<Integer> all = new ArrayList<>();
    for (int i = 0; i < batch.size(); i++) {
      all.add(batch.count(i));
    }
    return all;
  }

  /** A text of known length. */
  private static final class Text extends Sequence {
    private final int length;
    private final boolean all;
    private boolean paused;

    Text(int length, boolean all) {
      this.length = length;
      this.all = all;
    }

    @Override
    int length() {
      return length;
    }

    @Override
    int token(int position) {
      return 0;
    }

    @Override
    boolean wants(int position) {
      return all || position == length - 1;
    }

    @Override
    int wanted(int n) {
      return all ? n : n == remaining() ? 1 : 0;
    }

    @Override
    boolean isPaused() {
      return paused;
    }

    @Override
    void take(int position, MemorySegment logits) {}

    @Override
    boolean isEnded() {
      return false;
    }

    @Override
    void endCancelled() {}

    @Override
    void fail(ServalException failure) {}
  }
}
