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
 * texts, {@code pp512x4} for four texts of 512 tokens in a request, and the texts per second. Each
 * test is warmed up until it gets no faster ({@link WarmUp}); beside its rate stand the time to the
 * first token and what the process spent on a token, and below the table the memory of the whole.
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

  /** Forms of the result. */
  enum Format {
    JSON,
    MD
  }

  /**
   * One run of a test.
   *
   * @param tokens tokens by which its costs are divided
   * @param rate tokens per second
   * @param firstToken seconds to the first token; NaN where there is none
   */
  private record Run(long tokens, double rate, double firstToken) {}

  /** A test. */
  @FunctionalInterface
  private interface Test {
    Run run() throws InterruptedException;
  }

  @Parameters(paramLabel = "MODEL", description = "path to a GGUF file, or demo")
  private String model = "";

  @Option(names = "-p", paramLabel = "N", description = "prompt tokens; 0 skips; default 512")
  private int promptTokens = 512;

  @Option(names = "-n", paramLabel = "N", description = "generated tokens; 0 skips; default 64")
  private int generatedTokens = 64;

  @Option(
      names = {"-d", "--depth"},
      paramLabel = "N",
      description = "tokens in the cache before decode begins; default 0")
  private int depth;

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
    if (promptTokens < 0 || generatedTokens < 0 || depth < 0 || repetitions < 1 || texts < 1) {
      throw new IllegalArgumentException(
          "-p, -n and -d must not be negative, -r and --texts must be positive: -p "
              + promptTokens
              + " -n "
              + generatedTokens
              + " -d "
              + depth
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
    int alone = Math.addExact(Math.max(promptTokens, Math.addExact(depth, generatedTokens)), 2);
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
      List<BenchReport.Line> results =
          loaded.info().capability() == Capability.EMBED
              ? embedding(loaded, progress)
              : generation(loaded, progress);
      progress.close();
      int used = threads(container.serval().devices(), loaded.info());
      BenchReport report = new BenchReport(loaded.info(), used, ProcessUse.peakResidentBytes());
      System.out.print(format == Format.JSON ? report.json(results) : report.markdown(results));
      return 0;
    }
  }

  private List<BenchReport.Line> generation(Model loaded, Progress progress)
      throws InterruptedException {
    List<BenchReport.Line> results = new ArrayList<>();
    if (promptTokens > 0) {
      String test = "pp" + promptTokens;
      progress.update(test);
      results.add(measure(test, () -> prefill(loaded)));
    }
    if (generatedTokens > 0) {
      String test = "tg" + generatedTokens + (depth == 0 ? "" : "@" + depth);
      progress.update(test);
      results.add(measure(test, () -> decode(loaded)));
    }
    for (int n : concurrent) {
      progress.update("tg" + generatedTokens + "x" + n);
      results.add(concurrent(loaded, n));
    }
    return results;
  }

  private BenchReport.Line concurrent(Model loaded, int n) throws InterruptedException {
    int prompt = Math.max(1, promptTokens);
    List<ConcurrentBench.Result> all = new ArrayList<>();
    String test = (promptTokens > 0 ? "pp" + promptTokens + "+" : "") + "tg" + generatedTokens;
    return measure(
            test + "x" + n,
            () -> {
              ConcurrentBench.Result r = ConcurrentBench.run(loaded, n, prompt, generatedTokens);
              all.add(r);
              return new Run((long) n * generatedTokens, r.tokensPerSecond(), r.firstTokenMean());
            })
        .with(all.getLast());
  }

  private List<BenchReport.Line> embedding(Model loaded, Progress progress)
      throws InterruptedException {
    if (promptTokens == 0) {
      return List.of();
    }
    String test = "pp" + promptTokens + (texts == 1 ? "" : "x" + texts);
    progress.update(test);
    Prompt text = new Prompt.Tokens(ids(loaded, promptTokens));
    EmbedRequest request = EmbedRequest.of(Collections.nCopies(texts, text));
    return List.of(
        measure(
                test,
                () -> {
                  EmbedResult r = loaded.embed(request);
                  return new Run(r.totalTokens(), r.totalTokens() / seconds(r.nanos()), Double.NaN);
                })
            .withTextsOf(promptTokens));
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

  private BenchReport.Line measure(String name, Test test) throws InterruptedException {
    WarmUp.Report warmUp = WarmUp.repeat(test::run, System::nanoTime);
    List<Double> rates = new ArrayList<>();
    double firstTokens = 0;
    long tokens = 0;
    ProcessUse before = ProcessUse.now();
    for (int i = 0; i < repetitions; i++) {
      Run run = test.run();
      rates.add(run.rate);
      firstTokens += run.firstToken;
      tokens += run.tokens;
    }
    ProcessUse after = ProcessUse.now();
    return new BenchReport.Line(
        name,
        rates,
        OptionalDouble.empty(),
        firstTokens / repetitions,
        after.cpuSecondsSince(before) / tokens,
        after.allocatedSince(before) / tokens,
        warmUp,
        Optional.empty());
  }

  private Run prefill(Model loaded) throws InterruptedException {
    GenerationResult result = run(loaded, promptTokens, 1, ContextOptions.DEFAULT.withoutReuse());
    double seconds = seconds(result.prefillNanos());
    return new Run(promptTokens, promptTokens / seconds, seconds);
  }

  private Run decode(Model loaded) throws InterruptedException {
    // the first token comes out of the prefill, so one more is asked for; a depth is computed once
    GenerationResult result =
        run(
            loaded,
            depth + 1,
            generatedTokens + 1,
            depth == 0 ? ContextOptions.DEFAULT.withoutReuse() : ContextOptions.DEFAULT);
    return new Run(
        generatedTokens,
        generatedTokens / seconds(result.decodeNanos()),
        seconds(result.prefillNanos()));
  }

  private static GenerationResult run(
      Model loaded, int prompt, int generate, ContextOptions context) throws InterruptedException {
    GenerateRequest request =
        GenerateRequest.of(new Prompt.Tokens(ids(loaded, prompt)))
            .withSampling(SamplingOptions.GREEDY)
            .withMaxTokens(generate)
            .ignoringEnd()
            .withContext(context);
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
}
