package dev.serval.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

class ProcessorTest {

  private static final List<String> TWO_CORES_FOUR_THREADS =
      List.of(
          "model name\t: Some CPU @ 3 GHz",
          "physical id\t: 0",
          "core id\t\t: 0",
          "model name\t: Some CPU @ 3 GHz",
          "physical id\t: 0",
          "core id\t\t: 1",
          "physical id\t: 0",
          "core id\t\t: 0",
          "physical id\t: 0",
          "core id\t\t: 1");

  @Test
  void countsPhysicalCores() {
    Processor p = Processor.of(TWO_CORES_FOUR_THREADS, List.of(), List.of(), 4, 1);
    assertEquals(2, p.cores());
    assertEquals("Some CPU @ 3 GHz", p.name());
  }

  @Test
  void usesNoMoreThanTheContainerAllows() {
    assertEquals(1, Processor.of(TWO_CORES_FOUR_THREADS, List.of(), List.of(), 1, 1).cores());
  }

  @Test
  void believesJavaWhereTheSystemSaysNothing() {
    Processor p = Processor.of(List.of(), List.of(), List.of(), 3, 1L << 30);
    assertEquals(3, p.cores());
    assertEquals(1L << 30, p.memoryBytes());
  }

  @Test
  void memoryIsTheLesserOfMachineAndContainer() {
    List<String> machine = List.of("MemTotal:       16 kB");
    assertEquals(16 << 10, Processor.of(List.of(), machine, List.of("max"), 1, 1).memoryBytes());
    assertEquals(4096, Processor.of(List.of(), machine, List.of("4096"), 1, 1).memoryBytes());
    assertEquals(16 << 10, Processor.of(List.of(), machine, List.of("99999"), 1, 1).memoryBytes());
  }
}
