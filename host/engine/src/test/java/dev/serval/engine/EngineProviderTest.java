package dev.serval.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.backend.Backend;
import dev.serval.api.model.ModelArchitecture;
import dev.serval.api.runtime.LoadRequest;
import dev.serval.api.runtime.Model;
import dev.serval.engine.recall.RecallArchitecture;
import dev.serval.engine.recall.RecallBackend;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.ServiceConfigurationError;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Plain Java: an engine with the providers that a class loader sees. */
@Timeout(30)
class EngineProviderTest {

  private static final AtomicInteger CLOSED = new AtomicInteger();

  /** A backend that counts how often one of its kind was closed. */
  public static final class CloseableBackend extends RecallBackend implements AutoCloseable {
    public CloseableBackend() {
      super("closeable", 10);
    }

    @Override
    public void close() {
      CLOSED.incrementAndGet();
    }
  }

  /** A backend that cannot be created. */
  public static final class BrokenBackend extends RecallBackend {
    public BrokenBackend() {
      super("broken", 10);
      throw new IllegalStateException("told to fail");
    }
  }

  @TempDir private Path folder;

  /** A loader that sees the test's classes, and these providers of each service. */
  private URLClassLoader loader(Map<Class<?>, List<String>> providers) throws IOException {
    Path services = Files.createDirectories(folder.resolve("META-INF/services"));
    for (var p : providers.entrySet()) {
      Files.write(services.resolve(p.getKey().getName()), p.getValue());
    }
    return new URLClassLoader(
        new URL[] {folder.toUri().toURL()}, EngineProviderTest.class.getClassLoader());
  }

  @Test
  void findsWhatTheLoaderSeesAndClosesItWithTheEngine() throws IOException {
    Map<Class<?>, List<String>> providers =
        Map.of(
            Backend.class, List.of(CloseableBackend.class.getName()),
            ModelArchitecture.class, List.of(RecallArchitecture.class.getName()));
    try (URLClassLoader loader = loader(providers)) {
      Engine engine = EngineProvider.start(loader);
      Model model = engine.load(LoadRequest.of(RecallArchitecture.write(folder)));
      assertEquals("closeable", model.info().backend());
      int before = CLOSED.get();
      engine.close();
      assertEquals(before + 1, CLOSED.get());
      engine.close();
      assertEquals(before + 1, CLOSED.get(), "closed once");
      assertThrows(
          IllegalStateException.class,
          () -> engine.load(LoadRequest.of(RecallArchitecture.write(folder))));
    }
  }

  @Test
  void leavesOutAProviderThatCannotBeCreated() throws IOException {
    List<String> backends =
        List.of(BrokenBackend.class.getName(), CloseableBackend.class.getName());
    try (URLClassLoader loader = loader(Map.of(Backend.class, backends));
        Engine engine = EngineProvider.start(loader)) {
      assertEquals(List.of("closeable"), List.copyOf(engine.devices().keySet()));
    }
  }

  @Test
  void refusesADeclaredProviderThatIsNotThere() throws IOException {
    try (URLClassLoader loader = loader(Map.of(Backend.class, List.of("org.example.Absent")))) {
      ServiceConfigurationError error =
          assertThrows(ServiceConfigurationError.class, () -> EngineProvider.start(loader));
      assertTrue(String.valueOf(error.getMessage()).contains("org.example.Absent"));
    }
  }

  @Test
  void startsWithoutPlugins() throws IOException {
    try (URLClassLoader loader = loader(Map.of());
        Engine engine = EngineProvider.start(loader)) {
      assertTrue(engine.architectures().isEmpty());
      assertFalse(engine.devices().containsKey("cpu"), "backends are not this module's");
    }
  }
}
