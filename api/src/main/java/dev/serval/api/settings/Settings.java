package dev.serval.api.settings;

import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.error.RequestRejectedException.Reason;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What is set. Of several places that set the same, the command line (or a system property) comes
 * before the configuration, which comes before the environment; what no place sets has its default.
 * Immutable; all values are within their ranges.
 */
public final class Settings {

  private final Map<Setting, String> values;

  private Settings(Map<Setting, String> values) {
    this.values = values;
  }

  /** Takes a value from a place. */
  @FunctionalInterface
  public interface Place {
    /** The value under a name, or null. */
    @Nullable Object get(String name);
  }

  /** What system properties and environment of this process set, and a configuration between. */
  public static Settings ofProcess(Map<String, ?> configuration) {
    return of(System::getProperty, configuration::get, System::getenv);
  }

  /**
   * What three places set.
   *
   * @param properties by {@link Setting#key}: the command line
   * @param configuration by {@link Setting#key}: Config Admin
   * @param environment by {@link Setting#environment}
   * @throws RequestRejectedException ({@code OPTION_INVALID}) naming place, value and what was
   *     expected, if a value is none
   */
  public static Settings of(Place properties, Place configuration, Place environment) {
    Map<Setting, String> values = new EnumMap<>(Setting.class);
    for (Setting s : Setting.values()) {
      put(values, s, properties.get(s.key()), s.flag() + " or property " + s.key());
      put(values, s, configuration.get(s.key()), s.key() + " of configuration " + s.pid());
      put(values, s, environment.get(s.environment()), s.environment() + " of the environment");
    }
    return new Settings(values);
  }

  /** Takes a value unless there is one already; a value that does not count is checked too. */
  private static void put(
      Map<Setting, String> values, Setting setting, @Nullable Object value, String place) {
    String text = value == null ? "" : value.toString().strip();
    if (text.isEmpty()) {
      return;
    }
    String read =
        setting
            .kind()
            .read(text)
            .orElseThrow(() ->
                new RequestRejectedException(
                    Reason.OPTION_INVALID,
                    place + ": expected " + setting.kind() + ", got \"" + text + "\""));
    values.putIfAbsent(setting, read);
  }

  /** The value, or nothing where only the default speaks. */
  public Optional<String> given(Setting setting) {
    return Optional.ofNullable(values.get(setting));
  }

  /**
   * The value; sizes in bytes, words in lower case.
   *
   * @throws IllegalStateException if it is not given and has no default
   */
  public String text(Setting setting) {
    return given(setting)
        .or(() -> setting.kind().read(setting.fallback()))
        .orElseThrow(() -> new IllegalStateException(setting.key() + " has no default"));
  }

  /** The value of a whole number or a size. */
  public long number(Setting setting) {
    return Long.parseLong(text(setting));
  }
}
