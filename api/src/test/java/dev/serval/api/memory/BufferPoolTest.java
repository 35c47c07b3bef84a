package dev.serval.api.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BufferPoolTest {

  @ParameterizedTest
  @CsvSource({
    "1, 131072",
    "131072, 131072",
    "131073, 524288",
    "524289, 1048576",
    "1048577, 4194304",
    "4194304, 4194304",
    "4194305, 4194368",
    "10000000, 10000000",
    "10000001, 10000064"
  })
  void leasesTakeTheirTierOrTheirAlignedSize(long bytes, long expected) {
    assertEquals(expected, BufferPool.leasedBytes(bytes));
  }

  @Test
  void emptyLeasesAreRefused() {
    assertThrows(IllegalArgumentException.class, () -> BufferPool.leasedBytes(0));
  }
}
