package dev.serval.launcher;

import dev.serval.api.runtime.FinishReason;
import dev.serval.api.runtime.GenerateRequest;
import dev.serval.api.runtime.Generation;
import dev.serval.api.runtime.GenerationResult;
import dev.serval.api.runtime.Model;
import dev.serval.api.runtime.ModelInfo;
import dev.serval.api.runtime.Prompt;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code serval run}: one prompt in, text out as it is generated. */
@Command(
    name = "run",
    description = "Generates text from a prompt.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class RunCommand implements Callable<Integer> {

  private static final int INTERRUPTED = 130;

  @Parameters(paramLabel = "MODEL", description = "path to a GGUF file, or demo")
  private String model = "";

  @Parameters(
      arity = "0..1",
      index = "1",
      paramLabel = "PROMPT",
      description = "the prompt; absent or - reads standard input")
  private @Nullable String prompt;

  @Option(names = "--raw", description = "take the prompt as it is, without chat format")
  private boolean raw;

  @Option(
      names = "--num-predict",
      paramLabel = "N",
      description = "tokens to generate at most; default -1, as many as the context holds")
  private int numPredict = -1;

  @Option(names = "--stop", paramLabel = "TEXT", description = "text that ends the generation")
  private List<String> stop = new ArrayList<>();

  @Option(names = "--verbose", description = "print load, prefill and decode figures")
  private boolean verbose;

  @Mixin private SampleOptions sampling = new SampleOptions();
  @Mixin private ModelOptions options = new ModelOptions();

  @Override
  public Integer call() throws IOException, InterruptedException {
    Folders folders = Folders.find();
    Path path = folders.model(model);
    String text = prompt();
    GenerateRequest request =
        GenerateRequest.of(raw ? Prompt.text(text) : Prompt.chat(text))
            .withSampling(sampling.options())
            .withMaxTokens(numPredict)
            .withStop(stop);
    Progress progress = Progress.show("loading " + path.getFileName());
    try (progress;
        Container container = Container.start(folders, options.properties());
        Model loaded = container.serval().load(options.request(path))) {
      progress.close();
      return generate(loaded, request);
    }
  }

  private String prompt() throws IOException {
    if (prompt != null && !prompt.equals("-")) {
      return prompt;
    }
    if (prompt == null && Progress.isTerminal()) {
      throw new IllegalArgumentException("a prompt is missing: serval run " + model + " \"...\"");
    }
    String text = new String(System.in.readAllBytes(), StandardCharsets.UTF_8);
    return text.endsWith("\n") ? text.substring(0, text.length() - 1) : text;
  }

  private int generate(Model loaded, GenerateRequest request) throws InterruptedException {
    PrintStream out = System.out;
    Generation generation =
        loaded.generate(
            request,
            event -> {
              out.print(event.text());
              out.flush();
            });
    Thread onInterrupt = new Thread(generation::cancel, "serval-cancel");
    Runtime.getRuntime().addShutdownHook(onInterrupt);
    GenerationResult result = generation.await();
    try {
      Runtime.getRuntime().removeShutdownHook(onInterrupt);
    } catch (IllegalStateException e) {
      return INTERRUPTED; // the process is ending already: the hook cancelled the generation
    }
    out.println();
    if (result.finish() == FinishReason.CONTEXT_FULL) {
      System.err.println(
          "serval: the context of " + loaded.info().contextLength() + " tokens is full");
    }
    if (verbose) {
      report(loaded.info(), result);
    }
    return 0;
  }

  private static void report(ModelInfo info, GenerationResult result) {
    PrintStream err = System.err;
    err.printf(
        "model    %s (%s) on %s, %s%n",
        info.name(), info.architecture(), info.backend(), info.device());
    info.notes().forEach(note -> err.println("note     " + note));
    err.printf(
        Locale.ROOT,
        "load     %.2f s, %.1f MiB in the file, %.1f MiB leased%n",
        seconds(info.loadNanos()),
        info.fileBytes() / (double) (1 << 20),
        info.memory().totalBytes() / (double) (1 << 20));
    rate("prefill", result.promptTokens(), result.prefillNanos());
    // the first token comes out of the prefill
    rate("decode", Math.max(0, result.tokens().size() - 1), result.decodeNanos());
    err.println("finish   " + result.finish().name().toLowerCase(Locale.ROOT));
  }

  private static void rate(String what, int tokens, long nanos) {
    System.err.printf(
        Locale.ROOT,
        "%-8s %d tokens in %.3f s, %.1f tokens/s%n",
        what,
        tokens,
        seconds(nanos),
        nanos == 0 ? 0.0 : tokens / seconds(nanos));
  }

  private static double seconds(long nanos) {
    return nanos / (double) TimeUnit.SECONDS.toNanos(1);
  }
}
