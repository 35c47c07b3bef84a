package dev.serval.bench.peers;

import static dev.serval.bench.peers.Engine.number;
import static dev.serval.bench.peers.Engine.numbers;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * llama.cpp, by its own {@code llama-bench}, {@code llama-batched-bench}, and for several texts at
 * once {@code llama-embedding}.
 */
final class LlamaEngine implements Engine {

  /** Minutes, seconds, milliseconds and microseconds since the start, before a line of the log. */
  private static final Pattern STAMP = Pattern.compile("^(\\d+)\\.(\\d+)\\.(\\d+)\\.(\\d+) ");

  private static final Pattern BATCH = Pattern.compile("batch_decode: n_tokens = (\\d+)");

  private final Path programs;
  private final Path scratch;

  /**
   * An engine.
   *
   * @param programs folder of the programs
   * @param scratch folder for lists of texts
   */
  LlamaEngine(Path programs, Path scratch) {
    this.programs = programs;
    this.scratch = scratch;
  }

  @Override
  public String name() {
    return "llama.cpp";
  }

  /** Version and commit. */
  String version() throws InterruptedException {
    List<String> lines =
        Program.run(List.of(programs.resolve("llama-bench").toString(), "--version"))
            .lines("version");
    return lines.isEmpty() ? "of unknown version" : lines.getLast().strip();
  }

  private Program.Ended run(String program, Path file, int threads, Object... options)
      throws NotMeasuredException, InterruptedException {
    Path path = programs.resolve(program);
    if (!Files.isExecutable(path)) {
      throw new NotMeasuredException("no " + program + " in LLAMA_BIN");
    }
    List<String> command =
        new ArrayList<>(
            List.of(path.toString(), "-m", file.toString(), "-t", Integer.toString(threads)));
    for (Object o : options) {
      command.add(o.toString());
    }
    Program.Ended ended = Program.run(command);
    Engine.requireSuccess(ended);
    return ended;
  }

  @Override
  public Figures measure(Path file, Work work, int threads)
      throws NotMeasuredException, InterruptedException {
    return switch (work) {
      case Work.Generate g -> {
        Program.Ended ended =
            run(
                "llama-bench",
                file,
                threads,
                "-p",
                g.prompt(),
                "-n",
                g.generated(),
                "-d",
                g.depth(),
                "-r",
                Work.Generate.REPETITIONS,
                "-ctk",
                g.cacheType(),
                "-ctv",
                g.cacheType(),
                "-o",
                "jsonl");
        yield new Figures(generated(g, ended), ended.cpuSeconds());
      }
      case Work.Embed e -> e.texts() == 1 ? text(file, e, threads) : texts(file, e, threads);
      case Work.Concurrent c -> {
        int n = c.sequences();
        Program.Ended ended =
            run(
                "llama-batched-bench",
                file,
                threads,
                "-c",
                n * (c.generated() + 1),
                "-npp",
                1,
                "-ntg",
                c.generated(),
                "-npl",
                n,
                "--output-format",
                "jsonl");
        yield new Figures(Map.of(c.name(), List.of(together(c, ended))), ended.cpuSeconds());
      }
      case Work.Beside b -> measure(file, b.alone(), threads);
    };
  }

  static Map<String, List<Double>> generated(Work.Generate g, Program.Ended ended)
      throws NotMeasuredException {
    Map<String, List<Double>> samples = new HashMap<>();
    for (String line : ended.lines("\"samples_ts\"")) {
      samples.put(
          number(line, "n_gen") == 0 ? g.prefill() : g.decode(), numbers(line, "samples_ts"));
    }
    return samples;
  }

  /** Tokens of all generations by the time from request to end. */
  static double together(Work.Concurrent c, Program.Ended ended) throws NotMeasuredException {
    List<String> lines = ended.lines("\"t_tg\"");
    if (lines.isEmpty()) {
      throw new NotMeasuredException(ended.lastLine());
    }
    return c.sequences() * c.generated() / number(lines.getLast(), "t");
  }

  /** The time of one text; its processor time is what more repetitions take more. */
  private Figures text(Path file, Work.Embed e, int threads)
      throws NotMeasuredException, InterruptedException {
    Program.Ended many = text(file, e, threads, Work.Embed.REPETITIONS);
    Program.Ended one = text(file, e, threads, 1);
    List<Double> millis =
        numbers(many.lines("\"samples_ts\"").getLast(), "samples_ts").stream()
            .map(rate -> 1e3 * e.tokens() / rate)
            .toList();
    double cpu = 1e3 * (many.cpuSeconds() - one.cpuSeconds()) / (Work.Embed.REPETITIONS - 1);
    return new Figures(
        Map.of(e.wall().name(), millis, e.cpu().name(), List.of(cpu)),
        many.cpuSeconds() + one.cpuSeconds());
  }

  private Program.Ended text(Path file, Work.Embed e, int threads, int repetitions)
      throws NotMeasuredException, InterruptedException {
    Program.Ended ended =
        run(
            "llama-bench",
            file,
            threads,
            "-embd",
            1,
            "-p",
            e.tokens(),
            "-n",
            0,
            "-r",
            repetitions,
            "-o",
            "jsonl");
    if (ended.lines("\"samples_ts\"").isEmpty()) {
      throw new NotMeasuredException(ended.lastLine());
    }
    return ended;
  }

  /**
   * Texts in one batch. The program measures one pass after a warm-up; its processor time is what
   * all texts take more than one.
   */
  private Figures texts(Path file, Work.Embed e, int threads)
      throws NotMeasuredException, InterruptedException {
    Program.Ended all = texts(file, e.tokens(), e.texts(), threads);
    Program.Ended one = texts(file, e.tokens(), 1, threads);
    double rate = rate(e, all);
    double cpu = 1e3 * (all.cpuSeconds() - one.cpuSeconds()) / (e.texts() - 1);
    return new Figures(
        Map.of(e.wall().name(), List.of(rate), e.cpu().name(), List.of(cpu)),
        all.cpuSeconds() + one.cpuSeconds());
  }

  private Program.Ended texts(Path file, int tokens, int texts, int threads)
      throws NotMeasuredException, InterruptedException {
    Path list = scratch.resolve("texts-" + texts + "x" + tokens + ".txt");
    try {
      Files.createDirectories(scratch);
      Files.writeString(list, lines(tokens, texts));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    // batches beyond the texts' tokens change nothing; smaller ones it refuses
    return run(
        "llama-embedding",
        file,
        threads,
        "-f",
        list,
        "-b",
        2048,
        "-ub",
        2048,
        "--fit",
        "off",
        "--pooling",
        "mean",
        "--perf",
        "-lv",
        4);
  }

  /**
   * Texts of so many tokens: a benchmark model knows no word of letters, so that each is a token of
   * its byte, and one mark goes before.
   */
  static String lines(int tokens, int texts) {
    StringBuilder all = new StringBuilder();
    for (int text = 0; text < texts; text++) {
      for (int i = 1; i < tokens; i++) {
        all.append((char) ('a' + (31 * text + 7 * i) % 26));
      }
      all.append('\n');
    }
    return all.toString();
  }

  /** Texts per second between the log's line of the batch and the one after the last vector. */
  static double rate(Work.Embed e, Program.Ended ended) throws NotMeasuredException {
    List<String> batches = ended.lines("batch_decode: n_tokens");
    List<String> ends = ended.lines("llama_perf_context_print");
    if (batches.size() != 1 || ends.isEmpty()) {
      throw new NotMeasuredException(
          "expected one batch and its end, got " + batches.size() + " and " + ends.size());
    }
    Matcher m = BATCH.matcher(batches.getFirst());
    if (!m.find() || Integer.parseInt(m.group(1)) != e.texts() * e.tokens()) {
      throw new NotMeasuredException(
          "expected " + e.texts() * e.tokens() + " tokens: " + batches.getFirst());
    }
    return e.texts() / (seconds(ends.getFirst()) - seconds(batches.getFirst()));
  }

  private static double seconds(String line) throws NotMeasuredException {
    Matcher m = STAMP.matcher(line);
    if (!m.find()) {
      throw new NotMeasuredException("no time before: " + line);
    }
    return Integer.parseInt(m.group(1)) * 60
        + Integer.parseInt(m.group(2))
        + Integer.parseInt(m.group(3)) / 1e3
        + Integer.parseInt(m.group(4)) / 1e6;
  }
}
