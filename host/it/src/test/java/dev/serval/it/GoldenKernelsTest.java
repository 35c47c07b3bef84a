package dev.serval.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * From file to logits or embedding at every vector width and without vectors, each in a JVM of its
 * own: close to the golden results, and bit for bit the same.
 */
@Timeout(300)
class GoldenKernelsTest {

  /** Options of Java and the widest kernels that they leave; a narrow processor has less. */
  private static final Map<String, List<String>> JVMS =
      new TreeMap<>(
          Map.of(
              "scalar", List.of(),
              "vector-128", vectors(16),
              "vector-256", vectors(32),
              "vector-512", vectors(64)));

  private static List<String> vectors(int bytes) {
    return List.of("--add-modules", "jdk.incubator.vector", "-XX:MaxVectorSize=" + bytes);
  }

  @Test
  void allModelsHaveTheSameResultsOnAllKernels() throws Exception {
    compare(
        Stream.concat(GemmaGoldenTest.models(), EmbeddingGoldenTest.models())
            .toArray(String[]::new));
  }

  private static void compare(String... models) throws IOException, InterruptedException {
    Map<String, List<String>> results = new TreeMap<>();
    for (Map.Entry<String, List<String>> jvm : JVMS.entrySet()) {
      List<String> lines = digest(jvm.getValue(), models);
      results.put(lines.getFirst(), lines.subList(1, lines.size()));
    }
    assertTrue(results.containsKey("scalar"), results.toString());
    assertTrue(results.containsKey("vector-128"), results.toString());
    List<String> scalar = results.getOrDefault("scalar", List.of());
    assertEquals(models.length, scalar.size());
    for (String line : scalar) {
      double difference = Double.parseDouble(line.split(" ")[1]);
      assertTrue(difference <= GemmaGoldenTest.EXACT_BOUND, line);
    }
    results.forEach((kernels, lines) -> assertEquals(scalar, lines, kernels));
  }

  private static List<String> digest(List<String> options, String... models)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(options);
    command.add("--enable-native-access=ALL-UNNAMED");
    command.add("-Dorg.slf4j.simpleLogger.defaultLogLevel=off");
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.add(GoldenDigest.class.getName());
    command.addAll(List.of(models));
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertTrue(process.waitFor(1, TimeUnit.MINUTES), "still running");
    assertEquals(0, process.exitValue(), options + ": " + out);
    return out.lines().toList();
  }
}
