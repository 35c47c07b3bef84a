package dev.serval.api.settings;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.error.RequestRejectedException;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class SettingsTest {

  private static final String KEY = Setting.QUEUE_BOUND.key();
  private static final String VARIABLE = "SERVAL_QUEUE_BOUND";

  private static Settings of(
      Map<String, String> properties, Map<String, ?> configuration, Map<String, String> variables) {
    return Settings.of(properties::get, configuration::get, variables::get);
  }

  @Test
  void commandLineComesBeforeConfigurationBeforeEnvironmentBeforeDefault() {
    Map<String, Integer> configuration = Map.of(KEY, 2);
    Map<String, String> variables = Map.of(VARIABLE, "3");
    Setting s = Setting.QUEUE_BOUND;
    assertEquals(1, of(Map.of(KEY, "1"), configuration, variables).number(s));
    assertEquals(2, of(Map.of(), configuration, variables).number(s));
    assertEquals(3, of(Map.of(), Map.of(), variables).number(s));
    assertEquals(256, of(Map.of(), Map.of(), Map.of()).number(s));
    assertEquals(Optional.empty(), of(Map.of(), Map.of(), Map.of()).given(s));
  }

  @Test
  void badValueNamesWhatWasExpectedWhatWasGivenAndWhere() {
    RequestRejectedException e =
        assertThrows(
            RequestRejectedException.class, () -> of(Map.of(), Map.of(), Map.of(VARIABLE, "many")));
    assertEquals("request.option-invalid", e.code());
    assertEquals(
        "SERVAL_QUEUE_BOUND of the environment: expected a whole number from 1 to 1000000, got"
            + " \"many\"",
        e.getMessage());
    String range =
        String.valueOf(
            assertThrows(
                    RequestRejectedException.class,
                    () -> of(Map.of(), Map.of("serval.parallel", 65), Map.of()))
                .getMessage());
    assertEquals(
        "serval.parallel of configuration dev.serval.engine: expected a whole number from 1 to 64,"
            + " got \"65\"",
        range);
    assertThrows(
        RequestRejectedException.class,
        () -> of(Map.of("serval.validation", "maybe"), Map.of(), Map.of()));
  }

  @Test
  void readsSizesAndWords() {
    Settings s =
        of(
            Map.of("serval.consumer.ring.bytes", "1M"),
            Map.of("serval.validation", "OFF"),
            Map.of());
    assertEquals(1 << 20, s.number(Setting.CONSUMER_RING));
    assertEquals("off", s.text(Setting.VALIDATION));
    assertEquals(256 << 10, of(Map.of(), Map.of(), Map.of()).number(Setting.CONSUMER_RING));
  }

  @ParameterizedTest
  @EnumSource
  void defaultIsAValue(Setting setting) {
    assertTrue(
        setting.fallback().isEmpty() || setting.kind().read(setting.fallback()).isPresent(),
        setting.fallback());
  }

  @Test
  void namesAreUsedOnce() {
    Set<String> names = new HashSet<>();
    for (Setting s : Setting.values()) {
      assertTrue(names.add(s.key()) && names.add(s.flag()) && names.add(s.environment()), s.key());
    }
  }
}
