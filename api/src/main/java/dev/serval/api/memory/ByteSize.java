package dev.serval.api.memory;

import java.util.Locale;

/** Sizes in bytes as people write and read them. */
public final class ByteSize {

  private static final String UNITS = "KMGT";

  private ByteSize() {}

  /**
   * Reads a size: a whole number, perhaps with {@code K}, {@code M}, {@code G} or {@code T} for
   * powers of 1024, perhaps followed by {@code iB}.
   *
   * @param text such as {@code 1536M} or {@code 11366MiB}
   * @throws IllegalArgumentException if it is no such size, or exceeds a {@code long}
   */
  public static long parse(String text) {
    String number = text.strip().toUpperCase(Locale.ROOT);
    if (number.endsWith("IB")) {
      number = number.substring(0, number.length() - 2);
      if (number.isEmpty() || UNITS.indexOf(number.charAt(number.length() - 1)) < 0) {
        throw refusal(text);
      }
    }
    int unit = number.isEmpty() ? -1 : UNITS.indexOf(number.charAt(number.length() - 1));
    if (unit >= 0) {
      number = number.substring(0, number.length() - 1).stripTrailing();
    }
    if (number.isEmpty() || !number.chars().allMatch(c -> c >= '0' && c <= '9')) {
      throw refusal(text);
    }
    try {
      return Math.multiplyExact(Long.parseLong(number), 1L << (10 * (unit + 1)));
    } catch (NumberFormatException | ArithmeticException e) {
      throw refusal(text);
    }
  }

  private static IllegalArgumentException refusal(String text) {
    return new IllegalArgumentException(
        "expected a size in bytes such as 1536M or 2GiB, got \"" + text + "\"");
  }

  /** The size in the largest unit of which there is at least one, such as {@code 9.85 GiB}. */
  public static String format(long bytes) {
    int unit = -1;
    double value = bytes;
    while (Math.abs(value) >= 1024 && unit + 1 < UNITS.length()) {
      value /= 1024;
      unit++;
    }
    return unit < 0
        ? bytes + " B"
        : String.format(Locale.ROOT, "%.2f %ciB", value, UNITS.charAt(unit));
  }
}
