package dev.serval.api.memory;

/**
 * Counters of a {@link BufferPool}.
 *
 * @param hits leases served with memory used before
 * @param misses leases in a tier that took fresh memory
 * @param oversize leases above the largest tier
 * @param leasedBytes bytes leased now, tier rounding included
 * @param peakLeasedBytes the most bytes that were leased at once
 * @param retainedBytes bytes kept for the next lease
 * @param leases leases open now
 */
public record PoolMetrics(
    long hits,
    long misses,
    long oversize,
    long leasedBytes,
    long peakLeasedBytes,
    long retainedBytes,
    long leases) {}
