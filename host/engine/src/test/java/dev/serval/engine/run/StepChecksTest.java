package dev.serval.engine.run;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.backend.Output;
import dev.serval.api.backend.Step;
import dev.serval.api.backend.StepLayout;
import dev.serval.engine.recall.RecallProgram;
import java.lang.foreign.ValueLayout;
import java.util.function.ToLongFunction;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is wrong about a step is found, as often as the mode says. */
class StepChecksTest {

  private static final int TOKENS = 4;

  private final RecallProgram program = new RecallProgram(32, 2, 8, 0);
  private final Step step = program.newStep();
  private final StepChecks checks = StepChecks.of(program.layout());

  @AfterEach
  void close() {
    step.close();
    program.close();
  }

  private void fill(int tokens) {
    step.begin();
    for (int i = 0; i < tokens; i++) {
      int row = step.token(i, i, 1);
      for (int group = 0; group < program.layout().graph().groups().size(); group++) {
        step.visible(group, row, i, 0, i + 1);
      }
    }
    step.want(tokens - 1, Output.full());
  }

  private void write(ToLongFunction<StepLayout> where, int row, int number) {
    step.memory().set(ValueLayout.JAVA_INT, where.applyAsLong(program.layout()) + 4L * row, number);
  }

  private static long offset(StepLayout layout, String what) {
    return switch (what) {
      case "token id" -> layout.tokensOffset();
      case "position" -> layout.positionsOffset();
      case "sequence" -> layout.sequencesOffset();
      case "wanted row" -> layout.wantedOffset();
      case "begin of the visible interval" -> layout.fromOffset(0);
      case "end of the visible interval" -> layout.untilOffset(0);
      default -> layout.cellsOffset(0);
    };
  }

  @Test
  void passesWhatARunnerFills() {
    fill(TOKENS);
    assertDoesNotThrow(() -> checks.check(step, Validation.FULL));
    assertDoesNotThrow(() -> checks.check(step, Validation.FULL), "cells are forgotten again");
  }

  @ParameterizedTest
  @CsvSource({
    "token id, 0, -1",
    "token id, 2, 1000000",
    "position, 1, 0",
    "sequence, 0, 99",
    "sequence, 2, 0",
    "wanted row, 0, 4",
    "cell, 3, -1",
    "cell, 3, 1000000",
    "cell written twice, 3, 0",
    "begin of the visible interval, 1, 2",
    "begin of the visible interval, 1, -1",
    "end of the visible interval, 1, 1",
    "end of the visible interval, 3, 5"
  })
  void findsWhatIsWrong(String what, int row, int number) {
    fill(TOKENS);
    write(layout -> offset(layout, what), row, number);
    String message =
        String.valueOf(
            assertThrows(IllegalStateException.class, () -> checks.check(step, Validation.FULL))
                .getMessage());
    assertTrue(message.startsWith("step check: " + what + " " + number + " at "), message);
    assertDoesNotThrow(() -> checks.check(step, Validation.OFF));
  }

  @Test
  void onceLooksAtTheFirstStepOfEachShape() {
    fill(TOKENS);
    checks.check(step, Validation.ONCE);
    write(StepLayout::tokensOffset, 0, -1);
    assertDoesNotThrow(() -> checks.check(step, Validation.ONCE), "this shape was looked at");
    fill(TOKENS + 1);
    write(StepLayout::tokensOffset, 0, -1);
    assertThrows(IllegalStateException.class, () -> checks.check(step, Validation.ONCE));
    assertThrows(
        IllegalStateException.class,
        () -> checks.check(step, Validation.ONCE),
        "a step that failed was not looked at");
    assertEquals(TOKENS + 1, step.tokens());
  }
}
