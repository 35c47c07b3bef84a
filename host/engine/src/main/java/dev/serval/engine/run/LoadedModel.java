package dev.serval.engine.run;

import dev.serval.api.backend.CompileSpec;
import dev.serval.api.backend.Program;
import dev.serval.api.backend.Step;
import dev.serval.api.error.BackendLostException;
import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.error.RequestRejectedException.Reason;
import dev.serval.api.error.ServalException;
import dev.serval.api.graph.Graph;
import dev.serval.api.metrics.MetricsSnapshot;
import dev.serval.api.model.ChatFormat;
import dev.serval.api.runtime.CacheOptions;
import dev.serval.api.runtime.Capability;
import dev.serval.api.runtime.ContextOptions;
import dev.serval.api.runtime.EmbedRequest;
import dev.serval.api.runtime.EmbedResult;
import dev.serval.api.runtime.EmbeddingInfo;
import dev.serval.api.runtime.GenerateRequest;
import dev.serval.api.runtime.Generation;
import dev.serval.api.runtime.LogitsSink;
import dev.serval.api.runtime.Model;
import dev.serval.api.runtime.ModelInfo;
import dev.serval.api.runtime.OutputOptions;
import dev.serval.api.runtime.Prompt;
import dev.serval.api.runtime.SamplingOptions;
import dev.serval.api.runtime.TokenSink;
import dev.serval.api.text.Tokenizer;
import dev.serval.engine.inspect.StepInspector;
import dev.serval.engine.kv.KvCache;
import dev.serval.engine.kv.KvCells;
import dev.serval.engine.sampling.LogSoftmax;
import dev.serval.engine.sampling.Sampler;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.IntPredicate;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/** A model with its runner: checks requests, turns them into sequences, waits. Thread-safe. */
public final class LoadedModel implements Model {

  /** How long consumers get to take what is left when the model closes. */
  private static final long CLOSE_DELIVERY_NANOS = TimeUnit.SECONDS.toNanos(1);

  /** How long closing waits beyond the deadline of the last step. */
  private static final long CLOSE_MARGIN_NANOS = TimeUnit.SECONDS.toNanos(10);

  /**
   * What a model is made of.
   *
   * @param info what was loaded
   * @param tokenizer text to ids and back
   * @param chatFormat conversation to prompt
   * @param graph what the program computes, with logits as result, or with pooled rows of whole
   *     texts
   * @param program what computes
   * @param step a step of the program
   * @param running generations that run at once, at most as many as the program has sequences
   * @param chunkTokens prompt tokens per step
   * @param host host memory for what is kept beyond the program's caches
   * @param cache how much that may be
   * @param inspector looks at each step
   */
  public record Parts(
      ModelInfo info,
      Tokenizer tokenizer,
      Optional<ChatFormat> chatFormat,
      Graph graph,
      Program program,
      Step step,
      int running,
      int chunkTokens,
      CompileSpec.Resources host,
      CacheOptions cache,
      Optional<StepInspector> inspector) {}

  private final Parts parts;
  private final Supplier<RunnerOptions> options;
  private final RunnerCounters counters;
  private final Scheduler scheduler;
  private final ModelRunner runner;
  private final Set<RunningGeneration> undelivered = ConcurrentHashMap.newKeySet();

  private final RequestChecks checks;

  /** What may be drawn, and what of it where a text must not end. */
  private final Sampler.Vocabulary vocabulary;

  private final Sampler.Vocabulary endless;
  private final OutputGrammars grammars;

  private LoadedModel(Parts parts, Supplier<RunnerOptions> options, Consumer<LoadedModel> onEnd) {
    this.parts = parts;
    this.options = options;
    counters = new RunnerCounters(parts.host().metrics());
    checks = new RequestChecks(parts.info(), StepChecks.idBound(parts.graph()));
    int rowWidth = parts.graph().outputWidth();
    int drawable = Math.min(rowWidth, parts.tokenizer().vocabSize());
    Tokenizer tokenizer = parts.tokenizer();
    vocabulary = drawable(rowWidth, drawable, tokenizer::isSuppressed);
    endless =
        drawable(
            rowWidth,
            drawable,
            id -> tokenizer.isSuppressed(id) || tokenizer.isEndOfGeneration(id));
    grammars = new OutputGrammars(tokenizer, drawable);
    CompileSpec.Limits limits = parts.step().layout().limits();
    scheduler =
        new Scheduler(
            new Scheduler.Limits(
                parts.running(),
                limits.maxTokens(),
                limits.maxWanted(),
                parts.chunkTokens(),
                parts.graph().wholeSequences()),
            () -> options.get().queueBound(),
            counters.refused());
    parts.host().metrics().gauge("engine.queue.waiting", scheduler::waiting);
    runner =
        new ModelRunner(
            parts.info().name(),
            parts.program(),
            parts.step(),
            cache(parts, limits),
            scheduler,
            options,
            counters,
            parts.inspector().orElse(null),
            () -> onEnd.accept(this));
  }

  private static KvCache cache(Parts parts, CompileSpec.Limits limits) {
    var groups = parts.graph().groups();
    boolean caches = groups.stream().anyMatch(g -> !g.slots().isEmpty());
    return new KvCache(
        new KvCells(groups, limits.cells(), limits.maxTokens(), parts.cache().windowMemory()),
        caches ? List.of(parts.program().kv()) : List.of(),
        parts.host(),
        parts.cache().checkpointBytes());
  }

  private static Sampler.Vocabulary drawable(int rowWidth, int size, IntPredicate never) {
    return new Sampler.Vocabulary(
        rowWidth, size, IntStream.range(0, size).filter(never).boxed().toList());
  }

  /**
   * Starts a model.
   *
   * @param parts what it is made of
   * @param options bounds as they are now, asked again and again
   * @param onEnd frees step, program, placement and file; runs once, when nothing uses them any
   *     more
   */
  public static LoadedModel start(
      Parts parts, Supplier<RunnerOptions> options, Consumer<LoadedModel> onEnd) {
    LoadedModel model = new LoadedModel(parts, options, onEnd);
    model.runner.start();
    return model;
  }

  @Override
  public ModelInfo info() {
    return parts.info();
  }

  @Override
  public Tokenizer tokenizer() {
    return parts.tokenizer();
  }

  @Override
  public Optional<ChatFormat> chatFormat() {
    return parts.chatFormat();
  }

  @Override
  public int[] tokens(Prompt prompt) {
    try {
      return switch (prompt) {
        case Prompt.Chat chat -> {
          ChatFormat format =
              parts
                  .chatFormat()
                  .orElseThrow(() ->
                      new RequestRejectedException(
                          Reason.OPTION_INVALID,
                          "model " + parts.info().name() + " has no chat format"));
          yield parts.tokenizer().encode(format.render(chat.messages()), true);
        }
        case Prompt.Text text -> parts.tokenizer().encode(text.parts(), text.addSpecial());
        case Prompt.Tokens tokens -> tokens.ids().stream().mapToInt(Integer::intValue).toArray();
      };
    } catch (ServalException e) {
      throw e;
    } catch (RuntimeException | LinkageError e) {
      // The tokenizer may come from a model bundle: its exception must not leave this call.
      throw new RequestRejectedException(
          Reason.PLUGIN_FAILED, "the tokenizer of " + parts.info().name() + " failed: " + e);
    }
  }

  @Override
  public Generation generate(GenerateRequest request, TokenSink sink) {
    checks.capability(Capability.GENERATE);
    int[] given = tokens(request.prompt());
    int[] prompt = fitting(given, request.context());
    checks.text("the prompt", prompt, parts.info().contextLength() - 1);
    SamplingOptions sampling = request.sampling();
    long seed = sampling.seed().orElseGet(() -> ThreadLocalRandom.current().nextLong());
    RunningGeneration generation =
        new RunningGeneration(
            sink,
            ids -> GeneratedText.of(parts.tokenizer(), request.stop(), ids),
            options.get(),
            scheduler::changed,
            undelivered::remove);
    Sampler.Vocabulary drawable = request.ignoreEnd() ? endless : vocabulary;
    OutputOptions output = request.output();
    TokenSource source =
        new TokenSource(
            new Sampler(sampling, drawable, seed),
            grammars.matcher(output.format()),
            output.topLogprobs().isPresent()
                ? new LogSoftmax(drawable.size(), output.topLogprobs().getAsInt())
                : null);
    GenerationSequence sequence =
        new GenerationSequence(
            prompt,
            new GenerationSequence.Parameters(
                request.maxTokens(),
                parts.info().contextLength(),
                request.context(),
                given.length - prompt.length,
                options.get().stallNanos()),
            parts.tokenizer(),
            new GeneratedText(parts.tokenizer(), request.stop()),
            source,
            generation,
            counters);
    undelivered.add(generation);
    try {
      scheduler.submit(sequence);
    } catch (ServalException e) {
      undelivered.remove(generation);
      throw e;
    }
    counters.generations().increment();
    generation.start(() -> runner.cancel(sequence));
    return generation;
  }

  /** A prompt without the tokens that are dropped because it does not fit. */
  private int[] fitting(int[] prompt, ContextOptions context) {
    int length = parts.info().contextLength();
    if (prompt.length < length || context.overflow() == ContextOptions.Overflow.REFUSE) {
      return prompt;
    }
    int keep = ContextShift.kept(length, context.keep());
    int drop = ContextShift.discard(length, keep, prompt.length);
    int[] shorter = Arrays.copyOf(prompt, prompt.length - drop);
    System.arraycopy(prompt, keep + drop, shorter, keep, shorter.length - keep);
    return shorter;
  }

  @Override
  public void logits(int[] ids, LogitsSink sink) throws InterruptedException {
    checks.capability(Capability.GENERATE);
    checks.text("the prompt", ids, parts.info().contextLength());
    LogitsSequence sequence = new LogitsSequence(ids.clone(), sink);
    submitAndAwait(
        sequence,
        sequence.done(),
        () -> {
          runner.cancel(sequence);
          sequence.abandon();
        });
  }

  @Override
  public EmbedResult embed(EmbedRequest request) throws InterruptedException {
    checks.capability(Capability.EMBED);
    long start = System.nanoTime();
    EmbeddingInfo embedding = parts.info().embedding().orElseThrow();
    int width = request.dimensions().orElse(embedding.width());
    checks.dimensions(width, embedding.width());
    int[][] ids = new EmbedTexts(request, this::tokens, embedding.maxTextTokens()).ids(checks);
    int[] lengths = Arrays.stream(ids).mapToInt(t -> t.length).toArray();
    if (ids.length == 0) {
      return new EmbedResult(new float[0][], lengths, System.nanoTime() - start);
    }
    EmbedRun run = new EmbedRun(ids, width, request.normalise(), counters.embeddedTexts());
    float[][] vectors =
        submitAndAwait(
            run.texts()[0],
            run.done(),
            () -> {
              run.done().cancel(false);
              for (EmbedSequence s : run.texts()) {
                runner.cancel(s);
              }
            });
    return new EmbedResult(vectors, lengths, System.nanoTime() - start);
  }

  /**
   * Has a sequence computed and waits for its result.
   *
   * @param onInterrupt gives the work up
   */
  private <T> T submitAndAwait(Sequence sequence, CompletableFuture<T> done, Runnable onInterrupt)
      throws InterruptedException {
    if (runner.isRunnerThread()) {
      throw new IllegalStateException("this waits, and must not be called on the model's thread");
    }
    scheduler.submit(sequence);
    try {
      return done.get();
    } catch (InterruptedException e) {
      onInterrupt.run();
      throw e;
    } catch (CancellationException e) {
      throw new RequestRejectedException(
          Reason.MODEL_CLOSED, "the model was closed while it computed");
    } catch (ExecutionException e) {
      switch (e.getCause()) {
        case RuntimeException failure -> throw failure;
        case Error failure -> throw failure;
        case null, default -> throw new IllegalStateException(e);
      }
    }
  }

  /** Requests that wait for others now. */
  int waiting() {
    return scheduler.waiting();
  }

  @Override
  public MetricsSnapshot metrics() {
    return parts.host().metrics().snapshot();
  }

  /**
   * Ends all generations with a {@link BackendLostException}, and the model with them. Returns at
   * once; {@link #awaitEnd} waits.
   *
   * @param reason what happened to which backend
   */
  public void lose(String reason) {
    runner.lose(reason);
  }

  /**
   * Waits until the model ended and everything it held is free.
   *
   * @param nanos how long
   * @return whether it ended
   */
  public boolean awaitEnd(long nanos) throws InterruptedException {
    return runner.awaitEnd(nanos);
  }

  /** Whether the model ended, and nothing of it is in use. */
  public boolean isEnded() {
    return runner.isOver();
  }

  @Override
  public void close() {
    runner.close();
    try {
      runner.awaitEnd(options.get().stepNanos() + CLOSE_MARGIN_NANOS);
      long deadline = System.nanoTime() + CLOSE_DELIVERY_NANOS;
      for (RunningGeneration g : undelivered) {
        g.endDelivery(deadline);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
