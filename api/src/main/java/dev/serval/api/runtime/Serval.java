package dev.serval.api.runtime;

import dev.serval.api.backend.DeviceReport;
import dev.serval.api.error.ModelRefusedException;
import dev.serval.api.error.OutOfBudgetException;
import dev.serval.api.model.ModelSource;
import dev.serval.api.text.Tokenizer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.osgi.annotation.versioning.ProviderType;

/** The runtime, as an OSGi service. Thread-safe. */
@ProviderType
public interface Serval {

  /**
   * Loads a model and waits for it.
   *
   * @throws ModelRefusedException if the file is damaged, no installed architecture understands it,
   *     or no backend runs it
   * @throws OutOfBudgetException if it does not fit
   */
  Model load(LoadRequest request);

  /**
   * Reads what a model file says about itself, without its weights, as it is in the file.
   *
   * @throws ModelRefusedException if the file is damaged
   */
  ModelSource inspect(Path path);

  /**
   * The tokenizer of a model file, without its weights: that of the architecture that understands
   * the file, or for a file without tensors the one its metadata describes.
   *
   * @throws ModelRefusedException if the file is damaged, no installed architecture understands it,
   *     or its vocabulary is unusable
   */
  Tokenizer tokenizer(Path path);

  /** Names of the architectures that installed model bundles serve now, sorted. */
  List<String> architectures();

  /** What each backend found, by backend name. */
  Map<String, DeviceReport> devices();
}
