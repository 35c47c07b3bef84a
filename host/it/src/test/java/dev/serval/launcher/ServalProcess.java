package dev.serval.launcher;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** The command line in a process of its own, on the assembled distribution. */
final class ServalProcess {

  private static final long LIMIT_SECONDS = 120;

  private final Path distribution = Path.of(System.getProperty("serval.distribution"));
  private final Path temporary;

  /** What a command left behind. */
  static final class Result {
    final int code;
    final String out;
    final String err;

    Result(int code, String out, String err) {
      this.code = code;
      this.out = out;
      this.err = err;
    }
  }

  /**
   * A command that was not started yet.
   *
   * @param temporary folder for the user's data, caches and what the command prints
   */
  ServalProcess(Path temporary) {
    this.temporary = temporary;
  }

  /**
   * Runs a command; a process that does not end by itself fails the test.
   *
   * @param options options of Java, as its environment variable takes them
   * @param input standard input
   */
  Result run(String options, String input, String... args)
      throws IOException, InterruptedException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules",
                "jdk.incubator.vector",
                "--sun-misc-unsafe-memory-access=deny",
                "-jar",
                distribution.resolve("lib/serval.jar").toString()));
    command.addAll(Arrays.asList(args));
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().put("SERVAL_DATA", temporary.resolve("data").toString());
    builder.environment().put("SERVAL_CACHE", temporary.resolve("cache").toString());
    builder.environment().remove("JDK_JAVA_OPTIONS");
    if (!options.isEmpty()) {
      builder.environment().put("JDK_JAVA_OPTIONS", options);
    }
    File out = temporary.resolve("out").toFile();
    File err = temporary.resolve("err").toFile();
    Process process = builder.redirectOutput(out).redirectError(err).start();
    try (var stdin = process.getOutputStream()) {
      stdin.write(input.getBytes(StandardCharsets.UTF_8));
    }
    if (!process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new AssertionError("still running: " + command + "\n" + Files.readString(err.toPath()));
    }
    return new Result(
        process.exitValue(), Files.readString(out.toPath()), Files.readString(err.toPath()));
  }
}
