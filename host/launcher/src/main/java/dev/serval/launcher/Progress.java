package dev.serval.launcher;

import java.io.Console;
import java.io.PrintStream;

/**
 * A line on standard error that says what is under way, wiped when it is over. Silent unless both
 * input and output are a terminal.
 */
final class Progress implements AutoCloseable {

  private static final String WIPE = "\r\u001b[K";

  private final PrintStream out;
  private final boolean visible;

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

  @Override
  public void close() {
    if (visible) {
      out.print(WIPE);
      out.flush();
    }
  }
}
