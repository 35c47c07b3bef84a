package dev.serval.backend.cpu.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Runs all kernels in other JVMs, at other vector widths and without the vector module. */
class KernelSetsTest {

  private static String digest(String... options) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of(options));
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.add(KernelDigest.class.getName());
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertTrue(process.waitFor(1, TimeUnit.MINUTES), "still running");
    assertEquals(0, process.exitValue(), out);
    return out.strip();
  }

  @Test
  void narrowerVectorsComputeTheSameBits() throws Exception {
    String expected = KernelDigest.of(KernelSets.scalar());
    for (int bytes : new int[] {16, 32}) {
      String width = "-XX:MaxVectorSize=" + bytes;
      String actual = digest("--add-modules", "jdk.incubator.vector", width);
      assertTrue(actual.startsWith("vector-"), actual);
      assertEquals(expected, actual.split(" ")[1], actual);
    }
  }

  @Test
  void choosesScalarKernelsWithoutTheModuleAndSaysWhy() throws Exception {
    String[] out = digest().split(" ", 3);
    assertEquals("scalar", out[0]);
    assertEquals(KernelDigest.of(KernelSets.scalar()), out[1]);
    assertTrue(out[2].contains("--add-modules jdk.incubator.vector"), out[2]);
  }

  @Test
  void choosesVectorKernelsWithTheModule() {
    KernelSets.Choice choice = KernelSets.best();
    assertEquals("", choice.reason());
    assertEquals("vector-" + choice.set().vectorBits(), choice.set().name());
    assertTrue(choice.set().vectorBits() >= 128);
  }
}
