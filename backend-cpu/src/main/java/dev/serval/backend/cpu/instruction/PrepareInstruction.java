package dev.serval.backend.cpu.instruction;

import dev.serval.backend.cpu.kernel.MatmulKernel;
import java.lang.foreign.MemorySegment;

/** Sums or rounds rows of activations for the products that follow. */
public final class PrepareInstruction extends SplitInstruction {

  /** Rough work per element, in multiply-adds. */
  private static final int WORK = 2;

  private final Operand x;
  private final PreparedRows prepared;

  /** Prepares all rows of x. */
  public PrepareInstruction(Operand x, PreparedRows prepared) {
    this.x = x;
    this.prepared = prepared;
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
    MatmulKernel kernel = run.kernels().matmul();
    MemorySegment rows = x.memory(run);
    long step = prepared.form().bytes(in, prepared.group());
    for (long row = from; row < until; row++) {
      long at = prepared.at() + row * step;
      long offset = x.offset() + row * in;
      if (prepared.form().hasSums()) {
        float factor = prepared.form().factor();
        kernel.sum(rows, offset, in, prepared.group(), factor, prepared.memory(), at / 4);
      } else {
        kernel.round(rows, offset, in, prepared.memory(), at, run.scratch(member));
      }
    }
  }
}
