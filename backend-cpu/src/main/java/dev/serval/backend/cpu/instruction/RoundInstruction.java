package dev.serval.backend.cpu.instruction;

import dev.serval.backend.cpu.kernel.RoundedRow;
import java.lang.foreign.MemorySegment;

/** Rounds rows of activations for the products that follow. */
public final class RoundInstruction extends SplitInstruction {

  /**
   * Memory of rounded rows, one after the other.
   *
   * @param memory the memory
   * @param at byte of row 0
   */
  public record Rows(MemorySegment memory, long at) {}

  /** Rough work per element, in multiply-adds. */
  private static final int WORK = 2;

  private final Operand x;
  private final Rows rounded;

  /** Rounds all rows of x. */
  public RoundInstruction(Operand x, Rows rounded) {
    this.x = x;
    this.rounded = rounded;
  }

  @Override
  int units(StepRun run) {
    return Math.toIntExact(x.elements(run) / x.type().last());
  }

  @Override
  long workPerUnit(StepRun run) {
    return (long) x.type().last() * WORK;
  }

  @Override
  void compute(StepRun run, int member, int from, int until) {
    int in = x.type().last();
    for (long row = from; row < until; row++) {
      long at = rounded.at + row * RoundedRow.bytes(in);
      run.kernels()
          .matmul()
          .round(x.memory(run), x.offset() + row * in, in, rounded.memory, at, run.scratch(member));
    }
  }
}
