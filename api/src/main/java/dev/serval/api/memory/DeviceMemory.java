package dev.serval.api.memory;

/**
 * Memory of one device, planned or in use: what plans, reports of running models and metrics state.
 *
 * @param device id of the device
 * @param use bytes that models take
 * @param reserveBytes bytes that stay untouched
 * @param freeBytes bytes that models could still take
 */
public record DeviceMemory(String device, MemoryUse use, long reserveBytes, long freeBytes) {

  /** Checks that no size is negative. */
  public DeviceMemory {
    if (reserveBytes < 0 || freeBytes < 0) {
      throw new IllegalArgumentException(
          "sizes must not be negative: reserveBytes=" + reserveBytes + ", freeBytes=" + freeBytes);
    }
  }
}
