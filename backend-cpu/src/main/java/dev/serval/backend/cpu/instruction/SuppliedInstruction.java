package dev.serval.backend.cpu.instruction;

import dev.serval.api.backend.Step;
import dev.serval.api.backend.StepLayout;
import java.lang.foreign.MemorySegment;

/** Puts the embeddings that the host supplies in place of those of token ids. */
public final class SuppliedInstruction implements Instruction {

  private final StepLayout layout;
  private final Operand embedding;

  /** Overwrites the rows of {@code embedding} whose token is {@link Step#SUPPLIED}. */
  public SuppliedInstruction(StepLayout layout, Operand embedding) {
    this.layout = layout;
    this.embedding = embedding;
  }

  @Override
  public void run(StepRun run) {
    Step step = run.step();
    long rowBytes = 4L * layout.embeddingWidth();
    for (int row = 0; row < step.tokens(); row++) {
      if (step.tokenId(row) == Step.SUPPLIED) {
        long from = layout.suppliedOffset() + row * rowBytes;
        long to = 4 * embedding.offset() + row * rowBytes;
        MemorySegment.copy(run.stepMemory(), from, embedding.memory(run), to, rowBytes);
      }
    }
  }
}
