package dev.serval.engine.memory;

import dev.serval.api.backend.Device;
import dev.serval.api.memory.ByteSize;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import org.jspecify.annotations.Nullable;

/**
 * The budgets of all physical devices: one per device id, whichever backends reach it.
 *
 * <p>System properties set them, in bytes, with an optional suffix such as {@code M} or {@code
 * GiB}:
 *
 * <ul>
 *   <li>{@code serval.memory.limit.<id>} is what of the device may be used; without it that is the
 *       memory that the device reports; without that there is no limit;
 *   <li>{@code serval.memory.reserve} stays untouched on every device. Without it that is {@link
 *       #RESERVE_BYTES} on a device other than the host, unless its limit is set: its driver takes
 *       memory of its own, which no plan counts;
 *   <li>{@code serval.memory.overhead}, on top of that, is for what else runs there; 0 without it.
 * </ul>
 *
 * <p>Thread-safe.
 */
public final class DeviceBudgets {

  /** Prefix of the property that limits a device; the device id follows. */
  public static final String LIMIT_PROPERTY = "serval.memory.limit.";

  /** Property that says what stays untouched on every device. */
  public static final String RESERVE_PROPERTY = "serval.memory.reserve";

  /** Property that says what else is needed on every device. */
  public static final String OVERHEAD_PROPERTY = "serval.memory.overhead";

  /** What stays untouched on a device other than the host: 457 MiB, as in Ollama. */
  public static final long RESERVE_BYTES = 457L << 20;

  private final ConcurrentMap<String, DeviceBudget> budgets = new ConcurrentHashMap<>();

  /** Creates the set without any budget. */
  public DeviceBudgets() {}

  /**
   * The budget of a device, created at first use.
   *
   * @throws IllegalArgumentException if a property is not a size
   */
  public DeviceBudget of(Device device) {
    return budgets.computeIfAbsent(device.id(), id -> budget(device));
  }

  /** The budgets made so far, by device id. */
  public Map<String, DeviceBudget> all() {
    return Map.copyOf(budgets);
  }

  private static DeviceBudget budget(Device device) {
    long memory = device.profile().memoryBytes();
    long total = limit(device).orElse(memory > 0 ? memory : Long.MAX_VALUE);
    return new DeviceBudget(total, Math.addExact(reserveBytes(device), overheadBytes()));
  }

  private static OptionalLong limit(Device device) {
    return size(LIMIT_PROPERTY + device.id());
  }

  /** What stays untouched on a device, without {@link #overheadBytes}. */
  public static long reserveBytes(Device device) {
    boolean nothing = device.id().equals(Device.HOST_ID) || limit(device).isPresent();
    return size(RESERVE_PROPERTY).orElse(nothing ? 0 : RESERVE_BYTES);
  }

  /**
   * What stays untouched on a device of which nothing is known: the property, else {@link
   * #RESERVE_BYTES}.
   */
  public static long reserveBytes() {
    return size(RESERVE_PROPERTY).orElse(RESERVE_BYTES);
  }

  /** What else is needed on every device: the property, else 0. */
  public static long overheadBytes() {
    return size(OVERHEAD_PROPERTY).orElse(0);
  }

  private static OptionalLong size(String property) {
    @Nullable String value = System.getProperty(property);
    if (value == null) {
      return OptionalLong.empty();
    }
    try {
      return OptionalLong.of(ByteSize.parse(value));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("property " + property + ": " + e.getMessage(), e);
    }
  }
}
