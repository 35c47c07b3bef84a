package dev.serval.engine.memory;

/**
 * A lease that has not been closed, for reports of use and of leaks.
 *
 * @param holder who holds it
 * @param requestedBytes bytes asked for
 * @param leasedBytes bytes it takes, tier rounding included
 */
public record OpenLease(String holder, long requestedBytes, long leasedBytes) {}
