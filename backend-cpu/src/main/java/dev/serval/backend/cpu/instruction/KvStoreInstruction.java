package dev.serval.backend.cpu.instruction;

import dev.serval.api.tensor.DataType;
import dev.serval.backend.cpu.kernel.RowKernel;
import dev.serval.backend.cpu.layout.KvLayout;
import java.lang.foreign.MemorySegment;

/** Stores keys and values of the step's tokens in their cells. A unit is one token. */
public final class KvStoreInstruction extends SplitInstruction {

  private final KvLayout.SlotRows slot;
  private final DataType type;
  private final MemorySegment storage;
  private final Operand k;
  private final Operand v;

  /**
   * Stores k and v.
   *
   * @param slot where the rows lie in {@code storage}
   * @param type element type of the cache
   */
  public KvStoreInstruction(
      KvLayout.SlotRows slot, DataType type, MemorySegment storage, Operand k, Operand v) {
    this.slot = slot;
    this.type = type;
    this.storage = storage;
    this.k = k;
    this.v = v;
  }

  @Override
  int units(StepRun run) {
    return k.rows(run);
  }

  @Override
  long workPerUnit(StepRun run) {
    return (long) k.type().width() + v.type().width();
  }

  @Override
  void compute(StepRun run, int member, int from, int until) {
    RowKernel kernel = run.kernels().rows();
    int keyDim = slot.slot().keyDim();
    int valueDim = slot.slot().valueDim();
    for (int row = from; row < until; row++) {
      long cell = run.step().cell(slot.group(), row);
      long kAt = k.offset() + (long) row * k.type().width();
      long vAt = v.offset() + (long) row * v.type().width();
      for (int head = 0; head < slot.slot().nKvHeads(); head++) {
        long key = slot.key(head, cell);
        long value = slot.value(head, cell);
        kernel.store(k.memory(run), kAt + (long) head * keyDim, type, storage, key, keyDim);
        kernel.store(v.memory(run), vAt + (long) head * valueDim, type, storage, value, valueDim);
      }
    }
  }
}
