package dev.serval.engine.memory;

/**
 * A lease that has not been closed, for reports of use and of leaks.
 *
 * @param account whose account it is on, such as a backend and the model it computes
 * @param holder who holds it
 * @param requestedBytes bytes asked for
 * @param leasedBytes bytes it takes, tier rounding included
 * @param origin where it was opened, a line for each caller; empty if it is not tracked
 */
public record OpenLease(
    String account, String holder, long requestedBytes, long leasedBytes, String origin) {}
