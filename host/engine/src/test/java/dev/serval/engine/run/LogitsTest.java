package dev.serval.engine.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.error.RequestRejectedException.Reason;
import dev.serval.api.runtime.Generation;
import dev.serval.api.runtime.TokenSink;
import dev.serval.engine.recall.LetterTokenizer;
import dev.serval.engine.recall.RecallProgram;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Logits of a whole text. */
@Timeout(30)
class LogitsTest {

  private static final String TEXT = "thequickbrownfoxjumpsoverthelazydog".replace('z', 'y');

  @Test
  void givesTheRowAfterEachTokenInOrder() throws InterruptedException {
    try (RunningModel m = new RunningModel(TEXT.length(), 2, 16)) {
      assertEquals(expected(), best(m));
    }
  }

  @Test
  void worksBesideRunningGenerations() throws InterruptedException {
    try (RunningModel m = new RunningModel(64, 3, 7)) {
      Generation a = m.model.generate(RunningModel.request("abc", 40), TokenSink.NONE);
      Generation b = m.model.generate(RunningModel.request("def", 40), TokenSink.NONE);
      assertEquals(expected(), best(m));
      assertEquals(RunningModel.expected("abc", 40), a.await().tokens());
      assertEquals(RunningModel.expected("def", 40), b.await().tokens());
    }
  }

  @Test
  void failureOfTheSinkReachesItsCallerOnly() throws InterruptedException {
    try (RunningModel m = new RunningModel(64, 2, 16)) {
      Generation other = m.model.generate(RunningModel.request("abc", 30), TokenSink.NONE);
      ArithmeticException failure = new ArithmeticException("sink");
      ArithmeticException thrown =
          assertThrows(
              ArithmeticException.class,
              () ->
                  m.model.logits(
                      LetterTokenizer.ids(TEXT),
                      (i, row) -> {
                        throw failure;
                      }));
      assertEquals(failure, thrown);
      assertEquals(RunningModel.expected("abc", 30), other.await().tokens());
      assertEquals(expected(), best(m));
    }
  }

  @Test
  void rejectsTextsThatDoNotFit() {
    try (RunningModel m = new RunningModel(16, 2, 16)) {
      assertEquals(Reason.PROMPT_EMPTY, rejection(m, new int[0]));
      assertEquals(Reason.PROMPT_TOO_LONG, rejection(m, LetterTokenizer.ids("a".repeat(17))));
      assertEquals(Reason.TOKEN_UNKNOWN, rejection(m, new int[] {LetterTokenizer.VOCAB}));
    }
  }

  @Test
  void interruptedCallerAbandonsTheWork() throws InterruptedException {
    try (RunningModel m = new RunningModel(64, 2, 16)) {
      m.program.hold();
      AtomicReference<Throwable> thrown = new AtomicReference<>();
      Thread caller =
          Thread.ofVirtual()
              .start(() -> {
                try {
                  m.model.logits(LetterTokenizer.ids(TEXT), (i, row) -> {});
                } catch (InterruptedException | RuntimeException e) {
                  thrown.set(e);
                }
              });
      m.program.awaitSteps(1);
      caller.interrupt();
      caller.join();
      assertTrue(thrown.get() instanceof InterruptedException, String.valueOf(thrown.get()));
      m.program.letGo();
      assertEquals(RunningModel.expected("abc", 3), m.generate("abc", 3).tokens());
    }
  }

  @Test
  void closeEndsIt() throws InterruptedException {
    RunningModel m = new RunningModel(64, 2, 16);
    m.program.hold();
    Thread closer =
        Thread.ofVirtual()
            .start(() -> {
              try {
                m.program.awaitSteps(1);
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
              m.close();
            });
    assertEquals(Reason.MODEL_CLOSED, rejection(m, LetterTokenizer.ids(TEXT)));
    closer.join();
  }

  private static Reason rejection(RunningModel m, int[] ids) {
    return assertThrows(RequestRejectedException.class, () -> m.model.logits(ids, (i, row) -> {}))
        .reason();
  }

  private static List<Integer> expected() {
    List<Integer> best = new ArrayList<>();
    for (int i = 1; i <= TEXT.length(); i++) {
      best.add(
          RecallProgram.next(
              Arrays.stream(LetterTokenizer.ids(TEXT.substring(0, i))).boxed().toList()));
    }
    return best;
  }

  private static List<Integer> best(RunningModel m) throws InterruptedException {
    List<Integer> best = new ArrayList<>();
    m.model.logits(
        LetterTokenizer.ids(TEXT),
        (index, row) -> {
          assertEquals(best.size(), index);
          best.add(argMax(row));
        });
    return best;
  }

  private static int argMax(MemorySegment row) {
    int best = 0;
    for (int i = 1; i < LetterTokenizer.VOCAB; i++) {
      if (row.getAtIndex(ValueLayout.JAVA_FLOAT, i)
          > row.getAtIndex(ValueLayout.JAVA_FLOAT, best)) {
        best = i;
      }
    }
    return best;
  }
}
