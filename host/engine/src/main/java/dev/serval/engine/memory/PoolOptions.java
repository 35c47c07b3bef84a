package dev.serval.engine.memory;

import dev.serval.api.settings.Setting;
import dev.serval.api.settings.Settings;
import java.lang.foreign.Arena;

/**
 * Bounds and checks of a {@link TieredBufferPool}.
 *
 * @param retainedBytesPerTier bytes that each tier keeps for later leases; 0 keeps nothing
 * @param trackEvery of so many leases one is tracked: it knows where it was opened, and if its
 *     holder forgets it, that is reported; 1 tracks every lease, and then the memory of none can be
 *     reached after its end; 0 tracks none
 * @param source where fresh memory comes from
 */
public record PoolOptions(long retainedBytesPerTier, int trackEvery, MemorySource source) {

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

  /** Memory of the process, with the bounds that are set. */
  public static PoolOptions of(Settings set) {
    return new PoolOptions(
        set.number(Setting.MEMORY_RETAINED),
        Math.toIntExact(set.number(Setting.MEMORY_TRACK)),
        Arena::allocate);
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
