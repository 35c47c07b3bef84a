package dev.serval.backend.cpu.instruction;

import dev.serval.api.attention.RopeSpec;
import java.lang.foreign.MemorySegment;

/** Rotates heads by position. A unit is one row with all its heads. */
public final class RopeInstruction extends SplitInstruction {

  private final RopeSpec spec;
  private final MemorySegment table;
  private final long tableOffset;
  private final Operand x;
  private final Operand y;

  /**
   * y = x rotated.
   *
   * @param table filled by a {@link RopeTableInstruction} before
   * @param tableOffset floats before row 0
   */
  public RopeInstruction(
      RopeSpec spec, MemorySegment table, long tableOffset, Operand x, Operand y) {
    this.spec = spec;
    this.table = table;
    this.tableOffset = tableOffset;
    this.x = x;
    this.y = y;
  }

  @Override
  int units(StepRun run) {
    return x.rows(run);
  }

  @Override
  long workPerUnit(StepRun run) {
    return 4L * x.type().width();
  }

  @Override
  void compute(StepRun run, int member, int from, int until) {
    int heads = x.type().dims().get(1).size();
    int dim = x.type().last();
    int nRot = spec.nRot();
    boolean neox = spec.style() == RopeSpec.Style.NEOX;
    for (long row = from; row < until; row++) {
      long at = row * x.type().width();
      run.kernels()
          .rows()
          .rope(
              x.memory(run),
              x.offset() + at,
              y.memory(run),
              y.offset() + at,
              heads,
              dim,
              nRot,
              neox,
              table,
              tableOffset + row * nRot);
    }
  }
}
