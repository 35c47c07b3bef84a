package dev.serval.launcher;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jline.reader.Candidate;
import org.jline.reader.EndOfFileException;
import org.jline.reader.LineReader;
import org.jline.reader.LineReaderBuilder;
import org.jline.reader.ParsedLine;
import org.jline.reader.UserInterruptException;
import org.jline.reader.impl.DefaultParser;
import org.jline.terminal.Attributes;
import org.jline.terminal.Size;
import org.jline.terminal.Terminal;
import org.jline.terminal.Terminal.Signal;
import org.jline.terminal.TerminalBuilder;
import org.jline.utils.Signals;
import org.jspecify.annotations.Nullable;

/**
 * The terminal of this process: lines with editing, history and completion. While no line is read,
 * what is typed is not echoed, and Ctrl-C runs an action. Confined to one thread, but for that
 * action, which runs on a thread of its own.
 */
final class ChatConsole implements LineSource, AutoCloseable {

  private static final Size USUAL = Size.of(80, 24);
  private static final String OWNER_ONLY = "rw-------";

  private final Terminal terminal;
  private final LineReader reader;
  private @Nullable Object signalBefore;
  private volatile @Nullable String shownPrompt;

  private ChatConsole(Terminal terminal, LineReader reader) {
    this.terminal = terminal;
    this.reader = reader;
  }

  /**
   * Takes the terminal.
   *
   * @param history file of the lines entered so far; created for the user alone
   * @param parameters names that complete {@code /set}
   */
  static ChatConsole open(Path history, Set<String> parameters) throws IOException {
    // without asking the terminal what it can do: not every one answers, and each question costs
    // a wait
    Terminal terminal =
        TerminalBuilder.builder().system(true).dumb(true).graphemeCluster(false).build();
    if (terminal.getColumns() <= 0) {
      terminal.setSize(USUAL);
    }
    DefaultParser parser = new DefaultParser();
    parser.setEscapeChars(new char[0]);
    parser.setQuoteChars(new char[0]);
    LineReader reader =
        LineReaderBuilder.builder()
            .terminal(terminal)
            .appName("serval")
            .parser(parser)
            .completer((r, line, candidates) -> complete(line, candidates, parameters))
            .option(LineReader.Option.DISABLE_EVENT_EXPANSION, true)
            .build();
    try {
      createOwned(history);
      reader.setVariable(LineReader.HISTORY_FILE, history);
    } catch (IOException e) {
      terminal.writer().println("the history is not kept: " + e);
    }
    Attributes quiet = terminal.getAttributes();
    quiet.setLocalFlag(Attributes.LocalFlag.ECHO, isDumb(terminal));
    terminal.setAttributes(quiet); // closing the terminal puts the former ones back
    return new ChatConsole(terminal, reader);
  }

  private static boolean isDumb(Terminal terminal) {
    return terminal.getType().startsWith(Terminal.TYPE_DUMB);
  }

  private static void createOwned(Path file) throws IOException {
    Files.createDirectories(Objects.requireNonNull(file.getParent()));
    try {
      Files.createFile(
          file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(OWNER_ONLY)));
    } catch (FileAlreadyExistsException e) {
      return; // from an earlier session
    } catch (UnsupportedOperationException e) {
      Files.createFile(file); // the file system knows no such permissions
    }
  }

  private static void complete(
      ParsedLine line, List<Candidate> candidates, Set<String> parameters) {
    if (line.wordIndex() == 0 && line.word().startsWith("/")) {
      ChatCommands.NAMES.forEach(name -> candidates.add(new Candidate(name)));
    } else if (line.wordIndex() == 1 && line.words().getFirst().equals("/set")) {
      parameters.forEach(name -> candidates.add(new Candidate(name)));
    }
  }

  /** Where to write. */
  PrintWriter out() {
    return terminal.writer();
  }

  /** What Ctrl-C does while no line is read. */
  void onInterrupt(Runnable action) {
    terminal.handle(Signal.INT, _ -> action.run());
    if (isDumb(terminal)) {
      // such a terminal passes no signals on; the system cleared what was typed
      signalBefore = Signals.register(Signal.INT.name(), () -> interruptDumb(action));
    }
  }

  private void interruptDumb(Runnable action) {
    String prompt = shownPrompt;
    if (prompt == null) {
      action.run();
    } else {
      out().print("\n" + prompt);
      out().flush();
    }
  }

  @Override
  public Input read(String prompt) {
    shownPrompt = prompt;
    try {
      String text = reader.readLine(prompt);
      // Ctrl-C at the same moment as Enter
      return Thread.interrupted() ? new Input.Interrupt(false) : new Input.Line(text);
    } catch (UserInterruptException e) {
      return new Input.Interrupt(e.getPartialLine().isEmpty());
    } catch (EndOfFileException e) {
      return new Input.End();
    } finally {
      shownPrompt = null;
    }
  }

  @Override
  public void close() throws IOException {
    if (signalBefore != null) {
      Signals.unregister(Signal.INT.name(), signalBefore);
    }
    terminal.close();
  }
}
