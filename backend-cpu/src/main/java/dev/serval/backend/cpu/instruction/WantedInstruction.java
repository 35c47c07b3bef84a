package dev.serval.backend.cpu.instruction;

import dev.serval.api.backend.Step;
import java.lang.foreign.MemorySegment;

/** Picks the rows of the tokens whose output is wanted. */
public final class WantedInstruction implements Instruction {

  private final Operand x;
  private final Operand y;

  /** x [tokens, ..] → y [wanted, ..]. */
  public WantedInstruction(Operand x, Operand y) {
    this.x = x;
    this.y = y;
  }

  @Override
  public void run(StepRun run) {
    Step step = run.step();
    long width = x.type().width();
    for (int i = 0; i < step.wanted(); i++) {
      long at = x.offset() + step.wantedRow(i) * width;
      long to = y.offset() + i * width;
      MemorySegment.copy(x.memory(run), 4 * at, y.memory(run), 4 * to, 4 * width);
    }
  }
}
