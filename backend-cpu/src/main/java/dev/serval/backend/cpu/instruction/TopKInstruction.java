package dev.serval.backend.cpu.instruction;

import java.lang.foreign.MemorySegment;

/** The k largest of each row. */
public final class TopKInstruction extends SplitInstruction {

  private final Operand x;
  private final Operand values;
  private final Operand ids;

  /** x [m, n] → values [m, k], ids [m, k]. */
  public TopKInstruction(Operand x, Operand values, Operand ids) {
    this.x = x;
    this.values = values;
    this.ids = ids;
  }

  @Override
  int units(StepRun run) {
    return x.rows(run);
  }

  @Override
  long workPerUnit(StepRun run) {
    return 4L * x.type().last();
  }

  @Override
  void compute(StepRun run, int member, int from, int until) {
    int n = x.type().last();
    int k = ids.type().last();
    MemorySegment scratch = run.scratch(member);
    for (long row = from; row < until; row++) {
      BestSelection.select(
          run.kernels().rows(),
          x.memory(run),
          4 * (x.offset() + row * n),
          n,
          k,
          scratch,
          0,
          4L * k);
      long to = row * k;
      MemorySegment.copy(scratch, 0, ids.memory(run), 4 * (ids.offset() + to), 4L * k);
      MemorySegment.copy(scratch, 4L * k, values.memory(run), 4 * (values.offset() + to), 4L * k);
    }
  }
}
