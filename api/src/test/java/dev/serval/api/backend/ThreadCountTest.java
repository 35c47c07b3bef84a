package dev.serval.api.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ThreadCountTest {

  @ParameterizedTest
  @CsvSource({
    // processors, IO, compute, mixed, unknown
    "1, 2, 2, 2, 2",
    "2, 4, 2, 3, 2",
    "4, 8, 4, 6, 4",
    "16, 32, 16, 24, 16",
    "40, 32, 32, 32, 32",
    "2147483647, 32, 32, 32, 32"
  })
  void followsKindOfWorkAndProcessors(int processors, int io, int compute, int mixed, int unknown) {
    assertEquals(io, ThreadCount.IO.of(processors));
    assertEquals(compute, ThreadCount.COMPUTE.of(processors));
    assertEquals(mixed, ThreadCount.MIXED.of(processors));
    assertEquals(unknown, ThreadCount.UNKNOWN.of(processors));
    assertEquals(io, ThreadCount.IO.of(processors, 0));
    assertEquals(compute, ThreadCount.COMPUTE.of(processors, -1));
  }

  @ParameterizedTest
  @CsvSource({"1, 2", "2, 2", "4, 4", "32, 32", "1000, 32"})
  void keepsAHintWithinBothBounds(int hint, int threads) {
    for (ThreadCount kind : ThreadCount.values()) {
      for (int processors : new int[] {1, 2, 4, 16, 40}) {
        assertEquals(threads, kind.of(processors, hint), kind + " on " + processors);
      }
    }
  }

  @Test
  void refusesAMachineWithoutProcessors() {
    assertThrows(IllegalArgumentException.class, () -> ThreadCount.IO.of(0));
  }
}
