package dev.serval.engine.memory;

import dev.serval.api.memory.ByteSize;
import java.lang.foreign.Arena;

/**
 * Bounds and checks of a {@link TieredBufferPool}.
 *
 * @param retainedBytesPerTier bytes that each tier keeps for later leases; 0 keeps nothing
 * @param trackEvery of so many leases one is tracked: it knows where it was opened, its memory
 *     cannot be reached after its end, and if its holder forgets it, that is reported; 1 tracks
 *     every lease, 0 none
 * @param source where fresh memory comes from
 */
public record PoolOptions(long retainedBytesPerTier, int trackEvery, MemorySource source) {

  /** Property for {@link #retainedBytesPerTier}, a size such as {@code 16M}. */
  public static final String RETAINED_PROPERTY = "serval.memory.retained";

  /** Property for {@link #trackEvery}. */
  public static final String TRACK_PROPERTY = "serval.memory.track";

  /** What a tier keeps unless told otherwise: 16 MiB, which is 128 or 32, 16 or 4 blocks. */
  public static final long RETAINED_BYTES_PER_TIER = 16L << 20;

  /** One lease of so many is tracked unless told otherwise; Netty samples as many. */
  public static final int TRACK_EVERY = 128;

  /** Checks ranges. */
  public PoolOptions {
    if (retainedBytesPerTier < 0 || trackEvery < 0) {
      throw new IllegalArgumentException(
          "expected 0 or more, got retainedBytesPerTier="
              + retainedBytesPerTier
              + ", trackEvery="
              + trackEvery);
    }
  }

  /**
   * Memory of the process, with bounds from the system properties where they are set.
   *
   * @throws IllegalArgumentException if one is not what it should be
   */
  public static PoolOptions fromProperties() {
    String retained = System.getProperty(RETAINED_PROPERTY);
    String track = System.getProperty(TRACK_PROPERTY);
    try {
      return new PoolOptions(
          retained == null ? RETAINED_BYTES_PER_TIER : ByteSize.parse(retained),
          track == null ? TRACK_EVERY : Integer.parseInt(track),
          Arena::allocate);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "properties " + RETAINED_PROPERTY + ", " + TRACK_PROPERTY + ": " + e.getMessage(), e);
    }
  }

  /** The same with another bound of what is kept. */
  public PoolOptions withRetainedBytesPerTier(long bytes) {
    return new PoolOptions(bytes, trackEvery, source);
  }

  /** The same, tracking another share of the leases. */
  public PoolOptions withTrackEvery(int leases) {
    return new PoolOptions(retainedBytesPerTier, leases, source);
  }

  /** The same with memory from elsewhere. */
  public PoolOptions withSource(MemorySource other) {
    return new PoolOptions(retainedBytesPerTier, trackEvery, other);
  }
}
