package dev.serval.launcher;

import dev.serval.api.runtime.ContextOptions;
import dev.serval.api.runtime.GenerateRequest;
import dev.serval.api.runtime.Generation;
import dev.serval.api.runtime.GenerationResult;
import dev.serval.api.runtime.Model;
import dev.serval.api.runtime.Prompt;
import dev.serval.api.runtime.SamplingOptions;
import dev.serval.api.runtime.TokenSink;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;

/** Several generations at once on one model, each with a prompt of its own. */
final class ConcurrentBench {

  /**
   * What was measured.
   *
   * @param tokensPerSecond tokens that all generations together produced, per second from the first
   *     request to the last end
   * @param firstTokenMean seconds from request to first token, on average
   * @param firstTokenMost the longest of them
   * @param fairness tokens per second after the first token, those of the fastest generation by
   *     those of the slowest
   */
  record Result(
      double tokensPerSecond, double firstTokenMean, double firstTokenMost, double fairness) {

    /** What a mean does not tell. */
    String text() {
      return String.format(Locale.ROOT, "at most %.3f s, fairness %.3f", firstTokenMost, fairness);
    }
  }

  private static final double NANOS = TimeUnit.SECONDS.toNanos(1);

  private ConcurrentBench() {}

  /** The request of generation {@code number}: greedy, to the last token, nothing reused. */
  private static GenerateRequest request(Model model, int number, int prompt, int generate) {
    List<Integer> ids = new ArrayList<>();
    int vocabulary = model.info().vocabSize();
    for (long i = 0; i < prompt; i++) {
      long hash = (i + 1 + 7_919L * number) * 2_654_435_761L;
      ids.add((int) ((hash & Integer.MAX_VALUE) % vocabulary));
    }
    return GenerateRequest.of(new Prompt.Tokens(ids))
        .withSampling(SamplingOptions.GREEDY)
        .withMaxTokens(generate)
        .ignoringEnd()
        .withContext(ContextOptions.DEFAULT.withoutReuse());
  }

  /**
   * Runs generations side by side to their ends.
   *
   * @param n number of generations
   * @param prompt tokens of each prompt
   * @param generate tokens that each produces, at least 2
   */
  static Result run(Model model, int n, int prompt, int generate) throws InterruptedException {
    List<GenerateRequest> requests = new ArrayList<>();
    for (int i = 0; i < n; i++) {
      requests.add(request(model, i, prompt, generate));
    }
    long begin = System.nanoTime();
    List<Generation> running = new ArrayList<>();
    for (GenerateRequest r : requests) {
      running.add(model.generate(r, TokenSink.NONE));
    }
    List<GenerationResult> results = new ArrayList<>();
    for (Generation g : running) {
      results.add(g.await());
    }
    double seconds = (System.nanoTime() - begin) / NANOS;
    long tokens = results.stream().mapToLong(r -> r.tokens().size()).sum();
    double[] rates =
        results.stream()
            .mapToDouble(r -> (r.tokens().size() - 1) / (double) r.decodeNanos())
            .toArray();
    double slowest = Double.POSITIVE_INFINITY;
    double fastest = 0;
    for (double rate : rates) {
      slowest = Math.min(slowest, rate);
      fastest = Math.max(fastest, rate);
    }
    return new Result(
        tokens / seconds,
        results.stream().mapToLong(GenerationResult::prefillNanos).average().orElse(0) / NANOS,
        results.stream().mapToLong(GenerationResult::prefillNanos).max().orElse(0) / NANOS,
        fastest / slowest);
  }
}
