package dev.serval.backend.cpu.layout;

/**
 * Where a value lies.
 *
 * @param home which memory
 * @param offset bytes before its first element, a multiple of 64
 */
public record Place(Home home, long offset) {

  /** The memories that hold values. */
  public enum Home {
    /** The program's buffer of activations. */
    ACTIVATIONS,
    /** The placed weights: constants. */
    WEIGHTS,
    /** The step: token ids, positions, values that cross a cut, results. */
    STEP
  }
}
