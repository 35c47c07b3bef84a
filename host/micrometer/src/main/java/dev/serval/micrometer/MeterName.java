package dev.serval.micrometer;

import io.micrometer.core.instrument.Tags;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A counter's name as Micrometer has it: the unit apart, and the device in a tag.
 *
 * @param name name of the meter
 * @param tags tags that the counter's name holds
 * @param unit base unit; empty for plain counts
 * @param scale what a value is multiplied with to be in that unit
 */
record MeterName(String name, Tags tags, String unit, double scale) {

  private static final String PREFIX = "serval.";
  private static final String NANOS = ".nanos";
  private static final String BYTES = ".bytes";

  /** Budgets of devices; a device's id may have dots. */
  private static final Pattern OF_DEVICE = Pattern.compile("memory\\.(.+)\\.(\\w+\\.bytes)");

  /**
   * The name for a counter.
   *
   * @param of whose it is, with a dot at its end; empty for the runtime
   * @param counter name in a snapshot
   */
  static MeterName of(String of, String counter) {
    Matcher device = OF_DEVICE.matcher(counter);
    if (of.isEmpty() && device.matches()) {
      return new MeterName(
          PREFIX + "memory." + device.group(2), Tags.of("device", device.group(1)), "bytes", 1);
    }
    if (counter.endsWith(NANOS)) {
      String quantity = counter.substring(0, counter.length() - NANOS.length());
      return new MeterName(PREFIX + of + quantity + ".seconds", Tags.empty(), "seconds", 1e-9);
    }
    String unit = counter.endsWith(BYTES) ? "bytes" : "";
    return new MeterName(PREFIX + of + counter, Tags.empty(), unit, 1);
  }
}
