package dev.serval.backend.cpu.instruction;

import dev.serval.backend.cpu.kernel.RowKernel;
import java.lang.foreign.MemorySegment;

/** Computes each row of the last dimension by itself: norms, softmax, reductions. */
public final class RowInstruction extends SplitInstruction {

  /** What is computed of a row. */
  @FunctionalInterface
  public interface Kernel {

    /** Computes a row of y from {@code n} elements of x; offsets in elements. */
    void apply(RowKernel rows, MemorySegment x, long xOffset, MemorySegment y, long yOffset, int n);
  }

  private final Kernel kernel;
  private final Operand x;
  private final Operand y;
  private final int workPerElement;

  /**
   * y = kernel(x) row by row.
   *
   * @param workPerElement rough work per element, in multiply-adds
   */
  public RowInstruction(Kernel kernel, Operand x, Operand y, int workPerElement) {
    this.kernel = kernel;
    this.x = x;
    this.y = y;
    this.workPerElement = workPerElement;
  }

  @Override
  int units(StepRun run) {
    return Math.toIntExact(x.elements(run) / x.type().last());
  }

  @Override
  long workPerUnit(StepRun run) {
    return (long) x.type().last() * workPerElement;
  }

  @Override
  void compute(StepRun run, int member, int from, int until) {
    RowKernel rows = run.kernels().rows();
    int in = x.type().last();
    int out = y.type().last();
    for (long row = from; row < until; row++) {
      long xAt = x.offset() + row * in;
      kernel.apply(rows, x.memory(run), xAt, y.memory(run), y.offset() + row * out, in);
    }
  }
}
