package dev.serval.api.memory;

/** Sizes rounded up so that what follows starts where a processor likes it. */
public final class Alignment {

  /** For memory that a CPU reads: a cache line, and the widest vector. */
  public static final long CPU_BYTES = 64;

  /** For memory that a GPU reads: what its allocator aligns to. */
  public static final long GPU_BYTES = 256;

  private Alignment() {}

  /**
   * The least multiple of {@code alignment} that is at least {@code bytes}.
   *
   * @param bytes size, not negative
   * @param alignment any number; the size is left as it is for 0 and less
   * @throws ArithmeticException if that exceeds a {@code long}
   */
  public static long up(long bytes, long alignment) {
    if (bytes < 0) {
      throw new IllegalArgumentException("bytes must not be negative: " + bytes);
    }
    long over = alignment <= 0 ? 0 : bytes % alignment;
    return over == 0 ? bytes : Math.addExact(bytes, alignment - over);
  }
}
