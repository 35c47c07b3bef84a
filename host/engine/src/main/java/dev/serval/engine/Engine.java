package dev.serval.engine;

import dev.serval.api.backend.Backend;
import dev.serval.api.backend.DeviceReport;
import dev.serval.api.error.BackendLostException;
import dev.serval.api.memory.DeviceMemory;
import dev.serval.api.memory.PoolMetrics;
import dev.serval.api.model.ModelArchitecture;
import dev.serval.api.model.ModelSource;
import dev.serval.api.runtime.CacheOptions;
import dev.serval.api.runtime.LoadMode;
import dev.serval.api.runtime.LoadRequest;
import dev.serval.api.runtime.MemoryPlan;
import dev.serval.api.runtime.Model;
import dev.serval.api.runtime.ModelPart;
import dev.serval.api.runtime.ModelWatch;
import dev.serval.api.runtime.PlanRequest;
import dev.serval.api.runtime.QuantizeProgress;
import dev.serval.api.runtime.QuantizeReport;
import dev.serval.api.runtime.QuantizeRequest;
import dev.serval.api.runtime.RuntimeMetrics;
import dev.serval.api.runtime.Serval;
import dev.serval.api.settings.Setting;
import dev.serval.api.settings.Settings;
import dev.serval.api.tensor.DataType;
import dev.serval.api.text.Tokenizer;
import dev.serval.engine.gguf.GgufFile;
import dev.serval.engine.memory.DeviceBudget;
import dev.serval.engine.memory.DeviceBudgets;
import dev.serval.engine.memory.OpenLease;
import dev.serval.engine.memory.PoolOptions;
import dev.serval.engine.memory.TieredBufferPool;
import dev.serval.engine.quantize.ModelQuantizer;
import dev.serval.engine.run.LoadedModel;
import dev.serval.engine.run.RunnerOptions;
import dev.serval.engine.tokenizer.Tokenizers;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Queue;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The runtime without OSGi: backends and architectures are given at the start, or come and go
 * through {@link #addBackend} and its siblings. A request's way: Engine, {@code Scheduler}, {@code
 * ModelRunner}, {@code Program.submit}.
 *
 * <p>Thread-safe. Closing it closes every model.
 */
public final class Engine implements Serval {
  private static final Logger LOG = LoggerFactory.getLogger(Engine.class);

  /** How long a backend that leaves waits for its models; the service registry waits five. */
  private static final long WITHDRAW_NANOS = TimeUnit.SECONDS.toNanos(4);

  private volatile Settings settings;
  private volatile RunnerOptions options;
  private final TieredBufferPool pool;
  private final DeviceBudgets budgets = new DeviceBudgets();
  private final RuntimeCounters counters;
  private final ModelWatches watches = new ModelWatches();
  private final ArchitectureRegistry architectures = new ArchitectureRegistry();
  private final BackendRegistry backends = new BackendRegistry();

  /** Models that have not ended, with the backend and device each runs on. */
  private final ConcurrentMap<LoadedModel, ModelLoader.Loaded> models = new ConcurrentHashMap<>();

  /** Providers that live and end with the engine. */
  private final Queue<AutoCloseable> owned = new ConcurrentLinkedQueue<>();

  private volatile boolean closed;

  /** Creates an engine that knows no backend and no architecture yet. */
  public Engine() {
    this(List.of(), List.of());
  }

  /** Creates an engine with these backends and architectures. */
  public Engine(List<Backend> backends, List<ModelArchitecture> architectures) {
    this(Settings.ofProcess(Map.of()));
    backends.forEach(this::addBackend);
    architectures.forEach(this::addArchitecture);
  }

  /**
   * Creates an engine on a pool of its own.
   *
   * @param options bounds, whatever the settings of the process say
   * @param pool where all off-heap memory comes from; the engine closes it
   */
  public Engine(
      List<Backend> backends,
      List<ModelArchitecture> architectures,
      RunnerOptions options,
      TieredBufferPool pool) {
    this(Settings.ofProcess(Map.of()), options, pool);
    backends.forEach(this::addBackend);
    architectures.forEach(this::addArchitecture);
  }

  /** Creates an engine that knows no backend and no architecture yet, with other settings. */
  public Engine(Settings settings) {
    this(settings, RunnerOptions.of(settings), new TieredBufferPool(PoolOptions.of(settings)));
  }

  private Engine(Settings settings, RunnerOptions options, TieredBufferPool pool) {
    this.settings = settings;
    this.options = options;
    this.pool = pool;
    this.counters = new RuntimeCounters(pool, budgets);
  }

  /**
   * Changes settings. Loaded models follow where {@link Setting#applied} says {@code LIVE};
   * requests that {@link #request} makes from now on have the new defaults.
   */
  public void configure(Settings newSettings) {
    settings = newSettings;
    options = RunnerOptions.of(newSettings);
    pool.configure(PoolOptions.of(newSettings));
  }

  /**
   * Has a provider closed with the engine, after every model; others are their owners' to close.
   */
  void own(AutoCloseable provider) {
    owned.add(provider);
  }

  /** Makes a backend available. */
  public void addBackend(Backend backend) {
    DeviceReport report = backend.devices();
    report.devices().forEach(d -> LOG.info("backend {}: {}", backend.name(), d));
    report.missing().forEach(m -> LOG.info("backend {}: no {}", backend.name(), m));
    report.notes().forEach(n -> LOG.info("backend {}: {}", backend.name(), n));
    backends.add(backend);
  }

  /**
   * Withdraws a backend. Generations on it end with a {@link BackendLostException} and their models
   * close; returns when nothing uses the backend any more, after four seconds in any case.
   */
  public void removeBackend(Backend backend) {
    long deadline = System.nanoTime() + WITHDRAW_NANOS;
    List<BackendRegistry.Slot> gone = backends.withdraw(backend);
    String reason = "backend " + backend.name() + " was withdrawn";
    models.forEach((model, loaded) -> {
      if (gone.contains(loaded.slot())) {
        model.lose(reason);
      }
    });
    try {
      for (BackendRegistry.Slot slot : gone) {
        if (!slot.awaitUnused(Math.max(0, deadline - System.nanoTime()))) {
          LOG.warn("{} and is still in use, with {}", reason, leasesOf(backend));
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    LOG.info("{}", reason);
  }

  private List<OpenLease> leasesOf(Backend backend) {
    return pool.leases().stream()
        .filter(l -> l.account().startsWith(ModelLoader.account(backend, "")))
        .toList();
  }

  /** Makes an architecture available. */
  public void addArchitecture(ModelArchitecture architecture) {
    architectures.add(architecture);
    LOG.info("architectures now: {}", architectures.names());
  }

  /** Withdraws an architecture. Models that it described go on. */
  public void removeArchitecture(ModelArchitecture architecture) {
    architectures.remove(architecture);
    LOG.info("architectures now: {}", architectures.names());
  }

  @Override
  public Model load(LoadRequest request) {
    requireOpen();
    ModelLoader.Loaded loaded = counters.load(() -> loader(request));
    LoadedModel model = loaded.model();
    models.put(model, loaded);
    if (model.isEnded()) {
      forget(model);
    }
    watches.changed();
    if (loaded.slot().isWithdrawn()) {
      String reason = "backend " + loaded.slot().backend().name() + " was withdrawn";
      model.lose(reason);
      throw new BackendLostException(reason);
    }
    if (closed) {
      model.close();
      requireOpen();
    }
    return model;
  }

  @Override
  public MemoryPlan plan(PlanRequest request) {
    requireOpen();
    return new ModelLoader(request.load(), () -> options, pool, budgets)
        .plan(request, architectures, backends);
  }

  @Override
  public List<DeviceMemory> memory() {
    Map<String, DeviceMemory> byDevice = new TreeMap<>();
    models.forEach((model, loaded) -> {
      DeviceBudget budget = budgets.of(loaded.device());
      byDevice.merge(
          loaded.device().id(),
          new DeviceMemory(
              loaded.device().id(),
              model.info().memory(),
              budget.reserveBytes(),
              budget.availableBytes()),
          (a, b) ->
              new DeviceMemory(a.device(), a.use().plus(b.use()), a.reserveBytes(), a.freeBytes()));
    });
    return List.copyOf(byDevice.values());
  }

  private ModelLoader.Loaded loader(LoadRequest request) {
    return new ModelLoader(request, () -> options, pool, budgets)
        .load(architectures, backends, counters::memory, this::forget);
  }

  private void forget(LoadedModel model) {
    models.remove(model);
    counters.ended(model);
    watches.changed();
  }

  @Override
  public Settings settings() {
    return settings;
  }

  @Override
  public LoadRequest request(Path path) {
    Settings set = settings;
    LoadRequest request =
        LoadRequest.of(path)
            .withMaxSequences(Math.toIntExact(set.number(Setting.PARALLEL)))
            .withChunkTokens(Math.toIntExact(set.number(Setting.CHUNK)))
            .withKvType(DataType.valueOf(set.text(Setting.KV_TYPE).toUpperCase(Locale.ROOT)))
            .withCache(
                new CacheOptions(
                    Math.toIntExact(set.number(Setting.WINDOW_MEMORY)),
                    set.number(Setting.CHECKPOINT_MEMORY)))
            .withLoadMode(LoadMode.valueOf(set.text(Setting.LOAD_MODE).toUpperCase(Locale.ROOT)));
    return set.given(Setting.CONTEXT).isPresent()
        ? request.withContextLength(Math.toIntExact(set.number(Setting.CONTEXT)))
        : request;
  }

  @Override
  public RuntimeMetrics metrics() {
    return counters.snapshot();
  }

  @Override
  public ModelWatch watch(Runnable changed) {
    return watches.add(changed);
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("the engine is closed");
    }
  }

  @Override
  public ModelSource inspect(Path path) {
    try (GgufFile file = GgufFile.open(path)) {
      return file.source();
    }
  }

  @Override
  public List<ModelPart> parts(Path path) {
    try (GgufFile file = GgufFile.open(path)) {
      return file.parts();
    }
  }

  @Override
  public Tokenizer tokenizer(Path path) {
    ModelSource raw = inspect(path);
    if (raw.tensors().isEmpty()) {
      return new Tokenizers().fromMetadata(raw.metadata()); // a file that holds a vocabulary only
    }
    ModelArchitecture a = architectures.choose(raw);
    ModelSource source = ArchitectureRegistry.call(a, "normalise", () -> a.normalise(raw));
    return ArchitectureRegistry.call(a, "tokenizer", () -> a.tokenizer(source, new Tokenizers()));
  }

  @Override
  public QuantizeReport quantize(QuantizeRequest quantization, QuantizeProgress progress)
      throws IOException, InterruptedException {
    QuantizeReport report = ModelQuantizer.quantize(quantization, progress);
    LOG.info(
        "wrote {} as {}, {} bytes",
        quantization.output().getFileName(),
        quantization.type(),
        report.outputBytes());
    return report;
  }

  @Override
  public List<String> architectures() {
    return architectures.names();
  }

  @Override
  public Map<String, DeviceReport> devices() {
    Map<String, DeviceReport> reports = new TreeMap<>();
    for (BackendRegistry.Slot slot : backends.slots()) {
      if (slot.lease()) {
        try {
          reports.putIfAbsent(slot.backend().name(), slot.backend().devices());
        } finally {
          slot.release();
        }
      }
    }
    return Collections.unmodifiableMap(reports);
  }

  /** Counters of the buffer pool. */
  public PoolMetrics poolMetrics() {
    return pool.metrics();
  }

  /** Leases that were not closed by those who opened them. */
  public long leaks() {
    return pool.leaks();
  }

  /** Who holds off-heap memory now. */
  public List<OpenLease> leases() {
    return pool.leases();
  }

  @Override
  public void close() {
    closed = true;
    List.copyOf(models.keySet()).forEach(Model::close);
    closeOwned();
    for (OpenLease lease : pool.leases()) {
      LOG.warn("memory was not given back: {}", lease);
    }
    pool.close();
  }

  private void closeOwned() {
    for (AutoCloseable c = owned.poll(); c != null; c = owned.poll()) {
      try {
        c.close();
      } catch (Exception e) { // a plugin's; the others are closed all the same
        LOG.warn("{} failed to close", c.getClass().getName(), e);
      }
    }
  }
}
