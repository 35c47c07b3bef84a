package dev.serval.api.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AlignmentTest {

  @ParameterizedTest
  @CsvSource({
    // bytes, for a CPU, for a GPU
    "0, 0, 0",
    "1, 64, 256",
    "64, 64, 256",
    "65, 128, 256",
    "100, 128, 256",
    "256, 256, 256",
    "257, 320, 512"
  })
  void roundsUpToWhatTheProcessorLikes(long bytes, long cpu, long gpu) {
    assertEquals(cpu, Alignment.up(bytes, Alignment.CPU_BYTES));
    assertEquals(gpu, Alignment.up(bytes, Alignment.GPU_BYTES));
  }

  @Test
  void takesAnyAlignment() {
    assertEquals(102, Alignment.up(100, 17));
    assertEquals(100, Alignment.up(100, 1));
    assertEquals(100, Alignment.up(100, 0));
    assertEquals(100, Alignment.up(100, -64));
  }

  @Test
  void reachesTheLargestMultipleAndNoFurther() {
    long largest = Long.MAX_VALUE - 63;
    assertEquals(largest, Alignment.up(largest, 64));
    assertEquals(largest, Alignment.up(largest - 63, 64));
    assertThrows(ArithmeticException.class, () -> Alignment.up(largest + 1, 64));
    assertThrows(ArithmeticException.class, () -> Alignment.up(Long.MAX_VALUE, 256));
    assertThrows(ArithmeticException.class, () -> Alignment.up(Long.MAX_VALUE, 2));
    assertEquals(Long.MAX_VALUE, Alignment.up(Long.MAX_VALUE, Long.MAX_VALUE));
    assertEquals(Long.MAX_VALUE, Alignment.up(Long.MAX_VALUE, 0));
  }

  @Test
  void refusesNegativeSizes() {
    assertThrows(IllegalArgumentException.class, () -> Alignment.up(-1, 64));
  }
}
