package dev.serval.engine.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.error.BackendLostException;
import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.error.RequestRejectedException.Reason;
import dev.serval.api.runtime.ContextOptions;
import dev.serval.api.runtime.ContextOptions.Overflow;
import dev.serval.api.runtime.FinishReason;
import dev.serval.api.runtime.GenerateRequest;
import dev.serval.api.runtime.Generation;
import dev.serval.api.runtime.GenerationResult;
import dev.serval.api.runtime.TokenSink;
import dev.serval.engine.recall.LetterTokenizer;
import dev.serval.engine.recall.RecallProgram;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is dropped where a context has no room. */
@Timeout(30)
class ContextShiftTest {

  private static final int CONTEXT = 32;

  /** Ollama's runner tests, {@code TestShiftDiscard}. */
  @ParameterizedTest
  @CsvSource({
    "2048, 5, 2048, 1021",
    "2048, 2047, 2048, 1",
    "2048, 0, 2048, 1024",
    "2048, 5, 5000, 3973",
    "2048, 2047, 5000, 2953",
    "2048, 5, 512, 0"
  })
  void dropsSoThatHalfIsFree(int context, int keep, int length, int expected) {
    assertEquals(expected, ContextShift.discard(context, keep, length));
  }

  /** Greedy generation by definition: the text is cut wherever it fills the context. */
  private static List<Integer> expected(String prompt, int n, int keep) {
    List<Integer> text =
        new ArrayList<>(Arrays.stream(LetterTokenizer.ids(prompt)).boxed().toList());
    List<Integer> generated = new ArrayList<>();
    cut(text, keep);
    while (generated.size() < n) {
      int next = RecallProgram.next(text);
      text.add(next);
      generated.add(next);
      cut(text, keep);
    }
    return generated;
  }

  private static void cut(List<Integer> text, int keep) {
    if (text.size() >= CONTEXT) {
      text.subList(keep, keep + ContextShift.discard(CONTEXT, keep, text.size())).clear();
    }
  }

  private static GenerateRequest request(String prompt, int n, Overflow overflow, int keep) {
    return RunningModel.request(prompt, n)
        .withContext(ContextOptions.DEFAULT.withOverflow(overflow, keep));
  }

  @ParameterizedTest
  @CsvSource({"0, true", "5, true", "31, true", "0, false", "5, false", "31, false"})
  void shiftGoesOnBeyondTheContext(int keep, boolean moves) throws InterruptedException {
    int kept = Math.min(keep, CONTEXT - 2);
    try (RunningModel m = new RunningModel(CONTEXT, 1, 8)) {
      if (!moves) {
        m.program.kv().denyShifts("keys stay");
      }
      GenerationResult r =
          m.model
              .generate(request("thequickbrownfox", 70, Overflow.SHIFT, keep), TokenSink.NONE)
              .await();
      assertEquals(expected("thequickbrownfox", 70, kept), r.tokens());
      assertEquals(FinishReason.LENGTH, r.finish());
      // Of 16 + 70 tokens the last needed no room.
      int perShift = ContextShift.discard(CONTEXT, kept, CONTEXT);
      int shifts = (16 + 70 - 1 - CONTEXT) / perShift + 1;
      assertEquals(shifts * perShift, r.use().dropped());
      int behind = shifts * (CONTEXT - 1 - kept - perShift);
      assertEquals(moves ? behind : 0, r.use().moved());
      assertEquals(moves || behind == 0 ? "" : "keys stay", r.use().shift());
      assertEquals(16 + 70 - 1 + (moves ? 0 : behind), r.use().computed());
      // A key and a value per group; the causal one holds all rows, the other its window at least.
      assertEquals(moves && behind > 0, m.program.kv().shifted() > 0);
    }
  }

  /**
   * Keys that are half rotated are of no use: the text ends with an error, and so do all others.
   */
  @Test
  void rotationThatFailsLosesTheBackend() throws InterruptedException {
    try (RunningModel m = new RunningModel(CONTEXT, 2, 8)) {
      m.program.kv().failShifts();
      GenerateRequest request = request("thequickbrownfox", 70, Overflow.SHIFT, 5);
      Generation text = m.model.generate(request, TokenSink.NONE);
      BackendLostException e = assertThrows(BackendLostException.class, text::await);
      assertTrue(String.valueOf(e.getMessage()).contains("told to fail"), e.toString());
      assertThrows(BackendLostException.class, () -> m.generate("thequick", 3));
    }
  }

  /** A text shares what has to move with one that ended: it moves all the same. */
  @Test
  void whatIsSharedWithAKeptTextMoves() throws InterruptedException {
    try (RunningModel m = new RunningModel(CONTEXT, 1, 8)) {
      m.generate("thequickbrownfox", 12);
      GenerationResult r =
          m.model
              .generate(
                  request("thequickbrownfoxjumpsoverthe", 30, Overflow.SHIFT, 2), TokenSink.NONE)
              .await();
      assertEquals(16, r.use().reused());
      assertEquals("", r.use().shift());
      assertEquals(expected("thequickbrownfoxjumpsoverthe", 30, 2), r.tokens());
    }
  }

  /** The rows of a text that runs are copied, or it gives way: nothing else is computed again. */
  @ParameterizedTest
  @CsvSource({"true", "false"})
  void whatIsSharedWithARunningTextMoves(boolean shiftsFirst) throws InterruptedException {
    String prompt = "thequickbrownfox";
    try (RunningModel m = new RunningModel(CONTEXT, 2, 8)) {
      m.program.hold();
      GenerateRequest shifting = request(prompt + "ju", 70, Overflow.SHIFT, 2);
      GenerateRequest other = RunningModel.request(prompt + "ov", 12);
      Generation first = m.model.generate(shiftsFirst ? shifting : other, TokenSink.NONE);
      m.program.awaitSteps(1);
      Generation second = m.model.generate(shiftsFirst ? other : shifting, TokenSink.NONE);
      m.program.letGo();
      GenerationResult r = (shiftsFirst ? first : second).await();
      assertEquals(
          RunningModel.expected(prompt + "ov", 12),
          (shiftsFirst ? second : first).await().tokens());
      assertEquals(expected(prompt + "ju", 70, 2), r.tokens());
      assertEquals("", r.use().shift());
      int perShift = ContextShift.discard(CONTEXT, 2, CONTEXT);
      int shifts = (18 + 70 - 1 - CONTEXT) / perShift + 1;
      assertEquals(shifts * perShift, r.use().dropped());
      assertEquals(shifts * (CONTEXT - 1 - 2 - perShift), r.use().moved());
    }
  }

  @Test
  void tooLongPromptIsRefusedUnlessToldOtherwise() throws InterruptedException {
    String prompt = "abcdefghij".repeat(5);
    try (RunningModel m = new RunningModel(CONTEXT, 1, 8)) {
      RequestRejectedException e =
          assertThrows(RequestRejectedException.class, () -> m.generate(prompt, 3));
      assertEquals(Reason.PROMPT_TOO_LONG, e.reason());

      GenerationResult r =
          m.model
              .generate(request(prompt, -1, Overflow.TRUNCATE_OLDEST, 4), TokenSink.NONE)
              .await();
      int dropped = ContextShift.discard(CONTEXT, 4, 50);
      assertEquals(dropped, r.use().dropped());
      assertEquals(50, r.use().prompt());
      assertEquals(50 - dropped, r.use().prefilled());
      assertEquals(FinishReason.CONTEXT_FULL, r.finish());
      assertEquals(expected(prompt, CONTEXT - 50 + dropped, 4), r.tokens());
    }
  }
}
