package dev.serval.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Runs the tests of jcstress, the classes {@code …Stress}: threads meet at an object millions of
 * times, and every outcome must be one that was expected.
 */
@Tag("nightly")
class InterleavingStressTest {

  /** How long each test takes: one of the modes of jcstress. */
  private static final String MODE = System.getProperty("serval.jcstress.mode", "quick");

  @TempDir private Path results;

  @Test
  @Timeout(value = 1, unit = TimeUnit.HOURS)
  void onlyExpectedOutcomesAreSeen() throws Exception {
    Path log = results.resolve("log");
    Process stress =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                "org.openjdk.jcstress.Main",
                "-t",
                "dev[.]serval[.]",
                "-m",
                MODE,
                "-r",
                results.toString())
            .directory(results.toFile())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    try {
      assertEquals(0, stress.waitFor(), () -> text(log));
    } finally {
      stress.destroy();
    }
  }

  private static String text(Path log) {
    try {
      return Files.readString(log);
    } catch (IOException e) {
      return e.toString();
    }
  }
}
