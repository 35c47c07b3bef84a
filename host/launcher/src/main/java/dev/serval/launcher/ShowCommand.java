package dev.serval.launcher;

import dev.serval.api.model.Metadata;
import dev.serval.api.model.ModelSource;
import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.TensorView;
import java.io.PrintStream;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code serval show}: what a model file says about itself, without loading it. */
@Command(
    name = "show",
    description = "Shows what a model file contains.",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false)
final class ShowCommand implements Callable<Integer> {

  private static final List<String> FACTS =
      List.of(
          "context_length",
          "embedding_length",
          "block_count",
          "feed_forward_length",
          "attention.head_count",
          "attention.head_count_kv",
          "attention.key_length",
          "attention.sliding_window");

  @Parameters(paramLabel = "MODEL", description = "path to a GGUF file, or demo")
  private String model = "";

  @Option(names = "-v", description = "list every key and tensor")
  private boolean verbose;

  @Override
  public Integer call() {
    Folders folders = Folders.find();
    try (Container container = Container.start(folders, Map.of())) {
      ModelSource source = container.serval().inspect(folders.model(model));
      summary(source, container.serval().architectures());
      if (verbose) {
        everything(source);
      }
      return 0;
    }
  }

  private static void summary(ModelSource source, List<String> installed) {
    PrintStream out = System.out;
    Metadata m = source.metadata();
    String architecture = m.text(Metadata.ARCHITECTURE).orElse("(not stated)");
    line("name", m.text("general.name").orElse(source.name()));
    line(
        "architecture",
        architecture
            + (installed.contains(architecture) ? "" : " (no installed bundle serves it)"));
    for (String fact : FACTS) {
      String value = m.describe(architecture + "." + fact);
      if (!value.isEmpty()) {
        line(fact, value);
      }
    }
    line("tokenizer", m.describe("tokenizer.ggml.model"));
    m.texts("tokenizer.ggml.tokens").ifPresent(t -> line("vocabulary", t.size() + " tokens"));
    long elements = 0;
    long bytes = 0;
    Map<DataType, Integer> types = new EnumMap<>(DataType.class);
    for (TensorView t : source.tensors()) {
      elements += t.shape().elements();
      bytes += t.bytes();
      types.merge(t.type(), 1, Integer::sum);
    }
    line("parameters", String.format(Locale.ROOT, "%,d", elements));
    line("tensors", source.tensors().size() + " " + types);
    line("size", String.format(Locale.ROOT, "%.1f MiB", bytes / (double) (1 << 20)));
    m.text("general.license").ifPresent(s -> line("license", s));
    out.flush();
  }

  private static void line(String name, String value) {
    System.out.printf("%-26s %s%n", name, value);
  }

  private static void everything(ModelSource source) {
    System.out.println();
    for (String key : source.metadata().keys()) {
      System.out.println(key + " = " + source.metadata().describe(key).replace("\n", "\\n"));
    }
    System.out.println();
    for (TensorView t : source.tensors()) {
      System.out.printf("%-44s %-6s %s%n", t.name(), t.type(), t.shape());
    }
  }
}
