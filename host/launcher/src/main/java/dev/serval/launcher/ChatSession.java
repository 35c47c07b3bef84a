package dev.serval.launcher;

import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.error.RequestRejectedException.Reason;
import dev.serval.api.error.ServalException;
import dev.serval.api.runtime.FinishReason;
import dev.serval.api.runtime.GenerateRequest;
import dev.serval.api.runtime.Generation;
import dev.serval.api.runtime.GenerationResult;
import dev.serval.api.runtime.Model;
import dev.serval.api.runtime.Prompt;
import dev.serval.launcher.LineSource.Input;
import java.io.PrintWriter;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A conversation with a model, line by line. Knows nothing of terminals: lines come from a {@link
 * LineSource}, text goes to a writer. Confined to one thread, but for {@link #interrupt}.
 */
final class ChatSession {

  static final String PROMPT = ">>> ";
  static final String CONTINUATION = "... ";

  private static final String QUOTES = "\"\"\"";

  /** Old exchanges give way until this share of the context is free for an answer. */
  private static final int ANSWER_SHARE = 4;

  /** What a model could say to a terminal rather than to a person. */
  private static final Pattern CONTROL = Pattern.compile("[\\p{Cc}&&[^\n\t]]");

  private final Model model;
  private final GenerateOptions options;
  private final boolean raw;
  private final boolean verbose;
  private final PrintWriter out;
  private final Conversation conversation = new Conversation();
  private final ChatCommands commands;
  private int usedTokens;
  private volatile @Nullable Generation generation;
  private volatile boolean interrupted;

  /**
   * Creates a session.
   *
   * @param raw whether each text is a prompt of its own, taken as it is
   * @param verbose whether figures follow each answer
   * @param out where answers and messages go
   * @throws RequestRejectedException ({@code OPTION_INVALID}) if the model cannot chat
   */
  ChatSession(Model model, GenerateOptions options, boolean raw, boolean verbose, PrintWriter out) {
    if (!raw && model.chatFormat().isEmpty()) {
      throw new RequestRejectedException(
          Reason.OPTION_INVALID,
          "model " + model.info().name() + " has no chat format; --raw takes prompts as they are");
    }
    this.model = model;
    this.options = options;
    this.raw = raw;
    this.verbose = verbose;
    this.out = out;
    commands = new ChatCommands(this, out);
  }

  /** Talks until the person leaves. */
  void run(LineSource lines) throws InterruptedException {
    out.printf(
        "%s (%s), context of %d tokens. /help lists the commands.%n",
        model.info().name(), model.info().architecture(), model.info().contextLength());
    if (verbose) {
      RunReport.model(out, model.info());
    }
    boolean goesOn = true;
    while (goesOn) {
      out.flush();
      goesOn =
          switch (lines.read(PROMPT)) {
            case Input.End _ -> false;
            case Input.Interrupt interrupt -> {
              if (interrupt.wasEmpty()) {
                out.println("Ctrl-D or /bye ends the session.");
              }
              yield true;
            }
            case Input.Line line -> take(line.text(), lines);
          };
    }
    out.flush();
  }

  /** Takes a line; whether the session goes on. */
  private boolean take(String line, LineSource lines) throws InterruptedException {
    String text = line.strip();
    try {
      if (text.startsWith("/")) {
        String name = text.split("\\s+", 2)[0];
        String argument = text.substring(name.length()).strip();
        int quotes = argument.indexOf(QUOTES);
        if (quotes >= 0) {
          String quoted = quoted(argument.substring(quotes), lines);
          return quoted == null || commands.run(name, argument.substring(0, quotes), quoted);
        }
        return commands.run(name, argument, null);
      }
      String question = text.startsWith(QUOTES) ? quoted(text, lines) : line;
      if (question != null && !question.isBlank()) {
        answer(question);
      }
    } catch (ServalException e) {
      out.println(Main.describe(e));
    }
    return true;
  }

  /** The text between triple quotes, over as many lines as it takes; null if it was given up. */
  private static @Nullable String quoted(String first, LineSource lines) {
    StringBuilder text = new StringBuilder(first.substring(QUOTES.length()));
    while (!text.toString().stripTrailing().endsWith(QUOTES)) {
      if (!(lines.read(CONTINUATION) instanceof Input.Line line)) {
        return null;
      }
      text.append('\n').append(line.text());
    }
    return text.substring(0, text.lastIndexOf(QUOTES)).strip();
  }

  private void answer(String question) throws InterruptedException {
    interrupted = false;
    GenerateRequest request = options.request(raw ? Prompt.text(question) : next(question));
    Generation started =
        model.generate(
            request,
            event -> {
              out.print(CONTROL.matcher(event.text()).replaceAll(""));
              out.flush();
            });
    generation = started;
    if (interrupted) {
      started.cancel();
    }
    try {
      finish(question, started.await());
    } finally {
      generation = null;
    }
  }

  /** The prompt of a question; drops what the context does not hold, and says so. */
  private Prompt next(String question) {
    Conversation.Next next = conversation.next(model, options.system(), question, answerRoom());
    // a question that is too long even alone is about to be refused: then nothing is dropped
    if (next.dropped() > 0 && next.tokens() < contextLength()) {
      conversation.drop(next.dropped());
      out.printf(
          "(the context of %d tokens is full: forgot the oldest %s)%n",
          contextLength(), next.dropped() == 1 ? "exchange" : next.dropped() + " exchanges");
      out.flush();
    }
    return next.prompt();
  }

  private void finish(String question, GenerationResult result) {
    out.println();
    usedTokens = result.promptTokens() + result.tokens().size();
    boolean cancelled = result.finish() == FinishReason.CANCELLED;
    if (!raw && !(cancelled && result.text().isBlank())) {
      conversation.add(question, result.text());
    }
    if (cancelled) {
      out.println("(stopped)");
    }
    if (result.finish() == FinishReason.CONTEXT_FULL) {
      out.println("(the context of " + contextLength() + " tokens is full)");
    }
    if (verbose) {
      RunReport.generation(out, result);
    }
  }

  /** Tokens that an answer should find free. */
  private int answerRoom() {
    int share = Math.max(1, contextLength() / ANSWER_SHARE);
    return options.numPredict() < 0 ? share : Math.clamp(options.numPredict(), 1, share);
  }

  /** Stops the answer under way, if there is one; for any thread. */
  void interrupt() {
    interrupted = true;
    Generation current = generation;
    if (current != null) {
      current.cancel();
    }
  }

  /** Forgets what was said; the parameters stay. */
  void forget() {
    conversation.clear();
    usedTokens = 0;
  }

  Model model() {
    return model;
  }

  GenerateOptions options() {
    return options;
  }

  boolean isRaw() {
    return raw;
  }

  int exchanges() {
    return conversation.exchanges();
  }

  /** Tokens of the context that prompt and answer took last. */
  int usedTokens() {
    return usedTokens;
  }

  int contextLength() {
    return model.info().contextLength();
  }
}
