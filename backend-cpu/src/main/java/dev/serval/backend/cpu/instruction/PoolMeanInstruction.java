package dev.serval.backend.cpu.instruction;

import dev.serval.api.backend.Step;
import dev.serval.api.graph.Elementwise.BinaryKind;
import dev.serval.backend.cpu.kernel.RowKernel;
import java.lang.foreign.MemorySegment;

/** The mean of each sequence's rows, added up in ascending order. A unit is one sequence. */
public final class PoolMeanInstruction extends SplitInstruction {

  private final Operand x;
  private final Operand y;

  /** x [tokens, ..] → y [sequences, ..]. */
  public PoolMeanInstruction(Operand x, Operand y) {
    this.x = x;
    this.y = y;
  }

  @Override
  int units(StepRun run) {
    return y.rows(run);
  }

  @Override
  long workPerUnit(StepRun run) {
    return x.elements(run) / Math.max(1, y.rows(run));
  }

  @Override
  void compute(StepRun run, int member, int from, int until) {
    Step step = run.step();
    RowKernel kernel = run.kernels().rows();
    MemorySegment xMemory = x.memory(run);
    MemorySegment yMemory = y.memory(run);
    int width = x.type().width();
    for (int sequence = from; sequence < until; sequence++) {
      int first = step.runStart(sequence);
      int end = step.runStart(sequence + 1);
      long to = y.offset() + (long) sequence * width;
      MemorySegment.copy(
          xMemory, 4 * (x.offset() + (long) first * width), yMemory, 4 * to, 4L * width);
      for (int row = first + 1; row < end; row++) {
        long at = x.offset() + (long) row * width;
        kernel.binary(BinaryKind.ADD, yMemory, to, xMemory, at, yMemory, to, width);
      }
      float count = end - first;
      kernel.binaryScalar(BinaryKind.DIV, yMemory, to, count, false, yMemory, to, width);
    }
  }
}
