package dev.serval.backend.cpu.instruction;

import dev.serval.backend.cpu.kernel.RowKernel;
import java.lang.foreign.MemorySegment;

/** Computes each element from the elements at the same place, whatever the sizes. */
public final class FlatInstruction extends SplitInstruction {

  /** What is computed of a run of elements. */
  @FunctionalInterface
  public interface Kernel {

    /** Computes {@code n} elements of y from those of a and b; offsets in elements. */
    void apply(
        RowKernel rows,
        MemorySegment a,
        long aOffset,
        MemorySegment b,
        long bOffset,
        MemorySegment y,
        long yOffset,
        int n);
  }

  /** Elements per unit: whole vectors of any width. */
  private static final int UNIT = 256;

  private final Kernel kernel;
  private final Operand a;
  private final Operand b;
  private final Operand y;
  private final int workPerElement;

  /**
   * y = kernel(a, b); all of equal sizes.
   *
   * @param workPerElement rough work per element, in multiply-adds
   */
  public FlatInstruction(Kernel kernel, Operand a, Operand b, Operand y, int workPerElement) {
    this.kernel = kernel;
    this.a = a;
    this.b = b;
    this.y = y;
    this.workPerElement = workPerElement;
  }

  @Override
  int units(StepRun run) {
    return Math.toIntExact((y.elements(run) + UNIT - 1) / UNIT);
  }

  @Override
  long workPerUnit(StepRun run) {
    return (long) UNIT * workPerElement;
  }

  @Override
  void compute(StepRun run, int member, int from, int until) {
    long at = (long) from * UNIT;
    long end = Math.min((long) until * UNIT, y.elements(run));
    RowKernel rows = run.kernels().rows();
    MemorySegment aMemory = a.memory(run);
    MemorySegment bMemory = b.memory(run);
    MemorySegment yMemory = y.memory(run);
    while (at < end) {
      int n = (int) Math.min(end - at, 1 << 30);
      kernel.apply(
          rows, aMemory, a.offset() + at, bMemory, b.offset() + at, yMemory, y.offset() + at, n);
      at += n;
    }
  }
}
