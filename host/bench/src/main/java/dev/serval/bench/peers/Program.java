package dev.serval.bench.peers;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A program that runs to its end, and what it printed and used. */
final class Program {

  /**
   * How it ended.
   *
   * @param code exit code
   * @param out what it printed to both outputs
   * @param cpuSeconds processor time of the program and those it waited for, in hundredths
   */
  record Ended(int code, String out, double cpuSeconds) {

    /** The lines in which a text occurs. */
    List<String> lines(String text) {
      return out.lines().filter(line -> line.contains(text)).toList();
    }

    /** The last line that says something, for a message, as far as it is not too long. */
    String lastLine() {
      String last = out.lines().filter(line -> !line.isBlank()).reduce("", (a, b) -> b).strip();
      return last.length() <= LONGEST ? last : last.substring(0, LONGEST) + "…";
    }
  }

  /**
   * Runs a program and prints what it and its children used, as {@code times} does (POSIX): the
   * shell's own times, then those of its children.
   */
  private static final String TIMED = "\"$@\"; code=$?; echo; times; exit $code";

  private static final int LONGEST = 200;
  private static final Pattern TIME = Pattern.compile("(\\d+)m([0-9.]+)s");

  private Program() {}

  /** Runs a program; standard input is empty. */
  static Ended run(List<String> command) throws InterruptedException {
    List<String> all = new ArrayList<>(List.of("sh", "-c", TIMED, "sh"));
    all.addAll(command);
    try {
      Process process = new ProcessBuilder(all).redirectErrorStream(true).start();
      process.getOutputStream().close();
      String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      return ended(process.waitFor(), out);
    } catch (IOException e) {
      throw new UncheckedIOException(String.join(" ", command) + " does not start", e);
    }
  }

  static Ended ended(int code, String out) {
    int children = out.stripTrailing().lastIndexOf('\n');
    int shell = out.lastIndexOf('\n', children - 1);
    Matcher m = TIME.matcher(out.substring(children));
    double seconds = 0;
    while (m.find()) {
      seconds += Integer.parseInt(m.group(1)) * 60 + Double.parseDouble(m.group(2));
    }
    return new Ended(code, out.substring(0, shell + 1), seconds);
  }

  /** A process that keeps one core busy until it is closed. */
  static Busy busy() {
    try {
      return new Busy(
          new ProcessBuilder("sh", "-c", "while :; do :; done")
              .redirectErrorStream(true)
              .redirectOutput(Redirect.DISCARD)
              .start());
    } catch (IOException e) {
      throw new UncheckedIOException("no shell", e);
    }
  }

  /**
   * A process that keeps one core busy.
   *
   * @param process to be ended
   */
  record Busy(Process process) implements AutoCloseable {

    /** Processor time it has taken; 0 where that is not known. */
    double cpuSeconds() {
      return process.info().totalCpuDuration().map(d -> d.toNanos() / 1e9).orElse(0.0);
    }

    @Override
    public void close() {
      process.destroyForcibly();
    }
  }
}
