package dev.serval.backend.cpu;

import dev.serval.api.backend.Backend;
import dev.serval.api.backend.CompileSpec;
import dev.serval.api.backend.Device;
import dev.serval.api.backend.DeviceProfile;
import dev.serval.api.backend.DeviceReport;
import dev.serval.api.backend.Placement;
import dev.serval.api.backend.Program;
import dev.serval.api.backend.Support;
import dev.serval.api.backend.ThreadCount;
import dev.serval.api.backend.WeightUse;
import dev.serval.api.graph.Graph;
import dev.serval.api.graph.Op;
import dev.serval.api.memory.MemoryUse;
import dev.serval.api.settings.Setting;
import dev.serval.api.settings.Settings;
import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.TensorInfo;
import dev.serval.api.tensor.Weights;
import dev.serval.backend.cpu.kernel.KernelSets;
import dev.serval.backend.cpu.layout.ProgramLayout;
import dev.serval.backend.cpu.layout.WeightLayout;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.metatype.annotations.Designate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Computes on the processor, with vectors where the JVM has them. One device, {@code cpu}; one team
 * of threads for all programs, started with the first placement.
 *
 * <p>The number of threads is the property {@code serval.cpu.threads} of the component's
 * configuration or of the system, else the number of cores the process may use, 32 at most.
 * Thread-safe.
 */
@Component(
    service = Backend.class,
    immediate = true,
    configurationPid = Setting.CPU,
    property = Backend.PROPERTY_NAME + "=" + CpuBackend.NAME)
@Designate(ocd = CpuConfiguration.class)
public final class CpuBackend implements Backend, AutoCloseable {

  /** Name of the backend, and id of its device. */
  public static final String NAME = Device.HOST_ID;

  /** Below every GPU backend, above nothing. */
  private static final int SCORE = 10;

  private static final Logger LOG = LoggerFactory.getLogger(CpuBackend.class);

  private final CpuDevice device;
  private final PlacementTable placements;
  private final List<String> notes;
  private final Set<CpuProgram> programs = ConcurrentHashMap.newKeySet();

  /** A backend with the best kernels this JVM runs. */
  public CpuBackend() {
    this(Map.of());
  }

  /**
   * A backend with the best kernels this JVM runs.
   *
   * @param configuration properties of the component
   */
  @Activate
  public CpuBackend(Map<String, Object> configuration) {
    this(configuration, Processor.detect(), KernelSets.best());
  }

  private CpuBackend(
      Map<String, Object> configuration, Processor processor, KernelSets.Choice kernels) {
    this(
        new CpuOptions(threads(configuration, processor), kernels.set()),
        new ColdStart(KernelSets.scalar()),
        processor,
        kernels.reason().isEmpty() ? List.of() : List.of(NAME + ": " + kernels.reason()));
  }

  /**
   * A backend with chosen options, whose kernels compute every step, the first ones too.
   *
   * @param options how to compute
   */
  public CpuBackend(CpuOptions options) {
    this(options, ColdStart.none(options.kernels()), Processor.detect(), List.of());
  }

  private CpuBackend(
      CpuOptions options, ColdStart coldStart, Processor processor, List<String> notes) {
    String kernels = options.kernels().name();
    DeviceProfile profile =
        new DeviceProfile(
            processor.memoryBytes(),
            options.threads(),
            options.kernels().vectorBits(),
            Map.of("kernels", kernels, "architecture", processor.architecture()));
    this.device =
        new CpuDevice(new Device(NAME, NAME, processor.name(), profile), options, coldStart);
    this.placements = new PlacementTable(device);
    this.notes = notes;
    LOG.info("{}: {} threads, kernels {}", processor.name(), options.threads(), kernels);
    notes.forEach(LOG::warn);
  }

  static int threads(Map<String, Object> configuration, Processor processor) {
    return Settings.ofProcess(configuration)
        .given(Setting.CPU_THREADS)
        .map(Integer::valueOf)
        // who waits at a barrier gains nothing from more threads than cores
        .orElseGet(() -> Math.min(processor.cores(), ThreadCount.COMPUTE.of(processor.cores())));
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public DeviceReport devices() {
    return new DeviceReport(List.of(device.description()), List.of(), notes);
  }

  @Override
  public int score(Device other) {
    return other.backend().equals(NAME) && other.id().equals(NAME) ? SCORE : 0;
  }

  @Override
  public Support supports(Op op, DataType kvType, Device other) {
    return CpuSupport.supports(op, kvType);
  }

  @Override
  public MemoryUse plan(Graph graph, CompileSpec spec, DeviceProfile profile) {
    Graph lowered = CpuSupport.lowered(graph);
    CpuSupport.requireReadable(lowered);
    CpuSupport.requireSupported(lowered, spec.kvType());
    int threads = Math.max(1, profile.computeUnits());
    return ProgramLayout.of(graph, lowered, spec, threads, device.kernels()).use();
  }

  @Override
  public WeightUse weightUse(Graph graph) {
    WeightLayout layout = new WeightLayout(CpuSupport.lowered(graph));
    Set<TensorInfo> inPlace = new LinkedHashSet<>();
    layout.tables().forEach(t -> inPlace.add(t.source()));
    Set<TensorInfo> relaid = new LinkedHashSet<>();
    layout.tiled().keySet().forEach(t -> relaid.add(t.source()));
    layout.vectors().keySet().forEach(t -> relaid.add(t.source()));
    return new WeightUse(inPlace, relaid);
  }

  @Override
  public Placement place(Weights weights, Graph graph, CompileSpec spec, Device other) {
    if (score(other) == 0) {
      throw new IllegalArgumentException("not a device of this backend: " + other);
    }
    Graph lowered = CpuSupport.lowered(graph);
    CpuSupport.requireReadable(lowered);
    return placements.place(weights, lowered, spec.resources());
  }

  @Override
  public Program compile(Graph graph, Placement placement, CompileSpec spec) {
    if (!(placement instanceof CpuPlacement p) || !p.digest().equals(graph.digest())) {
      throw new IllegalArgumentException("the placement is not this backend's for this graph");
    }
    Graph lowered = CpuSupport.lowered(graph);
    CpuSupport.requireSupported(lowered, spec.kvType());
    ProgramLayout layout =
        ProgramLayout.of(graph, lowered, spec, device.threads(), device.kernels());
    CpuProgram program = new CpuProgram(device, graph, layout, p, spec, programs::remove);
    programs.add(program);
    return program;
  }

  /** Ends steps under way, which count as lost, and all threads. */
  @Deactivate
  @Override
  public void close() {
    for (CpuProgram p : new ArrayList<>(programs)) {
      p.lose("the CPU backend is closed");
      p.interrupt();
    }
    device.close();
  }
}
