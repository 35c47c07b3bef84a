package dev.serval.api.backend;

/**
 * How many threads a piece of work is given, by its kind and the processors that are there. Pure;
 * ask {@link Runtime#availableProcessors} or better for the processors, so that limits of a
 * container count.
 */
public enum ThreadCount {
  /** Work that mostly waits for disks or networks: two threads for each processor. */
  IO,
  /** Work that keeps a processor busy: one thread for each. */
  COMPUTE,
  /** Work that does both: three threads for two processors. */
  MIXED,
  /** Work of which nothing is known: one thread for each processor. */
  UNKNOWN;

  /** The least that is returned. */
  public static final int MIN_THREADS = 2;

  /** The most that is returned. */
  public static final int MAX_THREADS = 32;

  /**
   * The threads for work of this kind, {@link #MIN_THREADS} to {@link #MAX_THREADS}.
   *
   * @param processors processors that may be used, at least 1
   */
  public int of(int processors) {
    if (processors < 1) {
      throw new IllegalArgumentException("processors must be positive: " + processors);
    }
    long threads =
        switch (this) {
          case IO -> 2L * processors;
          case MIXED -> processors + processors / 2L;
          case COMPUTE, UNKNOWN -> processors;
        };
    return Math.clamp(threads, MIN_THREADS, MAX_THREADS);
  }

  /**
   * The threads for work of this kind when somebody has a wish.
   *
   * @param processors processors that may be used, at least 1
   * @param hint threads wished for, kept within {@link #MIN_THREADS} and {@link #MAX_THREADS}; 0
   *     and less for none
   */
  public int of(int processors, int hint) {
    return hint > 0 ? Math.clamp(hint, MIN_THREADS, MAX_THREADS) : of(processors);
  }
}
