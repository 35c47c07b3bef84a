package dev.serval.backend.cpu.instruction;

import dev.serval.api.graph.ValueType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;

/**
 * A value of the graph in memory, row-major.
 *
 * @param type element type and sizes
 * @param memory the memory, absent for the memory of the step under way
 * @param offset elements (of 4 bytes) before the first one
 */
public record Operand(ValueType type, Optional<MemorySegment> memory, long offset) {

  /** The memory that holds the value now. */
  MemorySegment memory(StepRun run) {
    return memory.isPresent() ? memory.get() : run.stepMemory();
  }

  /** Rows of the first dimension in this step. */
  int rows(StepRun run) {
    return run.rows(type.first());
  }

  /** Elements of all rows in this step. */
  long elements(StepRun run) {
    return (long) rows(run) * type.width();
  }

  /** Element {@code i} as an integer. */
  int intAt(StepRun run, long i) {
    return memory(run).get(ValueLayout.JAVA_INT, 4 * (offset + i));
  }
}
