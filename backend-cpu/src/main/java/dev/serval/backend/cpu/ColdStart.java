package dev.serval.backend.cpu;

import dev.serval.backend.cpu.kernel.KernelSet;

/**
 * Which kernels compute the first small steps of a device in a new JVM. Until C2 has compiled them,
 * kernels on vectors run many times slower than compiled, as every vector operation allocates;
 * scalar kernels are compiled sooner. So small steps begin with scalar kernels, and in each further
 * one a larger part goes over to vectors, which get compiled on the way: the first token comes
 * sooner, and no later one waits for a compiler. A step that is not small uses vectors at once, as
 * scalar kernels would take longer than the compiler does, and ends the cold start.
 *
 * <p>All sets compute the same bits, so that nobody can tell but by the clock. Confined to the
 * thread of the device's queue.
 */
final class ColdStart {

  /** Small steps until all is computed by vectors. */
  static final int STEPS = 16;

  /**
   * Bytes of weights times rows of a small step: some 0.4 s by scalar kernels on two cores of an
   * AMD EPYC, as long as C2 takes for the kernels of one model.
   */
  static final long SMALL = 64L << 20;

  private final KernelSet scalar;
  private int step;

  /**
   * A cold start.
   *
   * @param scalar kernels to begin with
   */
  ColdStart(KernelSet scalar) {
    this.scalar = scalar;
  }

  /** A start that is none: all is computed by vectors. */
  static ColdStart none(KernelSet kernels) {
    ColdStart over = new ColdStart(kernels);
    over.step = STEPS;
    return over;
  }

  /** The kernels to begin with. */
  KernelSet scalar() {
    return scalar;
  }

  /**
   * Takes up a step.
   *
   * @param weightBytes bytes of the weights it multiplies with
   * @param rows its rows
   * @param instructions of the program
   * @return the first instruction that scalar kernels compute; {@code instructions} if none is
   */
  int next(long weightBytes, int rows, int instructions) {
    if (step == STEPS) {
      return instructions;
    }
    if (weightBytes > SMALL / Math.max(1, rows)) {
      step = STEPS;
      return instructions;
    }
    return (int) ((long) instructions * step++ / STEPS);
  }
}
