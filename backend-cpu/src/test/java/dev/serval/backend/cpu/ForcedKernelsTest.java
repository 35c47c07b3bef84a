package dev.serval.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.backend.cpu.kernel.KernelSets;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Runs beside the contracts in JVMs that were started for other kernels than this processor's best,
 * and shows that they do compute with those.
 */
class ForcedKernelsTest {

  private static final String WANTED = System.getProperty("serval.test.kernels", "none");

  @Test
  void computesWithTheKernelsThatThisJvmIsFor() {
    assertEquals(WANTED, KernelSets.best().set().name());
    try (CpuBackend backend = new CpuBackend()) {
      String description = backend.devices().devices().toString();
      assertTrue(description.contains(WANTED), description);
    }
  }

  @Test
  void reportsWhatIsLostWithoutVectors() {
    try (CpuBackend backend = new CpuBackend()) {
      List<String> notes =
          backend.devices().notes().stream()
              .filter(n -> n.contains("jdk.incubator.vector"))
              .toList();
      assertEquals(WANTED.equals("scalar") ? 1 : 0, notes.size(), notes.toString());
      for (String note : notes) {
        assertTrue(note.contains("--add-modules jdk.incubator.vector"), note);
        assertTrue(note.contains("slower"), note);
      }
    }
  }
}
