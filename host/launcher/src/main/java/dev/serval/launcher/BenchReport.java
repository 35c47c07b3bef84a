package dev.serval.launcher;

import dev.serval.api.memory.ByteSize;
import dev.serval.api.memory.MemoryUse;
import dev.serval.api.runtime.LoadReport;
import dev.serval.api.runtime.ModelInfo;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/** Results of a benchmark as text: a table for people, JSON for programs. */
final class BenchReport {

  /**
   * One line of the result. Time and allocation are those of the whole process, divided by the
   * tokens of the test.
   *
   * @param test prompt tokens {@code pp} or generated tokens {@code tg}
   * @param rates tokens per second of each repetition
   * @param textsPerSecond of an embedding model
   * @param firstToken seconds from request to first token, on average; NaN where there is none
   * @param cpuSeconds processor time per token; NaN if not known
   * @param allocatedBytes bytes of the heap per token; NaN if not known
   * @param warmUp how the test was warmed up
   * @param concurrent of several generations at once
   */
  record Line(
      String test,
      List<Double> rates,
      OptionalDouble textsPerSecond,
      double firstToken,
      double cpuSeconds,
      double allocatedBytes,
      WarmUp.Report warmUp,
      Optional<ConcurrentBench.Result> concurrent) {

    Line {
      rates = List.copyOf(rates);
    }

    /** The same of texts that have so many tokens each. */
    Line withTextsOf(int tokens) {
      return new Line(
          test,
          rates,
          OptionalDouble.of(mean() / tokens),
          firstToken,
          cpuSeconds,
          allocatedBytes,
          warmUp,
          concurrent);
    }

    /** The same of several generations at once. */
    Line with(ConcurrentBench.Result result) {
      return new Line(
          test,
          rates,
          textsPerSecond,
          firstToken,
          cpuSeconds,
          allocatedBytes,
          warmUp,
          Optional.of(result));
    }

    double mean() {
      return rates.stream().mapToDouble(r -> r).average().orElse(Double.NaN);
    }

    /** Standard deviation of the repetitions; 0 for one. */
    double deviation() {
      double mean = mean();
      double squares = rates.stream().mapToDouble(r -> (r - mean) * (r - mean)).sum();
      return rates.size() < 2 ? 0 : Math.sqrt(squares / (rates.size() - 1));
    }
  }

  private final ModelInfo info;
  private final int threads;
  private final OptionalLong peakResident;

  /**
   * A report.
   *
   * @param threads compute threads
   * @param peakResident bytes, if known
   */
  BenchReport(ModelInfo info, int threads, OptionalLong peakResident) {
    this.info = info;
    this.threads = threads;
    this.peakResident = peakResident;
  }

  /** An array with an object for each line; what is not known is left out. */
  String json(List<Line> lines) {
    List<Object> all = new ArrayList<>();
    for (Line line : lines) {
      Map<String, Object> o = new LinkedHashMap<>();
      o.put("test", line.test);
      o.put("threads", threads);
      o.put("tok_s", rounded(line.mean()));
      o.put("stddev", rounded(line.deviation()));
      o.put("samples_tok_s", line.rates.stream().map(BenchReport::rounded).toList());
      line.textsPerSecond.ifPresent(t -> o.put("texts_s", rounded(t)));
      known(o, "first_token_s", line.firstToken);
      line.concurrent.ifPresent(c -> {
        o.put("first_token_max_s", rounded(c.firstTokenMost()));
        o.put("fairness", rounded(c.fairness()));
      });
      known(o, "cpu_s_per_token", line.cpuSeconds);
      known(o, "allocated_bytes_per_token", line.allocatedBytes);
      o.put("warm_up_runs", line.warmUp.runs());
      o.put("warm_up_s", rounded(line.warmUp.seconds()));
      o.put("stable", line.warmUp.stable());
      o.put("planned_bytes", info.planned().totalBytes());
      o.put("mapped_bytes", info.load().bytes(LoadReport.Kind.MAPPED));
      peakResident.ifPresent(bytes -> o.put("peak_resident_bytes", bytes));
      o.put("backend", info.backend());
      o.put("model", info.name());
      all.add(o);
    }
    return Json.lines(all) + "\n";
  }

  private static void known(Map<String, Object> o, String key, double value) {
    if (!Double.isNaN(value)) {
      o.put(key, rounded(value));
    }
  }

  /** Six digits, which is more than a measurement has. */
  private static double rounded(double value) {
    return Double.parseDouble(String.format(Locale.ROOT, "%.6g", value));
  }

  /** A table, then what memory was used. */
  String markdown(List<Line> lines) {
    StringBuilder out = new StringBuilder();
    out.append("| model | backend | threads | test | tokens/s | first token | CPU/token |")
        .append(" heap/token | warm-up |\n")
        .append("| --- | --- | ---: | --- | ---: | ---: | ---: | ---: | ---: |\n");
    for (Line line : lines) {
      out.append(
          String.format(
              Locale.ROOT,
              "| %s | %s | %d | %s | %.2f ± %.2f%s | %s | %s | %s | %.1f s%s |%n",
              info.name(),
              info.backend(),
              threads,
              line.test,
              line.mean(),
              line.deviation(),
              line.textsPerSecond.isEmpty()
                  ? ""
                  : String.format(
                      Locale.ROOT, " (%.2f texts/s)", line.textsPerSecond.getAsDouble()),
              known("%.4f s", line.firstToken)
                  + line.concurrent.map(c -> ", " + c.text()).orElse(""),
              known("%.3f ms", line.cpuSeconds * 1e3),
              known("%.0f B", line.allocatedBytes),
              line.warmUp.seconds(),
              line.warmUp.stable() ? "" : ", not stable"));
    }
    return out.append('\n').append(memory()).toString();
  }

  private static String known(String format, double value) {
    return Double.isNaN(value) ? "-" : String.format(Locale.ROOT, format, value);
  }

  /** What was planned, what was resident, and what of that is neither weights nor planned. */
  private String memory() {
    MemoryUse plan = info.planned();
    long mapped = info.load().bytes(LoadReport.Kind.MAPPED);
    String text =
        String.format(
            "memory: planned %s (weights %s, kv %s, activations %s, staging %s), weights in the"
                + " mapped file %s, resident at most ",
            ByteSize.format(plan.totalBytes()),
            ByteSize.format(plan.weightsBytes()),
            ByteSize.format(plan.kvBytes()),
            ByteSize.format(plan.activationBytes()),
            ByteSize.format(plan.stagingBytes()),
            ByteSize.format(mapped));
    if (peakResident.isEmpty()) {
      return text + "unknown\n";
    }
    long peak = peakResident.getAsLong();
    long beyond = peak - mapped - plan.totalBytes();
    return text
        + ByteSize.format(peak)
        + (beyond < 0 ? "" : ", which is " + ByteSize.format(beyond) + " beyond these")
        + "\n";
  }
}
