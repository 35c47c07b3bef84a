package dev.serval.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/**
 * A process on a pseudo terminal: that of {@code script}, which is part of every Debian and Ubuntu
 * (package bsdutils).
 */
final class PseudoTerminal implements AutoCloseable {

  private static final long DEADLINE_NANOS = TimeUnit.SECONDS.toNanos(60);

  private final Process process;
  private final OutputStream keyboard;
  private final StringBuilder screen = new StringBuilder();
  private int seen;

  /** Starts a command. */
  PseudoTerminal(List<String> command, Map<String, String> environment) throws IOException {
    // exec: a shell between us and the process would die of the interrupt meant for the process
    String line =
        "exec " + command.stream().map(s -> "'" + s + "'").collect(Collectors.joining(" "));
    ProcessBuilder builder = new ProcessBuilder("script", "-qec", line, "/dev/null");
    builder.environment().putAll(environment);
    builder.environment().put("SHELL", "/bin/sh");
    builder.environment().remove("JDK_JAVA_OPTIONS");
    process = builder.redirectErrorStream(true).start();
    keyboard = process.getOutputStream();
    InputStream output = process.getInputStream();
    Thread.ofVirtual().start(() -> copy(output));
  }

  private void copy(InputStream output) {
    byte[] buffer = new byte[4096];
    try (output) {
      for (int n = output.read(buffer); n >= 0; n = output.read(buffer)) {
        show(new String(buffer, 0, n, StandardCharsets.UTF_8));
      }
    } catch (IOException e) {
      show("[terminal closed: " + e.getMessage() + "]");
    }
  }

  private synchronized void show(String text) {
    screen.append(text);
    notifyAll();
  }

  /** Presses keys. */
  void type(String keys) throws IOException {
    keyboard.write(keys.getBytes(StandardCharsets.UTF_8));
    keyboard.flush();
  }

  /** Waits for a text after the one that was waited for before. */
  void await(String text) throws InterruptedException {
    await(text, 0);
  }

  /** The same, until so many characters follow it. */
  synchronized void await(String text, int more) throws InterruptedException {
    long deadline = System.nanoTime() + DEADLINE_NANOS;
    int at = screen.indexOf(text, seen);
    while (at < 0 || screen.length() < at + text.length() + more) {
      long left = deadline - System.nanoTime();
      assertTrue(left > 0, () -> "no \"" + text + "\" on\n" + screen);
      TimeUnit.NANOSECONDS.timedWait(this, left);
      at = screen.indexOf(text, seen);
    }
    seen = at + text.length();
  }

  /** Waits for the end of the process. */
  void assertEnds(int code) throws InterruptedException {
    assertTrue(process.waitFor(60, TimeUnit.SECONDS), () -> "still running\n" + text());
    assertEquals(code, process.exitValue(), this::text);
  }

  private synchronized String text() {
    return screen.toString();
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }
}
