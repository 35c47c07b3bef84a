package dev.serval.engine;

import dev.serval.api.backend.Backend;
import dev.serval.api.model.ModelArchitecture;
import dev.serval.api.runtime.Serval;
import dev.serval.api.runtime.ServalProvider;
import java.util.ArrayList;
import java.util.List;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Starts an engine in plain Java, with the backends and architectures that {@link ServiceLoader}
 * finds. Thread-safe; every call makes new instances.
 */
public final class EngineProvider implements ServalProvider {
  private static final Logger LOG = LoggerFactory.getLogger(EngineProvider.class);

  /** Creates the provider; called by {@link ServiceLoader}. */
  public EngineProvider() {}

  @Override
  public Serval start() {
    return start(Serval.class.getClassLoader());
  }

  /** Starts an engine with the providers that a class loader sees, which end with the engine. */
  static Engine start(ClassLoader loader) {
    Engine engine = new Engine();
    try {
      for (Backend backend : instances(ServiceLoader.load(Backend.class, loader), engine)) {
        engine.addBackend(backend);
      }
      for (ModelArchitecture architecture :
          instances(ServiceLoader.load(ModelArchitecture.class, loader), engine)) {
        engine.addArchitecture(architecture);
      }
      return engine;
    } catch (RuntimeException | Error e) {
      engine.close();
      throw e;
    }
  }

  /** One instance of each provider that can be created; the engine owns those that are closed. */
  private static <S> List<S> instances(ServiceLoader<S> providers, Engine engine) {
    List<S> instances = new ArrayList<>();
    for (ServiceLoader.Provider<S> provider : providers.stream().toList()) {
      try {
        S instance = provider.get();
        instances.add(instance);
        if (instance instanceof AutoCloseable c) {
          engine.own(c);
        }
      } catch (ServiceConfigurationError | LinkageError e) {
        Throwable reason = e.getCause() == null ? e : e.getCause();
        LOG.warn("{} is left out: {}", provider.type().getName(), reason.toString());
      }
    }
    return instances;
  }
}
