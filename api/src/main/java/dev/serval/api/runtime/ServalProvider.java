package dev.serval.api.runtime;

import org.osgi.annotation.versioning.ProviderType;

/**
 * Starts the runtime in plain Java: what {@link Serval#start} looks for through {@link
 * java.util.ServiceLoader}. The engine implements it; applications call {@link Serval#start}.
 * Thread-safe.
 */
@ProviderType
public interface ServalProvider {

  /**
   * Starts a runtime with the backends and architectures that the api's class loader finds.
   *
   * @return a runtime of the caller's own, who closes it
   */
  Serval start();
}
