package dev.serval.launcher;

import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.error.RequestRejectedException.Reason;
import dev.serval.api.runtime.EmbedRequest;
import dev.serval.api.runtime.EmbedResult;
import dev.serval.api.runtime.EmbeddingInfo;
import dev.serval.api.runtime.LoadRequest;
import dev.serval.api.runtime.Model;
import dev.serval.api.runtime.Prompt;
import dev.serval.api.runtime.Serval;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.StringJoiner;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code serval embed}: one vector per text, a JSON list per line. */
@Command(
    name = "embed",
    description = "Turns texts into vectors: a JSON list of numbers per line, in order.",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false)
final class EmbedCommand implements Callable<Integer> {

  /** Lines of standard input that are computed together at most. */
  private static final int MAX_LINES = 256;

  @Parameters(index = "0", paramLabel = "MODEL", description = "path to a GGUF file")
  private String model = "";

  @Parameters(
      index = "1..*",
      arity = "1..*",
      paramLabel = "TEXT",
      description = "the texts; - alone reads standard input, a text per line")
  private List<String> texts = List.of();

  @Option(names = "--raw", description = "vectors as computed, not scaled to length 1")
  private boolean raw;

  @Option(
      names = "--purpose",
      paramLabel = "NAME",
      description = "put what the model expects for this purpose before each text: query, document")
  private @Nullable String purpose;

  @Option(names = "--prefix", paramLabel = "TEXT", description = "put this before each text")
  private String prefix = "";

  @Option(
      names = "--dimensions",
      paramLabel = "N",
      description = "the first N elements only, for models that allow it")
  private @Nullable Integer dimensions;

  @Option(names = "--truncate", description = "cut texts that are too long")
  private boolean truncate;

  @Option(names = "--exact", description = "F32 activations")
  private boolean exact;

  @Mixin private ModelOptions options = new ModelOptions();

  @Override
  public Integer call() throws IOException, InterruptedException {
    if (purpose != null && !prefix.isEmpty()) {
      throw new IllegalArgumentException("--purpose and --prefix exclude each other");
    }
    Folders folders = Folders.find();
    Path path = folders.model(model);
    Progress progress = Progress.show("loading " + path.getFileName());
    try (progress;
        Container container = Container.start(folders, options.properties());
        Model loaded = container.serval().load(request(container.serval(), path))) {
      progress.close();
      String before = purpose == null ? prefix : prefixFor(loaded, purpose);
      if (texts.equals(List.of("-"))) {
        embedLines(loaded, before);
      } else {
        print(loaded.embed(request(before, texts)));
      }
      return 0;
    }
  }

  private LoadRequest request(Serval serval, Path path) {
    LoadRequest request = options.request(serval, path);
    return exact ? request.exactly() : request;
  }

  private static String prefixFor(Model loaded, String purpose) {
    EmbeddingInfo info =
        loaded
            .info()
            .embedding()
            .orElseThrow(
                () -> new IllegalArgumentException("--purpose is for models that embed texts"));
    String prefix = info.prefixes().get(purpose);
    if (prefix == null) {
      throw new IllegalArgumentException(
          "--purpose: expected one of " + info.prefixes().keySet() + ", got " + purpose);
    }
    return prefix;
  }

  private EmbedRequest request(String before, List<String> lines) {
    List<Prompt> prompts = lines.stream().map(Prompt::text).toList();
    OptionalInt width = dimensions == null ? OptionalInt.empty() : OptionalInt.of(dimensions);
    return new EmbedRequest(prompts, before, width, !raw, truncate);
  }

  /** Computes lines as they come: whoever writes one and waits gets its vector. */
  private void embedLines(Model loaded, String before) throws IOException, InterruptedException {
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    long done = 0;
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      List<String> lines = new ArrayList<>(List.of(line));
      while (lines.size() < MAX_LINES && in.ready()) {
        String next = in.readLine();
        if (next == null) {
          break;
        }
        lines.add(next);
      }
      try {
        print(loaded.embed(request(before, lines)));
      } catch (RequestRejectedException e) {
        throw e.reason() == Reason.CAPABILITY_MISSING
            ? e
            : new RequestRejectedException(
                e.reason(), "from line " + (done + 1) + " on: " + e.getMessage());
      }
      done += lines.size();
    }
  }

  private static void print(EmbedResult result) {
    PrintStream out = System.out;
    for (int i = 0; i < result.count(); i++) {
      StringJoiner line = new StringJoiner(", ", "[", "]");
      for (float x : result.vector(i)) {
        line.add(Float.toString(x));
      }
      out.println(line);
    }
    out.flush();
  }
}
