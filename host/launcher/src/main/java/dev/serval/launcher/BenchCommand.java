package dev.serval.launcher;

import dev.serval.api.backend.Device;
import dev.serval.api.backend.DeviceReport;
import dev.serval.api.runtime.Capability;
import dev.serval.api.runtime.ContextOptions;
import dev.serval.api.runtime.EmbedRequest;
import dev.serval.api.runtime.EmbedResult;
import dev.serval.api.runtime.GenerateRequest;
import dev.serval.api.runtime.GenerationResult;
import dev.serval.api.runtime.LoadMode;
import dev.serval.api.runtime.LoadRequest;
import dev.serval.api.runtime.Model;
import dev.serval.api.runtime.ModelInfo;
import dev.serval.api.runtime.Prompt;
import dev.serval.api.runtime.SamplingOptions;
import dev.serval.api.runtime.TokenSink;
import dev.serval.api.tensor.DataType;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * {@code serval bench}: tokens per second of prefill and decode; of an embedding model those of
 * texts, {@code pp512x4} for four texts of 512 tokens in a request, and the texts per second.
 */
@Command(
    name = "bench",
    description = {
      "Measures prefill (pp) and decode (tg); of an embedding model prefill of whole texts."
    },
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    sortOptions = false)
final class BenchCommand implements Callable<Integer> {

  private static final long WARM_UP_NANOS = TimeUnit.SECONDS.toNanos(4);
  private static final int MAX_WARM_UP_RUNS = 50;

  /** Forms of the result. */
  enum Format {
    JSON,
    MD
  }

  /** One line of the result. */
  private record Measured(
      String test,
      double tokensPerSecond,
      double deviation,
      OptionalDouble textsPerSecond,
      Optional<ConcurrentBench.Result> concurrent) {}

  @Parameters(paramLabel = "MODEL", description = "path to a GGUF file, or demo")
  private String model = "";

  @Option(names = "-p", paramLabel = "N", description = "prompt tokens; 0 skips; default 512")
  private int promptTokens = 512;

  @Option(names = "-n", paramLabel = "N", description = "generated tokens; 0 skips; default 64")
  private int generatedTokens = 64;

  @Option(
      names = "--texts",
      paramLabel = "N",
      description = "texts per request, of an embedding model; default 1")
  private int texts = 1;

  @Option(
      names = "--concurrent",
      split = ",",
      paramLabel = "N[,N...]",
      description = "also so many generations at once: tokens/s of all, from request to end")
  private List<Integer> concurrent = List.of();

  @Option(names = "-r", paramLabel = "N", description = "repetitions; default 3")
  private int repetitions = 3;

  @Option(
      names = {"-t", "--threads"},
      paramLabel = "N",
      description = "compute threads")
  private @Nullable Integer threads;

  @Option(names = "-o", paramLabel = "FORMAT", description = "md (default) or json")
  private Format format = Format.MD;

  @Mixin private KvOption kv = new KvOption();

  @Mixin private LoadOption load = new LoadOption();

  @Override
  public Integer call() throws InterruptedException {
    if (promptTokens < 0 || generatedTokens < 0 || repetitions < 1 || texts < 1) {
      throw new IllegalArgumentException(
          "-p and -n must not be negative, -r and --texts must be positive: -p "
              + promptTokens
              + " -n "
              + generatedTokens
              + " -r "
              + repetitions
              + " --texts "
              + texts);
    }
    Folders folders = Folders.find();
    Path path = folders.model(model);
    Map<String, String> properties = new HashMap<>();
    if (threads != null) {
      properties.put("serval.cpu.threads", threads.toString());
    }
    int most = concurrent.stream().mapToInt(n -> n).max().orElse(1);
    if (concurrent.stream().anyMatch(n -> n < 1) || (most > 1 && generatedTokens < 2)) {
      throw new IllegalArgumentException(
          "--concurrent takes positive numbers and needs -n of 2 or more: " + concurrent);
    }
    int alone = Math.max(promptTokens, generatedTokens) + 2;
    int context =
        concurrent.isEmpty()
            ? alone
            : Math.max(alone, Math.multiplyExact(most, promptTokens + generatedTokens + 2));
    LoadRequest request =
        LoadRequest.of(path)
            .withContextLength(context)
            .withMaxSequences(most)
            .withKvType(kv.type().orElse(DataType.F16))
            .withLoadMode(load.mode().orElse(LoadMode.MAP))
            .withChunkTokens(Math.clamp(promptTokens, 1, 512));
    Progress progress = Progress.show("loading " + path.getFileName());
    try (progress;
        Container container = Container.start(folders, properties);
        Model loaded = container.serval().load(request)) {
      List<Measured> results =
          loaded.info().capability() == Capability.EMBED
              ? embedding(loaded, progress)
              : generation(loaded, progress);
      progress.close();
      int used = threads(container.serval().devices(), loaded.info());
      System.out.print(
          format == Format.JSON
              ? json(results, loaded.info(), used)
              : markdown(results, loaded.info(), used));
      return 0;
    }
  }

  private List<Measured> generation(Model loaded, Progress progress) throws InterruptedException {
    List<Measured> results = new ArrayList<>();
    if (promptTokens > 0) {
      progress.update("pp" + promptTokens);
      results.add(measure("pp" + promptTokens, () -> prefill(loaded)));
    }
    if (generatedTokens > 0) {
      progress.update("tg" + generatedTokens);
      results.add(measure("tg" + generatedTokens, () -> decode(loaded)));
    }
    for (int n : concurrent) {
      progress.update("tg" + generatedTokens + "x" + n);
      results.add(concurrent(loaded, n));
    }
    return results;
  }

  private Measured concurrent(Model loaded, int n) throws InterruptedException {
    int prompt = Math.max(1, promptTokens);
    List<ConcurrentBench.Result> all = new ArrayList<>();
    String test = (promptTokens > 0 ? "pp" + promptTokens + "+" : "") + "tg" + generatedTokens;
    Measured m =
        measure(
            test + "x" + n,
            () -> {
              all.add(ConcurrentBench.run(loaded, n, prompt, generatedTokens));
              return all.getLast().tokensPerSecond();
            });
    return new Measured(
        m.test, m.tokensPerSecond, m.deviation, OptionalDouble.empty(), Optional.of(all.getLast()));
  }

  private List<Measured> embedding(Model loaded, Progress progress) throws InterruptedException {
    if (promptTokens == 0) {
      return List.of();
    }
    String test = "pp" + promptTokens + (texts == 1 ? "" : "x" + texts);
    progress.update(test);
    Prompt text = new Prompt.Tokens(ids(loaded, promptTokens));
    EmbedRequest request = EmbedRequest.of(Collections.nCopies(texts, text));
    Measured m =
        measure(
            test,
            () -> {
              EmbedResult result = loaded.embed(request);
              return result.totalTokens() / seconds(result.nanos());
            });
    double rate = m.tokensPerSecond / promptTokens;
    return List.of(
        new Measured(
            test, m.tokensPerSecond, m.deviation, OptionalDouble.of(rate), Optional.empty()));
  }

  private static int threads(Map<String, DeviceReport> reports, ModelInfo info) {
    DeviceReport report = reports.get(info.backend());
    return report == null
        ? 0
        : report.devices().stream()
            .filter(d -> d.description().equals(info.device()))
            .map(Device::profile)
            .mapToInt(p -> p.computeUnits())
            .findFirst()
            .orElse(0);
  }

  private Measured measure(String test, Callable<Double> run) throws InterruptedException {
    long begin = System.nanoTime();
    for (int i = 0; i < MAX_WARM_UP_RUNS && System.nanoTime() - begin < WARM_UP_NANOS; i++) {
      call(run);
    }
    double sum = 0;
    double squares = 0;
    for (int i = 0; i < repetitions; i++) {
      double rate = call(run);
      sum += rate;
      squares += rate * rate;
    }
    double mean = sum / repetitions;
    double variance =
        repetitions < 2
            ? 0
            : Math.max(0, (squares - repetitions * mean * mean) / (repetitions - 1));
    return new Measured(test, mean, Math.sqrt(variance), OptionalDouble.empty(), Optional.empty());
  }

  private static double call(Callable<Double> run) throws InterruptedException {
    try {
      return run.call();
    } catch (InterruptedException | RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  private double prefill(Model loaded) throws InterruptedException {
    GenerationResult result = run(loaded, promptTokens, 1);
    return promptTokens / seconds(result.prefillNanos());
  }

  private double decode(Model loaded) throws InterruptedException {
    // the first token comes out of the prefill, so one more is asked for
    GenerationResult result = run(loaded, 1, generatedTokens + 1);
    return generatedTokens / seconds(result.decodeNanos());
  }

  private static GenerationResult run(Model loaded, int prompt, int generate)
      throws InterruptedException {
    GenerateRequest request =
        GenerateRequest.of(new Prompt.Tokens(ids(loaded, prompt)))
            .withSampling(SamplingOptions.GREEDY)
            .withMaxTokens(generate)
            .ignoringEnd()
            .withContext(ContextOptions.DEFAULT.withoutReuse());
    return loaded.generate(request, TokenSink.NONE).await();
  }

  private static List<Integer> ids(Model loaded, int n) {
    List<Integer> ids = new ArrayList<>();
    int vocabulary = loaded.info().vocabSize();
    for (int i = 0; i < n; i++) {
      ids.add((int) ((i * 2_654_435_761L & Integer.MAX_VALUE) % vocabulary));
    }
    return ids;
  }

  private static double seconds(long nanos) {
    return nanos / (double) TimeUnit.SECONDS.toNanos(1);
  }

  private static String json(List<Measured> results, ModelInfo info, int threads) {
    List<String> objects = new ArrayList<>();
    for (Measured m : results) {
      objects.add(
          String.format(
              Locale.ROOT,
              "  {\"test\": %s, \"threads\": %d, \"tok_s\": %.3f, \"stddev\": %.3f,%s \"backend\": %s,"
                  + " \"model\": %s}",
              Json.quoted(m.test),
              threads,
              m.tokensPerSecond,
              m.deviation,
              texts(m, " \"texts_s\": %.3f,")
                  + m.concurrent.map(ConcurrentBench.Result::json).orElse(""),
              Json.quoted(info.backend()),
              Json.quoted(info.name())));
    }
    return "[\n" + String.join(",\n", objects) + "\n]\n";
  }

  private static String markdown(List<Measured> results, ModelInfo info, int threads) {
    StringBuilder out = new StringBuilder("| model | backend | threads | test | tokens/s |\n");
    out.append("| --- | --- | ---: | --- | ---: |\n");
    for (Measured m : results) {
      out.append(
          String.format(
              Locale.ROOT,
              "| %s | %s | %d | %s | %.2f ± %.2f%s |%n",
              info.name(),
              info.backend(),
              threads,
              m.test,
              m.tokensPerSecond,
              m.deviation,
              texts(m, " (%.2f texts/s)")
                  + m.concurrent.map(c -> " (" + c.text() + ")").orElse("")));
    }
    return out.toString();
  }

  private static String texts(Measured m, String format) {
    return m.textsPerSecond.isEmpty()
        ? ""
        : String.format(Locale.ROOT, format, m.textsPerSecond.getAsDouble());
  }
}
