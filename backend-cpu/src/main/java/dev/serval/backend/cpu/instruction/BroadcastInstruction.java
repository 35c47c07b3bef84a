package dev.serval.backend.cpu.instruction;

import dev.serval.api.graph.Dim;
import dev.serval.api.graph.Elementwise.BinaryKind;
import dev.serval.api.graph.ValueType;
import dev.serval.backend.cpu.kernel.RowKernel;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Combines two values of different sizes: sizes are aligned at the last dimension, and a size of 1
 * or a missing one is repeated. A unit is one run of the result's last dimension.
 */
public final class BroadcastInstruction extends SplitInstruction {

  private final BinaryKind kind;
  private final Operand a;
  private final Operand b;
  private final Operand y;

  /** y = a kind b. */
  public BroadcastInstruction(BinaryKind kind, Operand a, Operand b, Operand y) {
    this.kind = kind;
    this.a = a;
    this.b = b;
    this.y = y;
  }

  @Override
  int units(StepRun run) {
    return Math.toIntExact(y.elements(run) / Math.max(1, last(y.type(), run)));
  }

  @Override
  long workPerUnit(StepRun run) {
    return 8L + last(y.type(), run);
  }

  @Override
  void compute(StepRun run, int member, int from, int until) {
    RowKernel rows = run.kernels().rows();
    MemorySegment aMemory = a.memory(run);
    MemorySegment bMemory = b.memory(run);
    MemorySegment yMemory = y.memory(run);
    int n = last(y.type(), run);
    boolean aRepeats = last(a.type(), run) == 1 && n > 1;
    boolean bRepeats = last(b.type(), run) == 1 && n > 1;
    for (int unit = from; unit < until; unit++) {
      long aAt = a.offset() + runOffset(a.type(), unit, run);
      long bAt = b.offset() + runOffset(b.type(), unit, run);
      long yAt = y.offset() + (long) unit * n;
      if (bRepeats) {
        float x = bMemory.get(ValueLayout.JAVA_FLOAT, 4 * bAt);
        rows.binaryScalar(kind, aMemory, aAt, x, false, yMemory, yAt, n);
      } else if (aRepeats) {
        float x = aMemory.get(ValueLayout.JAVA_FLOAT, 4 * aAt);
        rows.binaryScalar(kind, bMemory, bAt, x, true, yMemory, yAt, n);
      } else {
        rows.binary(kind, aMemory, aAt, bMemory, bAt, yMemory, yAt, n);
      }
    }
  }

  /** Elements of an input before the run that belongs to a run of the result. */
  private long runOffset(ValueType t, int unit, StepRun run) {
    int rank = y.type().rank();
    int missing = rank - t.rank();
    long rest = unit;
    long stride = last(t, run);
    long offset = 0;
    for (int axis = rank - 2; axis >= missing; axis--) {
      int size = size(y.type(), axis, run);
      int own = size(t, axis - missing, run);
      if (own != 1) {
        offset += rest % size * stride;
      }
      rest /= size;
      stride *= own;
    }
    return offset;
  }

  private static int last(ValueType t, StepRun run) {
    return size(t, t.rank() - 1, run);
  }

  private static int size(ValueType t, int axis, StepRun run) {
    Dim d = t.dims().get(axis);
    return d.isFixed() ? d.size() : run.rows(d);
  }
}
