package dev.serval.engine.run;

import dev.serval.api.backend.CompileSpec;
import dev.serval.api.backend.Step;
import dev.serval.api.memory.MemoryUse;
import dev.serval.api.metrics.Metrics;
import dev.serval.api.runtime.CacheOptions;
import dev.serval.api.runtime.ContextOptions;
import dev.serval.api.runtime.GenerateRequest;
import dev.serval.api.runtime.GenerationResult;
import dev.serval.api.runtime.LoadReport;
import dev.serval.api.runtime.ModelInfo;
import dev.serval.api.runtime.Prompt;
import dev.serval.api.runtime.SamplingOptions;
import dev.serval.api.runtime.TokenSink;
import dev.serval.api.settings.Settings;
import dev.serval.api.text.Tokenizer;
import dev.serval.engine.memory.DeviceBudget;
import dev.serval.engine.memory.PoolOptions;
import dev.serval.engine.memory.TieredBufferPool;
import dev.serval.engine.recall.LetterTokenizer;
import dev.serval.engine.recall.RecallProgram;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** A model on a {@link RecallProgram}, and the requests that tests make of it. */
final class RunningModel implements AutoCloseable {

  final RecallProgram program;
  final LoadedModel model;

  /** Where checkpoints come from. */
  final CompileSpec.Resources host = host();

  RunningModel(int contextLength, int maxSequences, int chunkTokens) {
    this(contextLength, maxSequences, chunkTokens, options(60_000, 60_000));
  }

  RunningModel(int contextLength, int maxSequences, int chunkTokens, RunnerOptions options) {
    this(contextLength, maxSequences, chunkTokens, options, new LetterTokenizer());
  }

  RunningModel(
      int contextLength,
      int maxSequences,
      int chunkTokens,
      RunnerOptions options,
      Tokenizer tokenizer) {
    this(contextLength, maxSequences, chunkTokens, options, tokenizer, CacheOptions.DEFAULT);
  }

  RunningModel(
      int contextLength,
      int maxSequences,
      int chunkTokens,
      RunnerOptions options,
      Tokenizer tokenizer,
      CacheOptions cache) {
    int maxTokens = Math.max(chunkTokens, maxSequences);
    program = new RecallProgram(contextLength, maxSequences, maxTokens, cache.windowMemory());
    Step step = program.newStep();
    ModelInfo info =
        new ModelInfo(
            "recall",
            "test",
            0,
            0,
            Optional.empty(),
            LetterTokenizer.VOCAB,
            contextLength,
            contextLength,
            "recall",
            "test",
            program.numericsId(),
            MemoryUse.NONE,
            MemoryUse.NONE,
            0,
            LoadReport.NONE,
            List.of());
    model =
        LoadedModel.start(
            new LoadedModel.Parts(
                info,
                tokenizer,
                Optional.empty(),
                program.layout().graph(),
                program,
                step,
                maxSequences,
                chunkTokens,
                host,
                cache,
                Optional.empty()),
            () -> options,
            ended -> {
              step.close();
              program.close();
            });
  }

  /** Memory that nobody else uses. */
  static CompileSpec.Resources host() {
    return new CompileSpec.Resources(
        "recall",
        new TieredBufferPool(PoolOptions.of(Settings.ofProcess(Map.of()))),
        new DeviceBudget(Long.MAX_VALUE),
        new Metrics());
  }

  static RunnerOptions options(long stepMillis, long stallMillis) {
    return new RunnerOptions(
        TimeUnit.MILLISECONDS.toNanos(stepMillis),
        TimeUnit.MILLISECONDS.toNanos(stallMillis),
        4 * EventRing.EVENT_BYTES,
        8);
  }

  static GenerateRequest request(String prompt, int maxTokens) {
    return new GenerateRequest(
        Prompt.text(prompt),
        SamplingOptions.GREEDY,
        maxTokens,
        List.of(),
        false,
        ContextOptions.DEFAULT);
  }

  /** What a prompt is continued with, computed without the runner. */
  static List<Integer> expected(String prompt, int tokens) {
    List<Integer> text =
        new ArrayList<>(Arrays.stream(LetterTokenizer.ids(prompt)).boxed().toList());
    for (int i = 0; i < tokens; i++) {
      text.add(RecallProgram.next(text));
    }
    return List.copyOf(text.subList(prompt.length(), text.size()));
  }

  GenerationResult generate(String prompt, int maxTokens) throws InterruptedException {
    return model.generate(request(prompt, maxTokens), TokenSink.NONE).await();
  }

  long counter(String name) {
    return model.metrics().value(name);
  }

  @Override
  public void close() {
    model.close();
  }
}
