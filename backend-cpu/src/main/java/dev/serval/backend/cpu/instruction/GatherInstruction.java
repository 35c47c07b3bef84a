package dev.serval.backend.cpu.instruction;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Picks elements of each row by index: x [m, n], ids [m, k] → y [m, k]. */
public final class GatherInstruction extends SplitInstruction {

  private final Operand x;
  private final Operand ids;
  private final Operand y;

  /** y[row, i] = x[row, ids[row, i]]. */
  public GatherInstruction(Operand x, Operand ids, Operand y) {
    this.x = x;
    this.ids = ids;
    this.y = y;
  }

  @Override
  int units(StepRun run) {
    return x.rows(run);
  }

  @Override
  long workPerUnit(StepRun run) {
    return 4L * ids.type().last();
  }

  @Override
  void compute(StepRun run, int member, int from, int until) {
    MemorySegment xMemory = x.memory(run);
    MemorySegment yMemory = y.memory(run);
    int n = x.type().last();
    int k = ids.type().last();
    for (long row = from; row < until; row++) {
      for (int i = 0; i < k; i++) {
        int id = ids.intAt(run, row * k + i);
        // undefined by contract, so any element of the row will do
        long at = x.offset() + row * n + Math.clamp(id, 0, n - 1);
        float v = xMemory.get(ValueLayout.JAVA_FLOAT, 4 * at);
        yMemory.set(ValueLayout.JAVA_FLOAT, 4 * (y.offset() + row * k + i), v);
      }
    }
  }
}
