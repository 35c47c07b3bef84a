package dev.serval.engine.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.error.BackendLostException;
import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.error.RequestRejectedException.Reason;
import dev.serval.api.runtime.FinishReason;
import dev.serval.api.runtime.Generation;
import dev.serval.api.runtime.GenerationResult;
import dev.serval.api.runtime.TokenSink;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** How generations begin, disturb each other (not), and end. */
@Timeout(30)
class ModelRunnerTest {

  private static final String PROMPT = "thequickbrownfoxjumps";

  @Test
  void cancelEndsAPrefillWithoutWaitingForItsStep() throws InterruptedException {
    try (RunningModel m = new RunningModel(64, 2, 16)) {
      m.program.hold();
      Generation generation = m.model.generate(RunningModel.request(PROMPT, 5), TokenSink.NONE);
      m.program.awaitSteps(1);
      generation.cancel();
      GenerationResult result = generation.await();
      assertEquals(FinishReason.CANCELLED, result.finish());
      assertEquals(List.of(), result.tokens());
      m.program.letGo();
      assertEquals(1, m.counter("engine.steps.aborted"));
      assertEquals(RunningModel.expected(PROMPT, 5), m.generate(PROMPT, 5).tokens());
    }
  }

  @Test
  void othersOfAnAbortedStepAreComputedAgain() throws InterruptedException {
    try (RunningModel m = new RunningModel(64, 2, 40)) {
      m.program.hold();
      Generation first = m.model.generate(RunningModel.request("a", 5), TokenSink.NONE);
      m.program.awaitSteps(1);
      Generation other = m.model.generate(RunningModel.request(PROMPT, 5), TokenSink.NONE);
      Generation doomed = m.model.generate(RunningModel.request(PROMPT, 5), TokenSink.NONE);
      first.cancel();
      m.program.awaitSteps(2);
      doomed.cancel();
      m.program.letGo();
      assertEquals(FinishReason.CANCELLED, doomed.await().finish());
      assertEquals(RunningModel.expected(PROMPT, 5), other.await().tokens());
    }
  }

  @Test
  void abortedStepsGiveTheirCellsBack() throws InterruptedException {
    try (RunningModel m = new RunningModel(64, 3, 60)) {
      m.program.hold();
      Generation doomed = m.model.generate(RunningModel.request("abc", 5), TokenSink.NONE);
      m.program.awaitSteps(1);
      String prompt = PROMPT + PROMPT;
      Generation other = m.model.generate(RunningModel.request(prompt, 5), TokenSink.NONE);
      for (int steps = 2; steps < 20; steps++) {
        Generation next = m.model.generate(RunningModel.request("abc", 5), TokenSink.NONE);
        doomed.cancel();
        m.program.awaitSteps(steps);
        assertEquals(FinishReason.CANCELLED, doomed.await().finish());
        doomed = next;
      }
      m.program.letGo();
      assertEquals(RunningModel.expected(prompt, 5), other.await().tokens());
      assertEquals(RunningModel.expected("abc", 5), doomed.await().tokens());
      assertEquals(18, m.counter("engine.steps.aborted"));
    }
  }

  @Test
  void cancelReachesARequestThatWaits() throws InterruptedException {
    try (RunningModel m = new RunningModel(64, 1, 16)) {
      m.program.hold();
      Generation running = m.model.generate(RunningModel.request(PROMPT, 5), TokenSink.NONE);
      m.program.awaitSteps(1);
      Generation waiting = m.model.generate(RunningModel.request(PROMPT, 5), TokenSink.NONE);
      waiting.cancel();
      m.program.letGo();
      assertEquals(FinishReason.CANCELLED, waiting.await().finish());
      assertEquals(RunningModel.expected(PROMPT, 5), running.await().tokens());
    }
  }

  @Test
  void stalledConsumerPausesItselfOnlyAndIsGivenUp() throws InterruptedException {
    CountDownLatch never = new CountDownLatch(1);
    try (RunningModel m = new RunningModel(64, 2, 16, RunningModel.options(60_000, 500))) {
      Generation stalled =
          m.model.generate(RunningModel.request("abc", -1), event -> awaitQuietly(never));
      assertEquals(RunningModel.expected(PROMPT, 30), m.generate(PROMPT, 30).tokens());
      RequestRejectedException e = assertThrows(RequestRejectedException.class, stalled::await);
      assertEquals(Reason.CONSUMER_STALLED, e.reason());
      assertTrue(m.counter("engine.tokens.generated") < 30 + 10);
      assertEquals(RunningModel.expected(PROMPT, 9), m.generate(PROMPT, 9).tokens());
    }
  }

  @Test
  void consumerThatStallsAfterTheEndIsGivenUpByWhoWaits() {
    CountDownLatch never = new CountDownLatch(1);
    try (RunningModel m = new RunningModel(64, 2, 16, RunningModel.options(60_000, 500))) {
      Generation stalled =
          m.model.generate(RunningModel.request("abc", 1), event -> awaitQuietly(never));
      RequestRejectedException e = assertThrows(RequestRejectedException.class, stalled::await);
      assertEquals(Reason.CONSUMER_STALLED, e.reason());
    }
  }

  @Test
  void slowConsumerGetsEverything() throws InterruptedException {
    CountDownLatch late = new CountDownLatch(1);
    List<Integer> tokens = new ArrayList<>();
    try (RunningModel m = new RunningModel(64, 2, 16)) {
      Generation slow =
          m.model.generate(
              RunningModel.request("abc", 40),
              event -> {
                awaitQuietly(late);
                tokens.add(event.token());
              });
      assertEquals(RunningModel.expected(PROMPT, 30), m.generate(PROMPT, 30).tokens());
      late.countDown();
      assertEquals(RunningModel.expected("abc", 40), slow.await().tokens());
      assertEquals(RunningModel.expected("abc", 40), tokens);
    }
  }

  @Test
  void throwingSinkCancelsItsOwnGenerationOnly() throws InterruptedException {
    try (RunningModel m = new RunningModel(64, 2, 16)) {
      Generation other = m.model.generate(RunningModel.request(PROMPT, 30), TokenSink.NONE);
      Generation failing =
          m.model.generate(
              RunningModel.request("abc", -1),
              event -> {
                throw new IllegalStateException("sink");
              });
      assertEquals(FinishReason.CANCELLED, failing.await().finish());
      assertEquals(RunningModel.expected(PROMPT, 30), other.await().tokens());
    }
  }

  @Test
  void logitsWithoutATokenEndTheirOwnSequenceOnly() throws InterruptedException {
    try (RunningModel m = new RunningModel(64, 2, 16)) {
      Generation other = m.model.generate(RunningModel.request(PROMPT, 30), TokenSink.NONE);
      Generation poisoned = m.model.generate(RunningModel.request("abz", 5), TokenSink.NONE);
      RequestRejectedException e = assertThrows(RequestRejectedException.class, poisoned::await);
      assertEquals(Reason.NO_TOKEN, e.reason());
      assertEquals(RunningModel.expected(PROMPT, 30), other.await().tokens());
    }
  }

  @Test
  void refusesMoreRequestsThanMayWait() throws InterruptedException {
    try (RunningModel m = new RunningModel(64, 1, 16)) {
      m.program.hold();
      m.model.generate(RunningModel.request(PROMPT, 1), TokenSink.NONE);
      m.program.awaitSteps(1);
      for (int i = 0; i < 8; i++) {
        m.model.generate(RunningModel.request(PROMPT, 1), TokenSink.NONE);
      }
      RequestRejectedException e =
          assertThrows(RequestRejectedException.class, () -> m.generate(PROMPT, 1));
      assertEquals(Reason.QUEUE_FULL, e.reason());
      m.program.letGo();
    }
  }

  @Test
  void closeEndsRunningAndWaitingGenerationsAsCancelled() throws InterruptedException {
    RunningModel m = new RunningModel(64, 1, 16);
    m.program.hold();
    Generation running = m.model.generate(RunningModel.request(PROMPT, 5), TokenSink.NONE);
    Generation waiting = m.model.generate(RunningModel.request(PROMPT, 5), TokenSink.NONE);
    m.program.awaitSteps(1);
    m.close();
    assertEquals(FinishReason.CANCELLED, running.await().finish());
    assertEquals(FinishReason.CANCELLED, waiting.await().finish());
    assertTrue(m.program.isClosed());
    assertTrue(m.model.isEnded());
    RequestRejectedException e =
        assertThrows(RequestRejectedException.class, () -> m.generate(PROMPT, 5));
    assertEquals(Reason.MODEL_CLOSED, e.reason());
    m.close();
  }

  @Test
  void closeFromASinkDoesNotDeadlock() throws InterruptedException {
    RunningModel m = new RunningModel(64, 1, 16);
    Generation generation = m.model.generate(RunningModel.request(PROMPT, -1), event -> m.close());
    assertEquals(FinishReason.CANCELLED, generation.await().finish());
    assertTrue(m.program.isClosed());
  }

  @Test
  void stepPastItsDeadlineLosesTheBackendForAll() {
    try (RunningModel m = new RunningModel(64, 1, 16, RunningModel.options(40, 60_000))) {
      m.program.hold();
      Generation running = m.model.generate(RunningModel.request(PROMPT, 5), TokenSink.NONE);
      Generation waiting = m.model.generate(RunningModel.request(PROMPT, 5), TokenSink.NONE);
      BackendLostException e = assertThrows(BackendLostException.class, running::await);
      assertTrue(String.valueOf(e.getMessage()).contains("held for too long"));
      assertThrows(BackendLostException.class, waiting::await);
      assertThrows(BackendLostException.class, () -> m.generate(PROMPT, 5));
    }
  }

  @Test
  void withdrawnBackendEndsGenerationsAtOnce() throws InterruptedException {
    RunningModel m = new RunningModel(64, 1, 16);
    m.program.hold();
    Generation running = m.model.generate(RunningModel.request(PROMPT, 5), TokenSink.NONE);
    m.program.awaitSteps(1);
    assertFalse(m.model.isEnded());
    m.model.lose("backend recall was withdrawn");
    assertTrue(m.model.awaitEnd(TimeUnit.SECONDS.toNanos(4)));
    assertTrue(m.program.isClosed());
    BackendLostException e = assertThrows(BackendLostException.class, running::await);
    assertEquals("backend recall was withdrawn", e.getMessage());
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException("interrupted", e);
    }
  }
}
