package dev.serval.launcher;

import java.io.Console;
import java.io.PrintStream;
import java.util.concurrent.TimeUnit;

/**
 * A line on standard error that says what is under way, wiped when it is over. Silent unless both
 * input and output are a terminal.
 */
final class Progress implements AutoCloseable {

  private static final String WIPE = "\r\u001b[K";

  /** Characters of a bar. */
  private static final int BAR = 24;

  private static final long LEAST_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  private final PrintStream out;
  private final boolean visible;
  private long shownNanos = System.nanoTime() - LEAST_NANOS;

  private Progress(PrintStream out, boolean visible) {
    this.out = out;
    this.visible = visible;
  }

  /** Shows a message until closed. */
  static Progress show(String message) {
    Progress p = new Progress(System.err, isTerminal());
    p.update(message);
    return p;
  }

  /** Whether somebody is watching. */
  @SuppressWarnings("SystemConsoleNull") // it is null again on JDK 25 without a terminal
  static boolean isTerminal() {
    Console console = System.console();
    return console != null && console.isTerminal();
  }

  /** Replaces the message. */
  void update(String message) {
    if (visible) {
      out.print(WIPE + message + " …");
      out.flush();
    }
  }

  /** Shows how much of something is done, a few times a second. */
  void fraction(String message, long done, long total) {
    long now = System.nanoTime();
    if (!visible || (now - shownNanos < LEAST_NANOS && done < total)) {
      return;
    }
    shownNanos = now;
    int filled = total == 0 ? BAR : (int) (BAR * done / total);
    long percent = total == 0 ? 100 : 100 * done / total;
    out.print(
        WIPE + "█".repeat(filled) + "░".repeat(BAR - filled) + " " + percent + " % " + message);
    out.flush();
  }

  @Override
  public void close() {
    if (visible) {
      out.print(WIPE);
      out.flush();
    }
  }
}
