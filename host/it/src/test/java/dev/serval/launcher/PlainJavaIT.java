package dev.serval.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.runtime.GenerateRequest;
import dev.serval.api.runtime.LoadRequest;
import dev.serval.api.runtime.Model;
import dev.serval.api.runtime.Prompt;
import dev.serval.api.runtime.SamplingOptions;
import dev.serval.api.runtime.TokenSink;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * README's example of plain Java, taken from there word for word and started by the commands that
 * stand below it, tells the story that the same bundles tell inside Felix.
 */
class PlainJavaIT {

  private static final long LIMIT_SECONDS = 120;
  private static final Path PROJECT = Path.of("..", "..").toAbsolutePath().normalize();
  private static final Path DEMO = PROJECT.resolve("host/launcher/demo/demo.gguf");
  private static final Pattern PROGRAM = Pattern.compile("(?ms)^```java\\R(.*?)^```$");
  private static final Pattern COMMAND = Pattern.compile("(?m)^java .*Story\\.java$");

  /** Stands for the checkout: the commands name files below {@code host}. */
  @TempDir private static Path workplace;

  private static List<String> commands = List.of();
  private static String inFelix = "";

  @BeforeAll
  static void readReadmeAndAskFelix() throws IOException, InterruptedException {
    String readme = Files.readString(PROJECT.resolve("README.md"));
    List<String> programs = PROGRAM.matcher(readme).results().map(r -> r.group(1)).toList();
    assertEquals(1, programs.size(), "README has one program");
    Files.writeString(workplace.resolve("Story.java"), programs.getFirst());
    Files.createSymbolicLink(workplace.resolve("host"), PROJECT.resolve("host"));
    commands = COMMAND.matcher(readme).results().map(MatchResult::group).toList();
    inFelix = storyInFelix();
    assertTrue(inFelix.contains("fox") && inFelix.contains("lighthouse"), inFelix);
  }

  @AfterAll
  static void removeTheLink() throws IOException {
    Files.deleteIfExists(workplace.resolve("host"));
  }

  private static String storyInFelix() throws InterruptedException {
    Path home = Path.of(System.getProperty("serval.distribution"));
    Folders folders = new Folders(home, workplace.resolve("plugins"), workplace.resolve("cache"));
    Prompt prompt = Prompt.chat("Tell me a story about a fox and a lighthouse.");
    try (Container container = Container.start(folders, Map.of());
        Model model = container.serval().load(LoadRequest.of(DEMO))) {
      return model
          .generate(GenerateRequest.of(prompt).withSampling(SamplingOptions.GREEDY), TokenSink.NONE)
          .await()
          .text();
    }
  }

  @Test
  void tellsTheSameStoryOnTheClassPath() throws IOException, InterruptedException {
    assertEquals(inFelix, run(only(" -cp ")));
  }

  @Test
  void tellsTheSameStoryOnTheModulePath() throws IOException, InterruptedException {
    assertEquals(inFelix, run(only(" -p ")));
  }

  private static String only(String option) {
    List<String> found = commands.stream().filter(c -> c.contains(option)).toList();
    assertEquals(1, found.size(), () -> "commands with" + option + "in README: " + commands);
    return found.getFirst();
  }

  /** Runs a line of README as a shell would, and returns what it prints. */
  private static String run(String command) throws IOException, InterruptedException {
    String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    ProcessBuilder builder =
        new ProcessBuilder("sh", "-c", command.replaceFirst("java", "exec \"\\$JAVA\""));
    builder.directory(workplace.toFile());
    builder.environment().put("JAVA", java);
    builder.environment().remove("JDK_JAVA_OPTIONS");
    File out = workplace.resolve("out").toFile();
    File err = workplace.resolve("err").toFile();
    Process process = builder.redirectOutput(out).redirectError(err).start();
    process.getOutputStream().close();
    if (!process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new AssertionError("still running: " + command + "\n" + Files.readString(err.toPath()));
    }
    String errors = Files.readString(err.toPath());
    assertEquals(0, process.exitValue(), errors);
    assertTrue(!errors.contains("restricted method"), errors);
    return Files.readString(out.toPath());
  }
}
