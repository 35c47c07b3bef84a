package dev.serval.backend.cpu.instruction;

import dev.serval.api.tensor.TensorView;
import java.lang.foreign.MemorySegment;

/** Looks rows of a weight up where they lie in the model file, and expands them to F32. */
public final class LookupInstruction extends SplitInstruction {

  private final TensorView table;
  private final MemorySegment data;
  private final Operand ids;
  private final Operand y;

  /**
   * y[i] = table[ids[i]]; an id of −1 reads row 0.
   *
   * @param table rows
   * @param data the table's source tensor in file layout
   */
  public LookupInstruction(TensorView table, MemorySegment data, Operand ids, Operand y) {
    this.table = table;
    this.data = data;
    this.ids = ids;
    this.y = y;
  }

  @Override
  int units(StepRun run) {
    return y.rows(run);
  }

  @Override
  long workPerUnit(StepRun run) {
    return y.type().width();
  }

  @Override
  void compute(StepRun run, int member, int from, int until) {
    int width = y.type().width();
    long rowBytes = table.rowBytes();
    for (int row = from; row < until; row++) {
      int id = Math.max(0, ids.intAt(run, row));
      if (id >= table.shape().rows()) {
        throw new IndexOutOfBoundsException("id " + id + " in table " + table);
      }
      long at = table.sourceRow(id) * rowBytes;
      long to = y.offset() + (long) row * width;
      run.kernels().rows().load(table.type(), data, at, y.memory(run), to, width);
    }
  }
}
