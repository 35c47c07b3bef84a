package dev.serval.backend.cpu.instruction;

import dev.serval.api.backend.Output;
import dev.serval.api.backend.Step;
import dev.serval.api.graph.Elementwise.BinaryKind;
import dev.serval.api.graph.Elementwise.UnaryKind;
import dev.serval.api.graph.Reduction.ReduceKind;
import dev.serval.backend.cpu.kernel.RowKernel;
import dev.serval.backend.cpu.layout.ProgramLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Turns rows of logits into what was asked of them: {@link Output.Full} rows stay, of {@link
 * Output.Candidates} the row is replaced by the best, the asked ones and the log-sum-exp. A unit is
 * one wanted row.
 *
 * <p>Scratch memory: the new row, [outputWidth] at most, then [SUM_CHUNK] floats.
 */
public final class OutputInstruction extends SplitInstruction {

  private static final ValueLayout.OfFloat F32 = ValueLayout.JAVA_FLOAT;

  private final Operand logits;

  /** Works on [wanted, vocabSize] logits where the step expects them. */
  public OutputInstruction(Operand logits) {
    this.logits = logits;
  }

  @Override
  int units(StepRun run) {
    return logits.rows(run);
  }

  @Override
  long workPerUnit(StepRun run) {
    return 4L * logits.type().last();
  }

  @Override
  void compute(StepRun run, int member, int from, int until) {
    Step step = run.step();
    for (int i = from; i < until; i++) {
      switch (step.output(i)) {
        case Output.Full _ -> {}
        case Output.Candidates c -> candidates(run, run.scratch(member), i, c);
      }
    }
  }

  private void candidates(StepRun run, MemorySegment scratch, int i, Output.Candidates asked) {
    MemorySegment memory = logits.memory(run);
    int n = logits.type().last();
    long row = logits.offset() + (long) i * n;
    int k = asked.k();
    BestSelection.select(run.kernels().rows(), memory, 4 * row, n, k, scratch, 0, 4L * k);
    int filled = 2 * k;
    for (int j = 0; j < asked.ids().size(); j++) {
      int id = asked.ids().get(j);
      if (id < 0 || id >= n) {
        throw new IndexOutOfBoundsException("asked for the logit of id " + id + " of " + n);
      }
      scratch.set(F32, 4L * filled++, memory.get(F32, 4 * (row + id)));
    }
    float sum = logSumExp(run.kernels().rows(), memory, row, n, scratch);
    scratch.set(F32, 4L * filled++, sum);
    MemorySegment.copy(scratch, 0, memory, 4 * row, 4L * filled);
  }

  /** log Σ exp(x), relative to the largest element, chunk by chunk in double precision. */
  private static float logSumExp(
      RowKernel kernel, MemorySegment x, long row, int n, MemorySegment scratch) {
    float max = kernel.reduce(ReduceKind.MAX, x, row, n);
    if (Float.isInfinite(max)) {
      return max;
    }
    double sum = 0;
    for (int at = 0; at < n; at += ProgramLayout.SUM_CHUNK) {
      int size = Math.min(ProgramLayout.SUM_CHUNK, n - at);
      kernel.binaryScalar(BinaryKind.SUB, x, row + at, max, false, scratch, n, size);
      kernel.unary(UnaryKind.EXP, scratch, n, scratch, n, size);
      sum += kernel.reduce(ReduceKind.SUM, scratch, n, size);
    }
    return (float) (max + Math.log(sum));
  }
}
