package dev.serval.engine.plan;

/**
 * What a placement strategy knows of a device.
 *
 * @param library what reaches the device; layers are not spread over two libraries
 * @param freeBytes memory that nobody uses
 * @param reserveBytes what of it stays untouched
 * @param integrated whether the device shares the memory of the host; such devices come last
 */
public record Capacity(String library, long freeBytes, long reserveBytes, boolean integrated) {

  /** Checks that no size is negative. */
  public Capacity {
    if (freeBytes < 0 || reserveBytes < 0) {
      throw new IllegalArgumentException(
          "sizes must not be negative: freeBytes=" + freeBytes + ", reserveBytes=" + reserveBytes);
    }
  }
}
