package dev.serval.engine;

import dev.serval.api.backend.Backend;
import dev.serval.api.backend.CompileSpec;
import dev.serval.api.backend.Device;
import dev.serval.api.backend.Placement;
import dev.serval.api.backend.Program;
import dev.serval.api.backend.Step;
import dev.serval.api.error.ModelRefusedException;
import dev.serval.api.error.ModelRefusedException.Reason;
import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.error.ServalException;
import dev.serval.api.graph.Graph;
import dev.serval.api.graph.OutputKind;
import dev.serval.api.kv.SequenceSet;
import dev.serval.api.memory.BufferPool;
import dev.serval.api.memory.MemoryUse;
import dev.serval.api.metrics.Metrics;
import dev.serval.api.runtime.EmbeddingInfo;
import dev.serval.api.runtime.LoadMode;
import dev.serval.api.runtime.LoadReport;
import dev.serval.api.runtime.LoadRequest;
import dev.serval.api.runtime.MemoryPlan;
import dev.serval.api.runtime.ModelInfo;
import dev.serval.api.runtime.PlanRequest;
import dev.serval.api.tensor.DataType;
import dev.serval.engine.gguf.GgufFile;
import dev.serval.engine.gguf.LoadedWeights;
import dev.serval.engine.gguf.WeightLoad;
import dev.serval.engine.inspect.StepInspector;
import dev.serval.engine.kv.SharedCells;
import dev.serval.engine.memory.DeviceBudgets;
import dev.serval.engine.memory.MemoryGauge;
import dev.serval.engine.memory.PoolAccount;
import dev.serval.engine.memory.TieredBufferPool;
import dev.serval.engine.run.LoadedModel;
import dev.serval.engine.run.RunnerOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Loads one model: open, recognise, describe, choose a backend, plan, place, compile, start. If any
 * stage fails, everything that the earlier ones took is given back. Used once, by one thread.
 */
final class ModelLoader {
  private static final Logger LOG = LoggerFactory.getLogger(ModelLoader.class);

  /** Types that a cache can have: exact, the default, half of it, a little more than a quarter. */
  private static final List<DataType> KV_TYPES =
      List.of(DataType.F32, DataType.F16, DataType.Q8_0, DataType.Q4_0);

  /** Texts of ended generations that may stay in the cache, beside those that run. */
  private static final int KEPT_TEXTS = 16;

  /** Least number of logits rows per step, so that evaluating a text takes few steps. */
  private static final int MIN_WANTED = 16;

  private final LoadRequest request;
  private final Supplier<RunnerOptions> options;
  private final TieredBufferPool pool;
  private final DeviceBudgets budgets;
  private final long startNanos = System.nanoTime();
  private final List<String> notes = new ArrayList<>();
  private final Releases releases = new Releases();

  /** What the model has allocated. */
  private final MemoryGauge own = new MemoryGauge();

  ModelLoader(
      LoadRequest request,
      Supplier<RunnerOptions> options,
      TieredBufferPool pool,
      DeviceBudgets budgets) {
    this.request = request;
    this.options = options;
    this.pool = pool;
    this.budgets = budgets;
  }

  /**
   * A model, the backend and device it runs on, and the bundles it owes its work to.
   *
   * @param backendBundle package of the backend's class
   * @param modelBundle package of the architecture's class
   */
  record Loaded(
      LoadedModel model,
      BackendRegistry.Slot slot,
      Device device,
      String backendBundle,
      String modelBundle) {}

  /**
   * Loads the model.
   *
   * @param memory what a bundle has allocated, by its name
   * @param onEnd runs when the model ended and everything it held is free
   * @throws ServalException if that is not possible; nothing is held then
   */
  Loaded load(
      ArchitectureRegistry architectures,
      BackendRegistry backends,
      Function<String, MemoryGauge> memory,
      Consumer<LoadedModel> onEnd) {
    boolean loaded = false;
    try {
      GgufFile file = releases.add(GgufFile.open(request.path()));
      Description description = Description.of(architectures, file.source(), request.inspection());
      int contextLength = contextLength(description.trainedContext());
      DeviceFit fit =
          DeviceFit.first(
              BackendChoice.candidates(
                  backends.slots(), request.backend(), description.graph(), kvType()),
              new DeviceFit.Wish(
                  description.name(),
                  contextLength,
                  specs(description.name(), pool),
                  (choice, graph) -> weights(file, choice, graph)),
              choice -> budgets.of(choice.device()),
              choice -> budgets.of(host(backends, choice.device())));
      releases.add(fit.choice().slot()::release);
      releases.add(fit.budgets());
      Backend backend = fit.choice().slot().backend();
      fit.budgets()
          .measure(
              Stream.concat(
                      Stream.of(own),
                      Stream.of(bundle(backend), description.bundle()).distinct().map(memory))
                  .toList());
      PoolAccount account = releases.add(pool.account(account(backend, description.name())));
      notes.addAll(fit.notes());
      Loaded result = start(file, description, contextLength, fit, account, onEnd);
      loaded = true;
      return result;
    } finally {
      if (!loaded) {
        releases.close();
      }
    }
  }

  /**
   * Plans the load, without loading.
   *
   * @param plan devices and wishes; its load is this loader's
   * @throws ServalException if no backend runs the model, or the file is damaged
   */
  MemoryPlan plan(PlanRequest plan, ArchitectureRegistry architectures, BackendRegistry backends) {
    try {
      GgufFile file = releases.add(GgufFile.open(request.path()));
      Description description = Description.of(architectures, file.source(), request.inspection());
      int contextLength = contextLength(description.trainedContext());
      List<BackendChoice> candidates =
          BackendChoice.candidates(
              backends.slots(), request.backend(), description.graph(), kvType());
      candidates.forEach(c -> releases.add(c.slot()::release));
      DeviceFit.Wish wish =
          new DeviceFit.Wish(
              description.name(),
              contextLength,
              specs(description.name(), pool),
              (choice, graph) -> weights(file, choice, graph));
      return new MemoryPlanning(plan, candidates, budgets, wish)
          .plan(description.source().architecture(), notes);
    } finally {
      releases.close();
    }
  }

  /** The bundle of a backend, by the package of its class. */
  private static String bundle(Backend backend) {
    return backend.getClass().getPackageName();
  }

  /** The account of what a backend leases for a model. */
  static String account(Backend backend, String model) {
    return backend.name() + " for " + model;
  }

  private WeightLoad weights(GgufFile file, BackendChoice choice, Graph graph) {
    return new WeightLoad(file, choice.slot().backend().weightUse(graph), request.loadMode());
  }

  /** The context to use; what was not asked for, or not granted, is noted. */
  private int contextLength(int trained) {
    if (request.contextLength().isEmpty()) {
      int context = Math.min(LoadRequest.DEFAULT_CONTEXT, trained);
      if (context < trained) {
        notes.add("context " + context + " of " + trained + " trained");
      }
      return context;
    }
    int asked = request.contextLength().getAsInt();
    if (asked > trained) {
      notes.add("context " + trained + ": " + asked + " asked for, " + trained + " trained");
    }
    return Math.min(asked, trained);
  }

  private DataType kvType() {
    DataType type = request.exact() ? DataType.F32 : request.kvType();
    if (!KV_TYPES.contains(type)) {
      throw new RequestRejectedException(
          RequestRejectedException.Reason.OPTION_INVALID,
          "kvType: expected one of " + KV_TYPES + ", got " + type);
    }
    return type;
  }

  /** The device whose memory copies of weights take: the host's, or the only one there is. */
  private static Device host(BackendRegistry backends, Device chosen) {
    for (BackendRegistry.Slot slot : backends.slots()) {
      if (slot.lease()) {
        try {
          for (Device d : slot.backend().devices().devices()) {
            if (d.id().equals(Device.HOST_ID)) {
              return d;
            }
          }
        } finally {
          slot.release();
        }
      }
    }
    return chosen;
  }

  /** What programs are compiled for, by graph and context length. */
  private DeviceFit.Specs specs(String name, BufferPool memory) {
    return (graph, contextLength, budget) ->
        new CompileSpec(
            limits(graph, contextLength, chunkTokens(contextLength)),
            kvType(),
            request.exact() ? CompileSpec.Mode.EXACT : CompileSpec.Mode.DEFAULT,
            CompileSpec.Flash.AUTO,
            new CompileSpec.Resources(
                name, memory, budget, new Metrics(() -> options.get().timing())));
  }

  private int chunkTokens(int contextLength) {
    return Math.min(request.chunkTokens(), contextLength);
  }

  private Loaded start(
      GgufFile file,
      Description description,
      int contextLength,
      DeviceFit fit,
      BufferPool memory,
      Consumer<LoadedModel> onEnd) {
    String name = description.name();
    BackendChoice choice = fit.choice();
    CompileSpec spec =
        specs(name, memory).of(choice.graph(), contextLength, fit.budgets().device());
    Compiled compiled = compile(file, fit, spec);
    ModelInfo info =
        new ModelInfo(
            name,
            description.source().architecture(),
            file.parameters(),
            file.tensorBytes(),
            embedding(description, contextLength),
            description.graph().outputKind() == OutputKind.LOGITS
                ? description.graph().outputWidth()
                : description.tokenizer().vocabSize(),
            description.trainedContext(),
            contextLength,
            choice.slot().backend().name(),
            choice.device().description(),
            compiled.program().numericsId(),
            fit.plan(),
            compiled.use(),
            System.nanoTime() - startNanos,
            compiled.load(),
            notes);
    Metrics metrics = spec.resources().metrics();
    metrics.gauge(RuntimeCounters.MEMORY, own::bytes);
    metrics.gauge(RuntimeCounters.MEMORY_PEAK, own::peakBytes);
    LOG.info("loaded {}", info);
    LOG.info("weights of {}: {}", name, info.load());
    LoadedModel.Parts parts =
        new LoadedModel.Parts(
            info,
            description.tokenizer(),
            description.chatFormat(),
            choice.graph(),
            compiled.program(),
            compiled.step(),
            running(choice.graph()),
            chunkTokens(contextLength),
            new CompileSpec.Resources(name, pool, fit.budgets().host(), metrics),
            request.cache(),
            inspector(description, compiled.step()));
    LoadedModel model =
        LoadedModel.start(
            parts,
            options,
            ended -> {
              releases.close();
              onEnd.accept(ended);
            });
    return new Loaded(
        model,
        choice.slot(),
        choice.device(),
        bundle(choice.slot().backend()),
        description.bundle());
  }

  private Optional<StepInspector> inspector(Description description, Step step) {
    return request
        .inspection()
        .map(i -> new StepInspector(step, description.inspected(), i.sink()));
  }

  /** What an embedding model makes of texts. */
  private static Optional<EmbeddingInfo> embedding(Description description, int contextLength) {
    Graph graph = description.graph();
    return graph.outputKind() == OutputKind.POOLED
        ? Optional.of(
            new EmbeddingInfo(graph.outputWidth(), contextLength, description.textPrefixes()))
        : Optional.empty();
  }

  private record Compiled(Program program, Step step, MemoryUse use, LoadReport load) {}

  /**
   * Loads weights, places and compiles. What a backend throws that is not a {@link ServalException}
   * becomes a refusal with the text only: an exception of a bundle must not outlive the call.
   */
  private Compiled compile(GgufFile file, DeviceFit fit, CompileSpec spec) {
    Backend backend = fit.choice().slot().backend();
    Graph graph = fit.choice().graph();
    CompileSpec.Resources resources = spec.resources();
    try {
      WeightLoad load = fit.load();
      long begin = System.nanoTime();
      LoadedWeights weights =
          releases.add(load.load(resources.pool(), fit.budgets().host(), resources.holder()));
      if (request.loadMode() == LoadMode.COPY) {
        file.close();
      }
      Placement placement =
          releases.add(backend.place(weights, graph, spec, fit.choice().device()));
      weights.placed();
      LoadReport report =
          new LoadReport(file.files(), load.readBytes(), System.nanoTime() - begin, load.parts());
      notes.addAll(load.notes());
      notes.addAll(placement.notes());
      Program program = releases.add(backend.compile(graph, placement, spec));
      Step step = releases.add(program.newStep());
      fit.loaded();
      MemoryUse use = program.use().plus(new MemoryUse(weights.keptBytes(), 0, 0, 0));
      if (!use.equals(fit.plan())) {
        LOG.warn("{} planned {}, leased {}", backend.name(), fit.plan(), use);
      }
      return new Compiled(program, step, use, report);
    } catch (ServalException e) {
      throw e;
    } catch (RuntimeException | LinkageError e) {
      throw new ModelRefusedException(
          Reason.NO_BACKEND, "backend " + backend.name() + " failed to load the model: " + e);
    }
  }

  /** Texts that run at once; whole ones have no cache that would grow with their number. */
  private int running(Graph graph) {
    return graph.wholeSequences() ? SequenceSet.MAX_SEQUENCES : request.maxSequences();
  }

  /** Sizes of steps. Where texts must not be split, a step takes the longest one. */
  private CompileSpec.Limits limits(Graph graph, int contextLength, int chunkTokens) {
    boolean whole = graph.wholeSequences();
    int running = running(graph);
    int maxTokens = whole ? contextLength : Math.max(chunkTokens, running);
    int maxWanted = whole ? 0 : Math.min(maxTokens, Math.max(running, MIN_WANTED));
    try {
      return new CompileSpec.Limits(
          maxTokens,
          maxWanted,
          Math.min(SequenceSet.MAX_SEQUENCES, running + KEPT_TEXTS),
          SharedCells.of(
              graph.groups(), contextLength, running, maxTokens, request.cache().windowMemory()),
          false);
    } catch (IllegalArgumentException e) {
      throw new RequestRejectedException(
          RequestRejectedException.Reason.OPTION_INVALID, String.valueOf(e.getMessage()));
    }
  }
}
