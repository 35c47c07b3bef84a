package dev.serval.backend.cpu.instruction;

import dev.serval.api.graph.Elementwise.BinaryKind;
import dev.serval.backend.cpu.kernel.RowKernel;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Products of two values, matrix by matrix: a [b, m, k], c [b, k, n] → y [b, m, n]. A unit is one
 * row of the result: the rows of c, weighted by a row of a, added up in ascending order.
 */
public final class BatchMatMulInstruction extends SplitInstruction {

  private final Operand a;
  private final Operand c;
  private final Operand y;

  /** y = a c. */
  public BatchMatMulInstruction(Operand a, Operand c, Operand y) {
    this.a = a;
    this.c = c;
    this.y = y;
  }

  private int m() {
    return a.type().dims().get(1).size();
  }

  @Override
  int units(StepRun run) {
    return Math.multiplyExact(y.rows(run), m());
  }

  @Override
  long workPerUnit(StepRun run) {
    return (long) a.type().last() * c.type().last();
  }

  @Override
  void compute(StepRun run, int member, int from, int until) {
    RowKernel kernel = run.kernels().rows();
    MemorySegment aMemory = a.memory(run);
    MemorySegment cMemory = c.memory(run);
    MemorySegment yMemory = y.memory(run);
    int k = a.type().last();
    int n = c.type().last();
    for (int row = from; row < until; row++) {
      long aAt = a.offset() + (long) row * k;
      long cAt = c.offset() + (long) (row / m()) * k * n;
      long yAt = y.offset() + (long) row * n;
      float first = aMemory.get(ValueLayout.JAVA_FLOAT, 4 * aAt);
      kernel.binaryScalar(BinaryKind.MUL, cMemory, cAt, first, false, yMemory, yAt, n);
      for (int i = 1; i < k; i++) {
        float factor = aMemory.get(ValueLayout.JAVA_FLOAT, 4 * (aAt + i));
        kernel.addScaled(factor, cMemory, cAt + (long) i * n, yMemory, yAt, n);
      }
    }
  }
}
