package dev.serval.api.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ByteSizeTest {

  @ParameterizedTest
  @CsvSource({
    "0, 0",
    "1000, 1000",
    "3M, 3145728",
    "3 m, 3145728",
    "1k, 1024",
    "2KiB, 2048",
    "11366MiB, 11918114816",
    "9223372036854775807, 9223372036854775807",
    "8388607T, 9223370937343148032"
  })
  void readsWhatPeopleWrite(String text, long bytes) {
    assertEquals(bytes, ByteSize.parse(text));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "M", "iB", "3iB", "-1", "+1", "1.5G", "3MB", "x", "8388608T", "1 2", "K3"})
  void refusesWhatIsNoSize(String text) {
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> ByteSize.parse(text));
    assertTrue(String.valueOf(e.getMessage()).contains("\"" + text + "\""), e.getMessage());
  }

  @Test
  void writesTheLargestUnit() {
    assertEquals("0 B", ByteSize.format(0));
    assertEquals("1023 B", ByteSize.format(1023));
    assertEquals("1.00 KiB", ByteSize.format(1024));
    assertEquals("457.00 MiB", ByteSize.format(457L << 20));
    assertEquals("9.85 GiB", ByteSize.format(10082L << 20));
    assertEquals("8388608.00 TiB", ByteSize.format(Long.MAX_VALUE));
  }
}
