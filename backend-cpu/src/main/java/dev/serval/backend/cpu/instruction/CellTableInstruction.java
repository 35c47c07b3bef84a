package dev.serval.backend.cpu.instruction;

import dev.serval.api.backend.Step;
import dev.serval.backend.cpu.layout.KvLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Enters the step's moves, then its tokens, in the cell tables of one group. Runs first. */
public final class CellTableInstruction implements Instruction {

  private final KvLayout.Tables tables;
  private final MemorySegment memory;

  /** Updates {@code tables}, which lie in {@code memory}. */
  public CellTableInstruction(KvLayout.Tables tables, MemorySegment memory) {
    this.tables = tables;
    this.memory = memory;
  }

  @Override
  public void run(StepRun run) {
    Step step = run.step();
    int group = tables.group();
    for (int i = 0; i < step.moves(); i++) {
      if (step.move(i, 0) == group) {
        enter(step.move(i, 1), step.move(i, 2), step.move(i, 3));
      }
    }
    for (int row = 0; row < step.tokens(); row++) {
      enter(step.sequence(row), step.position(row), step.cell(group, row));
    }
  }

  private void enter(int sequence, int position, int cell) {
    long index = (long) sequence * tables.size() + (position & (tables.size() - 1));
    memory.set(ValueLayout.JAVA_INT, tables.offset() + 4 * index, cell);
  }
}
