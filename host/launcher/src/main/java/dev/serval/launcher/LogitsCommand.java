package dev.serval.launcher;

import dev.serval.api.runtime.Capability;
import dev.serval.api.runtime.EmbedRequest;
import dev.serval.api.runtime.LoadRequest;
import dev.serval.api.runtime.Model;
import dev.serval.api.runtime.Prompt;
import dev.serval.api.runtime.Serval;
import dev.serval.api.runtime.TensorInspection;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * {@code serval logits}: the raw logits after each token of a text; of an embedding model the
 * vector of the text; and values on the way to them.
 */
@Command(
    name = "logits",
    description = {
      "Writes the logits after each token: little-endian float32, a row per token.",
      "Of an embedding model: the vector of the text, not normalised.",
      "With --dump: values that the model computes on the way, to find where it goes wrong."
    },
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false)
final class LogitsCommand implements Callable<Integer> {

  private static final ValueLayout.OfInt LITTLE_ENDIAN =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  @Parameters(paramLabel = "MODEL", description = "path to a GGUF file, or demo")
  private String model = "";

  @Option(
      names = "--ids",
      required = true,
      split = ",",
      paramLabel = "ID",
      description = "token ids from position 0, separated by commas")
  private List<Integer> ids = List.of();

  @Option(names = "--exact", description = "F32 activations and cache")
  private boolean exact;

  @ArgGroup(exclusive = false, multiplicity = "1")
  private Results results = new Results();

  /** What to write; at least one of both. */
  private static final class Results {

    @Option(
        names = {"-o", "--output"},
        paramLabel = "FILE",
        description = "file to write the logits to")
    private @Nullable Path output;

    @Option(
        names = "--dump",
        paramLabel = "PATTERN",
        description =
            "writes the values on the way whose names are like PATTERN, a line of JSON each:"
                + " blk.0.*, *.attn_q, logits. May be given several times")
    private List<String> patterns = List.of();
  }

  @Option(
      names = "--dump-to",
      paramLabel = "FILE",
      description = "file to write the values to; default standard output")
  private @Nullable Path dumpTo;

  @Mixin private ModelOptions options = new ModelOptions();

  @Override
  public Integer call() throws IOException, InterruptedException {
    Folders folders = Folders.find();
    Path path = folders.model(model);
    Progress progress = Progress.show("loading " + path.getFileName());
    try (progress;
        Container container = Container.start(folders, options.properties());
        TensorLines lines = new TensorLines(Optional.ofNullable(dumpTo));
        Model loaded = container.serval().load(request(container.serval(), path, lines));
        OutputStream out = open()) {
      progress.update("computing " + ids.size() + " tokens");
      if (loaded.info().capability() == Capability.EMBED) {
        EmbedRequest text = EmbedRequest.of(List.of(new Prompt.Tokens(ids))).raw();
        write(MemorySegment.ofArray(loaded.embed(text).vector(0)), out);
      } else {
        int[] tokens = ids.stream().mapToInt(Integer::intValue).toArray();
        loaded.logits(tokens, (index, row) -> write(row, out));
      }
      return 0;
    }
  }

  private OutputStream open() throws IOException {
    return results.output == null
        ? OutputStream.nullOutputStream()
        : new BufferedOutputStream(Files.newOutputStream(results.output));
  }

  private LoadRequest request(Serval serval, Path path, TensorLines lines) {
    LoadRequest request = options.request(serval, path);
    request = exact ? request.exactly() : request;
    if (results.patterns.isEmpty()) {
      return request;
    }
    // values take memory for as many tokens as a step may have: no more than there are
    request = request.contextLength().isEmpty() ? request.withContextLength(ids.size()) : request;
    return request.withInspection(new TensorInspection(results.patterns, Set.of(), lines));
  }

  private static void write(MemorySegment row, OutputStream out) {
    byte[] bytes = new byte[Math.toIntExact(row.byteSize())];
    MemorySegment target = MemorySegment.ofArray(bytes);
    for (long i = 0; i < bytes.length; i += Float.BYTES) {
      target.set(LITTLE_ENDIAN, i, row.get(ValueLayout.JAVA_INT, i));
    }
    try {
      out.write(bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
