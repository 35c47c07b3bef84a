package dev.serval.launcher;

import dev.serval.api.model.Metadata;
import dev.serval.api.model.ModelSource;
import dev.serval.api.runtime.ModelPart;
import dev.serval.api.tensor.TensorView;
import java.io.PrintStream;
import java.nio.file.Path;
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
          "expert_count",
          "expert_used_count",
          "attention.head_count",
          "attention.head_count_kv",
          "attention.key_length",
          "attention.sliding_window");

  private static final int MOST_CHARACTERS = 200;

  /** Kinds of pooling by number: llama.cpp include/llama.h, enum llama_pooling_type. */
  private static final Map<String, String> POOLING =
      Map.of("0", "none", "1", "mean", "2", "cls", "3", "last", "4", "rank");

  @Parameters(paramLabel = "MODEL", description = "path to a GGUF file, or demo")
  private String model = "";

  @Option(names = "-v", description = "list every key and tensor")
  private boolean verbose;

  @Option(names = "--json", description = "everything as one JSON object")
  private boolean json;

  private final PrintStream out = System.out;

  @Override
  public Integer call() {
    Folders folders = Folders.find();
    try (Container container = Container.start(folders, Map.of())) {
      Path path = folders.model(model);
      ModelSource source = container.serval().inspect(path);
      List<ModelPart> parts = container.serval().parts(path);
      ModelFacts facts = new ModelFacts(source);
      if (json) {
        out.println(Json.lines(facts.all(parts)));
      } else {
        summary(source, facts, container.serval().architectures());
        parts(parts);
        tokenizer(facts.tokenizer());
        if (verbose) {
          everything(source, facts);
        }
      }
      out.flush();
      return 0;
    }
  }

  private void summary(ModelSource source, ModelFacts facts, List<String> installed) {
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
    String pooling = m.describe(architecture + ".pooling_type");
    if (!pooling.isEmpty()) {
      line("embeds", "texts, pooling " + POOLING.getOrDefault(pooling, pooling));
    }
    ModelFacts.Total total = facts.total();
    line("parameters", String.format(Locale.ROOT, "%,d", total.elements()));
    line("tensors", total.tensors() + ", " + size(total.bytes()));
    facts.totals().forEach((type, t) -> line("  " + type, t.tensors() + ", " + size(t.bytes())));
    m.text("general.license").ifPresent(s -> line("license", s));
  }

  private void parts(List<ModelPart> parts) {
    for (ModelPart p : parts) {
      line(
          parts.size() == 1 ? "file" : "part",
          String.format(
              Locale.ROOT,
              "%s, GGUF %d, %s, %d tensors",
              p.name(),
              p.version(),
              size(p.bytes()),
              p.tensors()));
    }
  }

  private void tokenizer(Map<String, Object> facts) {
    facts.forEach((name, value) -> {
      switch (name) {
        case "model" -> line("tokenizer", oneLine(value));
        case "tokens" -> line("vocabulary", value + " tokens");
        case "special" -> ((Map<?, ?>) value).forEach((k, v) -> line("  " + k, oneLine(v)));
        default -> line("  " + name, oneLine(value));
      }
    });
  }

  private void line(String name, String value) {
    out.printf("%-26s %s%n", name, value);
  }

  private static String size(long bytes) {
    return String.format(Locale.ROOT, "%.1f MiB", bytes / (double) (1 << 20));
  }

  /** Without line breaks, and cut where it is long. */
  private static String oneLine(Object value) {
    String text = value.toString().replace("\n", "\\n");
    return text.length() <= MOST_CHARACTERS ? text : text.substring(0, MOST_CHARACTERS) + "…";
  }

  private void everything(ModelSource source, ModelFacts facts) {
    out.println();
    for (String key : source.metadata().keys()) {
      out.println(key + " = " + oneLine(text(facts.value(key))));
    }
    out.println();
    for (TensorView t : source.tensors()) {
      out.printf("%-44s %-6s %-24s %,12d bytes%n", t.name(), t.type(), t.shape(), t.bytes());
    }
  }

  private static Object text(Object value) {
    return value instanceof Map<?, ?> array
        ? array.get("length") + " elements, first " + array.get("first")
        : value;
  }
}
