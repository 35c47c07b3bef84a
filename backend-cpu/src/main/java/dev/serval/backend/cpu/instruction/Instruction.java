package dev.serval.backend.cpu.instruction;

/** One compiled node of a graph. Belongs to one program; runs once per step; must not allocate. */
public interface Instruction {

  /**
   * Computes the node for all rows of the step. Called on the device queue's thread; an
   * implementation spreads larger work over the team.
   */
  void run(StepRun run);
}
