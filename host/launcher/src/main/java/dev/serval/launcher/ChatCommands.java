package dev.serval.launcher;

import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.error.RequestRejectedException.Reason;
import dev.serval.api.runtime.ModelInfo;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** The commands of an interactive session: lines that begin with a slash. */
final class ChatCommands {

  /** Their names, for completion. */
  static final List<String> NAMES = List.of("/bye", "/clear", "/help", "/set", "/show");

  private static final String LINE = "  %-18s %s%n";

  private final ChatSession session;
  private final PrintWriter out;

  ChatCommands(ChatSession session, PrintWriter out) {
    this.session = session;
    this.out = out;
  }

  /**
   * Runs a command.
   *
   * @param name the command with its slash
   * @param argument what follows, up to triple quotes
   * @param quoted what stood between triple quotes, if there were any
   * @return whether the session goes on
   * @throws RequestRejectedException ({@code OPTION_INVALID}) if it cannot be done as said
   */
  boolean run(String name, String argument, @Nullable String quoted) {
    switch (name) {
      case "/bye", "/exit" -> {
        return false;
      }
      case "/help", "/?" -> help();
      case "/clear" -> {
        session.forget();
        out.println("The conversation is forgotten.");
      }
      case "/show" -> show();
      case "/set" -> set(argument, quoted);
      default ->
          throw new RequestRejectedException(
              Reason.OPTION_INVALID, "no command \"" + name + "\"; expected one of " + NAMES);
    }
    return true;
  }

  private void help() {
    out.printf(LINE, "/help", "this list");
    out.printf(LINE, "/show", "the model, the parameters, and how full the context is");
    out.printf(LINE, "/set NAME VALUE", "changes a parameter (below)");
    out.printf(LINE, "/clear", "forgets the conversation; the parameters stay");
    out.printf(LINE, "/bye", "ends the session, as Ctrl-D does");
    out.printf(LINE, "\"\"\"", "begins and ends a text of several lines");
    out.printf(LINE, "Ctrl-C", "stops the answer, or clears the line");
    out.println();
    session.options().meanings().forEach((name, meaning) -> out.printf(LINE, name, meaning));
  }

  private void show() {
    ModelInfo info = session.model().info();
    out.printf(
        LINE,
        "model",
        String.format(
            Locale.ROOT,
            "%s (%s), %,d parameters",
            info.name(),
            info.architecture(),
            info.parameters()));
    out.printf(LINE, "runs on", info.backend() + ", " + info.device());
    info.notes().forEach(note -> out.printf(LINE, "note", note));
    out.printf(
        LINE,
        "context",
        String.format(
            Locale.ROOT,
            "%d of %d tokens used, %s",
            session.usedTokens(),
            session.contextLength(),
            session.isRaw()
                ? "each prompt stands alone (--raw)"
                : session.exchanges() + " exchange(s) kept"));
    session
        .options()
        .values()
        .forEach((name, value) -> out.printf(LINE, name, value.replace("\n", "\\n")));
  }

  private void set(String argument, @Nullable String quoted) {
    // Ollama's form has one word more: /set parameter seed 7
    String words = argument.replaceFirst("^parameter(\\s+|$)", "");
    String name = words.split("\\s+", 2)[0];
    if (name.isEmpty()) {
      throw new RequestRejectedException(
          Reason.OPTION_INVALID, "/set: expected a parameter and a value; /help lists them");
    }
    String value = quoted == null ? unquoted(words.substring(name.length()).strip()) : quoted;
    if (value.isEmpty() && quoted == null && !words.endsWith("\"\"")) {
      throw new RequestRejectedException(
          Reason.OPTION_INVALID, name + ": expected a value, got none");
    }
    if (name.equals("num_ctx")) {
      throw new RequestRejectedException(
          Reason.OPTION_INVALID,
          "num_ctx: fixed at "
              + session.contextLength()
              + " when the model was loaded; --num-ctx sets it");
    }
    if (name.equals("system") && session.isRaw()) {
      throw new RequestRejectedException(
          Reason.OPTION_INVALID, "system: needs the chat format, which --raw leaves out");
    }
    session.options().set(name, value);
    out.println(name + " is " + session.options().values().get(name.replace('-', '_')));
  }

  private static String unquoted(String text) {
    boolean quoted = text.length() >= 2 && text.startsWith("\"") && text.endsWith("\"");
    return quoted ? text.substring(1, text.length() - 1) : text;
  }
}
