package dev.serval.backend.cpu.instruction;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Computes the cosines and sines of a rotation for all rows of the step: per row nRot/2 cosines,
 * then nRot/2 sines, times the magnitude. In double precision, rounded once; {@link Math#cos}
 * reduces large angles exactly.
 */
public final class RopeTableInstruction extends SplitInstruction {

  private final Operand positions;
  private final double[] inverseFrequencies;
  private final double magnitude;
  private final MemorySegment table;
  private final long tableOffset;

  /**
   * Fills a table [maxTokens, nRot].
   *
   * @param positions I32 [tokens]
   * @param inverseFrequencies radians per position of each pair, [nRot / 2]
   * @param magnitude factor of all cosines and sines
   * @param tableOffset floats before row 0
   */
  public RopeTableInstruction(
      Operand positions,
      double[] inverseFrequencies,
      double magnitude,
      MemorySegment table,
      long tableOffset) {
    this.positions = positions;
    this.inverseFrequencies = inverseFrequencies.clone();
    this.magnitude = magnitude;
    this.table = table;
    this.tableOffset = tableOffset;
  }

  @Override
  int units(StepRun run) {
    return positions.rows(run);
  }

  @Override
  long workPerUnit(StepRun run) {
    return 128L * inverseFrequencies.length;
  }

  @Override
  void compute(StepRun run, int member, int from, int until) {
    int pairs = inverseFrequencies.length;
    for (int row = from; row < until; row++) {
      double position = positions.intAt(run, row);
      long at = 4 * (tableOffset + 2L * pairs * row);
      for (int p = 0; p < pairs; p++) {
        double angle = position * inverseFrequencies[p];
        float cos = (float) (Math.cos(angle) * magnitude);
        float sin = (float) (Math.sin(angle) * magnitude);
        table.set(ValueLayout.JAVA_FLOAT, at + 4L * p, cos);
        table.set(ValueLayout.JAVA_FLOAT, at + 4L * (pairs + p), sin);
      }
    }
  }
}
