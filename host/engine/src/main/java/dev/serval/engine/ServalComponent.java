package dev.serval.engine;

import dev.serval.api.backend.Backend;
import dev.serval.api.backend.DeviceReport;
import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.memory.DeviceMemory;
import dev.serval.api.model.ModelArchitecture;
import dev.serval.api.model.ModelSource;
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
import dev.serval.api.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Modified;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.component.annotations.ReferencePolicyOption;
import org.osgi.service.metatype.annotations.Designate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The engine as a service. Backends and architectures come and go without restarting it; which of
 * them a running model uses is the engine's decision, never the component runtime's.
 */
@Component(service = Serval.class, immediate = true, configurationPid = Setting.ENGINE)
@Designate(ocd = EngineConfiguration.class)
public final class ServalComponent implements Serval {

  private static final Logger LOG = LoggerFactory.getLogger(ServalComponent.class);

  private final Engine engine;

  /**
   * Creates the component; called by the component runtime.
   *
   * @param configuration what Config Admin has under {@link Setting#ENGINE}
   * @throws RequestRejectedException ({@code OPTION_INVALID}) if a setting is none
   */
  @Activate
  public ServalComponent(Map<String, Object> configuration) {
    engine = new Engine(Settings.ofProcess(configuration));
  }

  /** Takes a new configuration without restarting; a bad one changes nothing and is logged. */
  @Modified
  void configure(Map<String, Object> configuration) {
    try {
      engine.configure(Settings.ofProcess(configuration));
      LOG.info("settings changed");
    } catch (RequestRejectedException e) {
      LOG.warn("settings are left as they were: {}", e.getMessage());
    }
  }

  /** Ends every generation and frees everything. */
  @Deactivate
  void deactivate() {
    engine.close();
  }

  @Reference(
      cardinality = ReferenceCardinality.MULTIPLE,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  void bindBackend(Backend backend) {
    engine.addBackend(backend);
  }

  void unbindBackend(Backend backend) {
    engine.removeBackend(backend);
  }

  @Reference(
      cardinality = ReferenceCardinality.MULTIPLE,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  void bindArchitecture(ModelArchitecture architecture) {
    engine.addArchitecture(architecture);
  }

  void unbindArchitecture(ModelArchitecture architecture) {
    engine.removeArchitecture(architecture);
  }

  @Override
  public Model load(LoadRequest request) {
    return engine.load(request);
  }

  @Override
  public MemoryPlan plan(PlanRequest request) {
    return engine.plan(request);
  }

  @Override
  public List<DeviceMemory> memory() {
    return engine.memory();
  }

  @Override
  public ModelSource inspect(Path path) {
    return engine.inspect(path);
  }

  @Override
  public List<ModelPart> parts(Path path) {
    return engine.parts(path);
  }

  @Override
  public Tokenizer tokenizer(Path path) {
    return engine.tokenizer(path);
  }

  @Override
  public QuantizeReport quantize(QuantizeRequest request, QuantizeProgress progress)
      throws IOException, InterruptedException {
    return engine.quantize(request, progress);
  }

  @Override
  public List<String> architectures() {
    return engine.architectures();
  }

  @Override
  public Settings settings() {
    return engine.settings();
  }

  @Override
  public LoadRequest request(Path path) {
    return engine.request(path);
  }

  @Override
  public RuntimeMetrics metrics() {
    return engine.metrics();
  }

  @Override
  public ModelWatch watch(Runnable changed) {
    return engine.watch(changed);
  }

  @Override
  public Map<String, DeviceReport> devices() {
    return engine.devices();
  }

  /** Does nothing: the service is shared, and ends with its component. */
  @Override
  public void close() {}
}
