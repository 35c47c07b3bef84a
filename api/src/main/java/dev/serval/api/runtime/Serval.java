package dev.serval.api.runtime;

import dev.serval.api.backend.DeviceReport;
import dev.serval.api.error.ModelRefusedException;
import dev.serval.api.error.OutOfBudgetException;
import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.memory.DeviceMemory;
import dev.serval.api.model.ModelSource;
import dev.serval.api.settings.Settings;
import dev.serval.api.text.Tokenizer;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import org.osgi.annotation.versioning.ProviderType;

/**
 * The runtime: an OSGi service, or in plain Java what {@link #start} returns. Thread-safe.
 *
 * <p>Whoever started a runtime closes it. The service belongs to the framework and to all who use
 * it: its {@link #close} does nothing, and what a caller loaded through it, the caller closes.
 */
@ProviderType
public interface Serval extends AutoCloseable {

  /**
   * Starts a runtime of its own in plain Java, on the class path or the module path.
   *
   * <p>The engine, backends and architectures are {@link ServiceLoader} providers that the class
   * loader of this interface sees; the thread's context loader plays no part. A backend or
   * architecture that cannot be created is left out, with a warning in the log. In an OSGi
   * framework take the service instead: a bundle's class loader finds no providers.
   *
   * @return the runtime; closing it closes its models and backends
   * @throws IllegalStateException if no engine is found
   * @throws ServiceConfigurationError if a provider is declared that is not there or is none
   */
  static Serval start() {
    return ServiceLoader.load(ServalProvider.class, Serval.class.getClassLoader())
        .findFirst()
        .orElseThrow(() ->
            new IllegalStateException(
                "no engine found: expected a provider of "
                    + ServalProvider.class.getName()
                    + " beside the api on the class path or module path (the jar"
                    + " dev.serval.engine); in an OSGi framework, take the service "
                    + Serval.class.getName()))
        .start();
  }

  /** What is set now, by whatever place sets it. */
  Settings settings();

  /**
   * The request to load a file with the defaults that are set now ({@code docs/settings.md}); other
   * than {@link LoadRequest#of}, which knows no settings.
   */
  LoadRequest request(Path path);

  /**
   * Loads a model and waits for it.
   *
   * @throws ModelRefusedException if the file is damaged, no installed architecture understands it,
   *     or no backend runs it
   * @throws OutOfBudgetException if it does not fit
   */
  Model load(LoadRequest request);

  /**
   * Plans a load without loading: reads the file's description, not its weights, and allocates
   * nothing. A model that does not fit is a plan too, which says what is missing.
   *
   * @throws ModelRefusedException if the file is damaged, no installed architecture understands it,
   *     or no backend runs it
   */
  MemoryPlan plan(PlanRequest request);

  /**
   * Memory that models use now, one element for each device that has been used, by device id. What
   * a model's plan holds and it does not use is neither in use nor free.
   */
  List<DeviceMemory> memory();

  /**
   * Reads what a model file says about itself, without its weights, as it is in the file.
   *
   * @throws ModelRefusedException if the file is damaged
   */
  ModelSource inspect(Path path);

  /**
   * The files of a model, in order: one, or the parts of a split model. Weights are not read.
   *
   * @param path any of them
   * @throws ModelRefusedException if a file is damaged, or parts do not belong together
   */
  List<ModelPart> parts(Path path);

  /**
   * The tokenizer of a model file, without its weights: that of the architecture that understands
   * the file, or for a file without tensors the one its metadata describes.
   *
   * @throws ModelRefusedException if the file is damaged, no installed architecture understands it,
   *     or its vocabulary is unusable
   */
  Tokenizer tokenizer(Path path);

  /**
   * Writes a model file with its weights in another type, and waits for it. Matrices get the type
   * that was asked for where their rows consist of its blocks; vectors, norms and routers become
   * F32; metadata is copied. Memory is bounded, whatever the model's size. The output appears under
   * its name only when it is whole and on disk.
   *
   * @param progress called now and then
   * @return what was written
   * @throws ModelRefusedException if the input is damaged, has a weight that is not finite or does
   *     not fit the type, or has matrices in a type that cannot be expanded
   * @throws RequestRejectedException if input and output are the same file
   * @throws FileAlreadyExistsException if the output exists and is not to be replaced
   * @throws IOException if reading or writing fails; nothing is left behind
   * @throws InterruptedException if the waiting thread is interrupted; nothing is left behind
   */
  QuantizeReport quantize(QuantizeRequest request, QuantizeProgress progress)
      throws IOException, InterruptedException;

  /** Names of the architectures that installed model bundles serve now, sorted. */
  List<String> architectures();

  /** What each backend found, by backend name. */
  Map<String, DeviceReport> devices();

  /** What was counted since the runtime started: by model, by bundle, and in all. */
  RuntimeMetrics metrics();

  /**
   * Follows models as they come and go.
   *
   * @param changed called when a model was loaded and when one ended, on the thread that did it,
   *     after {@link #metrics} shows it; must be quick. What it throws is logged
   * @return closing it ends it
   */
  ModelWatch watch(Runnable changed);

  /**
   * Ends a runtime that {@link #start} returned: ends all generations as cancelled, closes all
   * models and backends, frees everything. Closing it again does nothing; nor does closing the OSGi
   * service.
   */
  @Override
  void close();
}
