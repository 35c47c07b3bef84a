package dev.serval.api.memory;

import org.osgi.annotation.versioning.ProviderType;

/**
 * Leases off-heap memory. Small requests are rounded up to a tier so that returned buffers can be
 * used again; larger ones get their exact size, rounded up to the alignment.
 *
 * <p>Thread-safe.
 */
@ProviderType
public interface BufferPool {

  /** Smallest tier: 128 KiB. */
  long TIER_1_BYTES = 128L << 10;

  /** Second tier: 512 KiB. */
  long TIER_2_BYTES = 512L << 10;

  /** Third tier: 1 MiB. */
  long TIER_3_BYTES = 1L << 20;

  /** Largest tier: 4 MiB. */
  long TIER_4_BYTES = 4L << 20;

  /** Alignment of every lease, in bytes. */
  long ALIGNMENT_BYTES = Alignment.CPU_BYTES;

  /**
   * Leases zeroed memory.
   *
   * @param bytes usable size, at least 1
   * @param holder who holds it, shown in reports and leak messages, such as {@code kv gemma3-1b}
   * @return a buffer that the caller closes exactly once
   * @throws IllegalArgumentException if {@code bytes} is not positive
   */
  PooledBuffer lease(long bytes, String holder);

  /** Counters of this pool, consistent enough for reports. */
  PoolMetrics metrics();

  /**
   * The bytes that a lease of {@code bytes} takes: its tier, or the size rounded up to {@link
   * #ALIGNMENT_BYTES} above the largest tier.
   *
   * @throws IllegalArgumentException if {@code bytes} is not positive
   */
  static long leasedBytes(long bytes) {
    if (bytes <= 0) {
      throw new IllegalArgumentException("bytes must be positive: " + bytes);
    }
    if (bytes <= TIER_1_BYTES) {
      return TIER_1_BYTES;
    }
    if (bytes <= TIER_2_BYTES) {
      return TIER_2_BYTES;
    }
    if (bytes <= TIER_3_BYTES) {
      return TIER_3_BYTES;
    }
    if (bytes <= TIER_4_BYTES) {
      return TIER_4_BYTES;
    }
    return Alignment.up(bytes, ALIGNMENT_BYTES);
  }
}
