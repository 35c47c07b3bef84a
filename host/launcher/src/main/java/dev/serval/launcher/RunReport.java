package dev.serval.launcher;

import dev.serval.api.memory.ByteSize;
import dev.serval.api.memory.MemoryUse;
import dev.serval.api.metrics.MetricsSnapshot;
import dev.serval.api.runtime.GenerationResult;
import dev.serval.api.runtime.LoadReport;
import dev.serval.api.runtime.ModelInfo;
import dev.serval.api.runtime.TokenUse;
import java.io.PrintWriter;
import java.util.Arrays;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** Figures of loading and generating, as {@code --verbose} prints them. */
final class RunReport {

  private RunReport() {}

  /** What was loaded, and how. */
  static void model(PrintWriter out, ModelInfo info) {
    out.printf(
        "model    %s (%s) on %s, %s%n",
        info.name(), info.architecture(), info.backend(), info.device());
    out.printf("context  %d of %d tokens trained%n", info.contextLength(), info.trainedContext());
    info.notes().forEach(note -> out.println("note     " + note));
    out.printf(
        Locale.ROOT,
        "load     %.2f s, %.1f MiB in the file, %.1f MiB leased%n",
        seconds(info.loadNanos()),
        info.fileBytes() / (double) (1 << 20),
        info.memory().totalBytes() / (double) (1 << 20));
    memory(out, "plan", info.planned());
    memory(out, "actual", info.memory());
    weights(out, info.load());
    out.flush();
  }

  private static void weights(PrintWriter out, LoadReport load) {
    out.printf(
        Locale.ROOT,
        "read     %.1f MB of %d file%s in %.3f s, %.0f MB/s%n",
        load.readBytes() / 1e6,
        load.files(),
        load.files() == 1 ? "" : "s",
        load.seconds(),
        load.megabytesPerSecond());
    for (LoadReport.Part part : load.parts()) {
      out.printf(
          Locale.ROOT,
          "%-8s %d tensors %s, %.1f MB%n",
          part.kind().name().toLowerCase(Locale.ROOT),
          part.tensors(),
          part.type(),
          part.bytes() / 1e6);
    }
  }

  private static void memory(PrintWriter out, String what, MemoryUse use) {
    out.printf(
        "%-8s weights %s, kv %s, activations %s, staging %s%n",
        what,
        ByteSize.format(use.weightsBytes()),
        ByteSize.format(use.kvBytes()),
        ByteSize.format(use.activationBytes()),
        ByteSize.format(use.stagingBytes()));
  }

  /** How one generation went. */
  static void generation(PrintWriter out, GenerationResult result) {
    TokenUse use = result.use();
    out.printf(
        "prompt   %d tokens, %d reused, %d computed%s%n",
        use.prompt(),
        use.reused(),
        use.prefilled(),
        use.dropped() == 0
            ? ""
            : ", " + use.dropped() + " dropped, " + use.moved() + " moved without computing");
    rate(out, "prefill", use.prefilled(), result.prefillNanos());
    // the first token comes out of the prefill
    rate(out, "decode", Math.max(0, result.tokens().size() - 1), result.decodeNanos());
    out.println("finish   " + result.finish().name().toLowerCase(Locale.ROOT));
    out.flush();
  }

  /** What a model counted since it was loaded. */
  static void counters(PrintWriter out, MetricsSnapshot counted) {
    long steps = counted.value("engine.steps");
    long rows = counted.value("engine.tokens.computed");
    out.printf(
        Locale.ROOT,
        "steps    %d, %.1f rows each, %d aborted%n",
        steps,
        rows / (double) Math.max(1, steps),
        counted.value("engine.steps.aborted"));
    long[] nanos =
        Stream.of("matmul", "attention", "other")
            .mapToLong(kind -> counted.value("cpu." + kind + ".nanos"))
            .toArray();
    long all = Arrays.stream(nanos).sum();
    if (all > 0) {
      out.printf(
          Locale.ROOT,
          "time     %.0f %% matmul, %.0f %% attention, %.0f %% other%n",
          100.0 * nanos[0] / all,
          100.0 * nanos[1] / all,
          100.0 * nanos[2] / all);
    }
    out.printf(
        "cache    %d of %d texts began with known tokens, %d tokens reused%n",
        counted.value("engine.cache.hits"),
        counted.value("engine.cache.lookups"),
        counted.value("engine.tokens.reused"));
    out.flush();
  }

  private static void rate(PrintWriter out, String what, int tokens, long nanos) {
    out.printf(
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
