package dev.serval.engine.memory;

import dev.serval.api.backend.Device;
import java.util.Locale;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import org.jspecify.annotations.Nullable;

/**
 * The budgets of all physical devices: one per device id, whichever backends reach it.
 *
 * <p>The limit of a device is the system property {@code serval.memory.limit.<id>} in bytes, with
 * an optional suffix {@code K}, {@code M} or {@code G} for powers of 1024; without it the memory
 * that the device reports; without that there is none. Thread-safe.
 */
public final class DeviceBudgets {

  /** Prefix of the property that limits a device; the device id follows. */
  public static final String LIMIT_PROPERTY = "serval.memory.limit.";

  private final ConcurrentMap<String, DeviceBudget> budgets = new ConcurrentHashMap<>();

  /** Creates the set without any budget. */
  public DeviceBudgets() {}

  /**
   * The budget of a device, created at first use.
   *
   * @throws IllegalArgumentException if the property is not a size
   */
  public DeviceBudget of(Device device) {
    return budgets.computeIfAbsent(device.id(), id -> new DeviceBudget(limit(device)));
  }

  private static long limit(Device device) {
    String property = LIMIT_PROPERTY + device.id();
    @Nullable String value = System.getProperty(property);
    if (value != null) {
      return bytes(property, value);
    }
    long memory = device.profile().memoryBytes();
    return memory > 0 ? memory : Long.MAX_VALUE;
  }

  /** Reads a size such as {@code 1536M}. */
  private static long bytes(String property, String value) {
    String text = value.strip().toUpperCase(Locale.ROOT);
    int shift =
        switch (text.isEmpty() ? ' ' : text.charAt(text.length() - 1)) {
          case 'K' -> 10;
          case 'M' -> 20;
          case 'G' -> 30;
          default -> 0;
        };
    try {
      long n = Long.parseLong(shift == 0 ? text : text.substring(0, text.length() - 1));
      if (n < 0) {
        throw new NumberFormatException("negative");
      }
      return Math.multiplyExact(n, 1L << shift);
    } catch (NumberFormatException | ArithmeticException e) {
      throw new IllegalArgumentException(
          "property " + property + ": expected bytes such as 1536M, got \"" + value + "\"", e);
    }
  }
}
