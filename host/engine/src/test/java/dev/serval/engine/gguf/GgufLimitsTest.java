package dev.serval.engine.gguf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GgufLimitsTest {

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3, 4, 5, 6, 7})
  void everyLimitIsPositive(int zero) {
    int[] n = {1, 1, 1, 1, 1, 1, 1, 1};
    n[zero] = 0;
    assertThrows(
        IllegalArgumentException.class,
        () -> new GgufLimits(n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7]));
  }

  @Test
  void aHeaderIsAddressedWithIntegers() {
    assertEquals(1 << 30, new GgufLimits(1, 1, 1, 1, 1, 1, 1, 1L << 30).maxHeaderBytes());
    assertThrows(
        IllegalArgumentException.class, () -> new GgufLimits(1, 1, 1, 1, 1, 1, 1, (1L << 30) + 1));
  }
}
