package dev.serval.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.serval.backend.cpu.kernel.KernelSets;
import org.junit.jupiter.api.Test;

class ColdStartTest {

  private static final int INSTRUCTIONS = 80;

  private final ColdStart start = new ColdStart(KernelSets.scalar());

  @Test
  void handsInstructionsOverStepByStep() {
    for (int step = 0; step < ColdStart.STEPS; step++) {
      assertEquals(5 * step, start.next(1 << 20, 11, INSTRUCTIONS));
    }
    assertEquals(INSTRUCTIONS, start.next(1 << 20, 11, INSTRUCTIONS));
  }

  @Test
  void endsWithAStepThatIsNotSmall() {
    assertEquals(0, start.next(1 << 20, 64, INSTRUCTIONS));
    assertEquals(INSTRUCTIONS, start.next(1 << 20, 65, INSTRUCTIONS));
    assertEquals(INSTRUCTIONS, start.next(1, 1, INSTRUCTIONS));
  }

  @Test
  void takesNoTimeWhereKernelsAreChosen() {
    ColdStart none = ColdStart.none(KernelSets.scalar());
    assertEquals(INSTRUCTIONS, none.next(1, 1, INSTRUCTIONS));
  }

  @Test
  void bearsAStepWithoutRows() {
    assertEquals(0, start.next(ColdStart.SMALL, 0, INSTRUCTIONS));
  }
}
