package dev.serval.launcher;

import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.error.RequestRejectedException.Reason;
import dev.serval.api.model.ChatMessage;
import dev.serval.api.runtime.Capability;
import dev.serval.api.runtime.FinishReason;
import dev.serval.api.runtime.GenerateRequest;
import dev.serval.api.runtime.Generation;
import dev.serval.api.runtime.GenerationResult;
import dev.serval.api.runtime.Model;
import dev.serval.api.runtime.OutputFormat;
import dev.serval.api.runtime.Prompt;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * {@code serval run}: one prompt in, text out as it is generated; without a prompt on a terminal, a
 * conversation.
 */
@Command(
    name = "run",
    description = "Generates text from a prompt, or talks to the model.",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false,
    abbreviateSynopsis = true,
    footer = "%nIn a conversation /help lists the commands; /bye or Ctrl-D ends it.")
final class RunCommand implements Callable<Integer> {

  private static final int INTERRUPTED = 130;

  @Parameters(paramLabel = "MODEL", description = "path to a GGUF file, or demo")
  private String model = "";

  @Parameters(
      arity = "0..1",
      index = "1",
      paramLabel = "PROMPT",
      description =
          "the prompt; - reads standard input; without it: a conversation on a terminal, else"
              + " standard input")
  private @Nullable String prompt;

  @Option(names = "--raw", description = "take the prompt as it is, without chat format")
  private boolean raw;

  @Option(
      names = "--logprobs",
      paramLabel = "N",
      description =
          "print a line of JSON per token instead of text: its log-probability and those of the N"
              + " most likely tokens, 0 to 20")
  private @Nullable Integer logprobs;

  @Option(names = "--verbose", description = "print load, prefill and decode figures")
  private boolean verbose;

  @Mixin private GenerateOptions generation = new GenerateOptions();
  @Mixin private ModelOptions options = new ModelOptions();

  @Override
  public Integer call() throws IOException, InterruptedException {
    if (raw && !generation.system().isEmpty()) {
      throw new IllegalArgumentException("--system needs the chat format, which --raw leaves out");
    }
    if (logprobs != null && prompt == null && Progress.isTerminal()) {
      throw new IllegalArgumentException("--logprobs needs a prompt");
    }
    Folders folders = Folders.find();
    Path path = folders.model(model);
    boolean interactive = prompt == null && Progress.isTerminal();
    String text = interactive ? "" : prompt();
    // wrong options are refused before the model is loaded
    GenerateRequest request = generation.request(raw ? Prompt.text(text) : chat(text));
    if (logprobs != null) {
      request = request.withLogprobs(logprobs);
    }
    Progress progress = Progress.show("loading " + path.getFileName());
    try (progress;
        Container container = Container.start(folders, options.properties());
        Model loaded = container.serval().load(options.request(container.serval(), path))) {
      progress.close();
      if (loaded.info().capability() == Capability.EMBED) {
        throw new RequestRejectedException(
            Reason.CAPABILITY_MISSING,
            loaded.info().name()
                + " turns texts into vectors and continues none: see serval embed");
      }
      return interactive ? talk(loaded, folders.history()) : generate(loaded, request);
    }
  }

  private Prompt chat(String text) {
    List<ChatMessage> messages = new ArrayList<>();
    if (!generation.system().isEmpty()) {
      messages.add(ChatMessage.system(generation.system()));
    }
    messages.add(ChatMessage.user(text));
    return new Prompt.Chat(messages);
  }

  private int talk(Model loaded, Path history) throws IOException, InterruptedException {
    try (ChatConsole console = ChatConsole.open(history, generation.meanings().keySet())) {
      ChatSession session = new ChatSession(loaded, generation, raw, verbose, console.out());
      console.onInterrupt(session::interrupt);
      session.run(console);
      return 0;
    }
  }

  private String prompt() throws IOException {
    if (prompt != null && !prompt.equals("-")) {
      return prompt;
    }
    String text = new String(System.in.readAllBytes(), StandardCharsets.UTF_8);
    return text.endsWith("\n") ? text.substring(0, text.length() - 1) : text;
  }

  private int generate(Model loaded, GenerateRequest request) throws InterruptedException {
    PrintStream out = System.out;
    LogprobLines lines = new LogprobLines(loaded.tokenizer());
    boolean asLines = request.output().topLogprobs().isPresent();
    Generation started =
        loaded.generate(
            request,
            event -> {
              out.print(asLines ? lines.line(event) : event.text());
              out.flush();
            });
    Thread onInterrupt = new Thread(started::cancel, "serval-cancel");
    Runtime.getRuntime().addShutdownHook(onInterrupt);
    GenerationResult result = started.await();
    try {
      Runtime.getRuntime().removeShutdownHook(onInterrupt);
    } catch (IllegalStateException e) {
      return INTERRUPTED; // the process is ending already: the hook cancelled the generation
    }
    if (!asLines) {
      out.println();
    }
    warn(loaded, request, result.finish());
    if (verbose) {
      PrintWriter err = new PrintWriter(System.err, true, Charset.defaultCharset());
      RunReport.model(err, loaded.info());
      RunReport.generation(err, result);
      RunReport.counters(err, loaded.metrics());
    }
    return 0;
  }

  /** Says what the text itself does not show. */
  private static void warn(Model loaded, GenerateRequest request, FinishReason finish) {
    if (finish == FinishReason.CONTEXT_FULL) {
      System.err.println(
          "serval: the context of " + loaded.info().contextLength() + " tokens is full");
    } else if (finish == FinishReason.GRAMMAR_BUDGET) {
      System.err.println("serval: tokens ran short; the text is complete, but was cut short");
    } else if (finish == FinishReason.LENGTH
        && !request.output().format().equals(OutputFormat.TEXT)) {
      System.err.println("serval: tokens ran out before the text was complete");
    }
  }
}
