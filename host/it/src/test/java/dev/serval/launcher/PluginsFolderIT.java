package dev.serval.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.error.ModelRefusedException;
import dev.serval.api.runtime.LoadRequest;
import dev.serval.api.runtime.Model;
import dev.serval.api.runtime.Serval;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A jar dropped into the plugins folder takes effect while the runtime is running. */
class PluginsFolderIT {

  private static final String GEMMA = "dev.serval.models.gemma.jar";
  private static final long DEADLINE_NANOS = TimeUnit.SECONDS.toNanos(30);

  private final Path distribution = Path.of(System.getProperty("serval.distribution"));

  @TempDir private Path temporary;

  @Test
  void servesANewArchitectureOnceItsJarIsDroppedIn() throws Exception {
    Folders folders = folders(withoutGemma());
    LoadRequest demo = LoadRequest.of(distribution.resolve("models/demo.gguf"));
    try (Container container = Container.start(folders, Map.of())) {
      Serval serval = container.serval();
      ModelRefusedException refused =
          assertThrows(ModelRefusedException.class, () -> serval.load(demo));
      assertEquals("model.architecture-unknown", refused.code());
      assertTrue(refused.toString().contains("gemma3"), refused.toString());

      drop(folders);
      assertTrue(eventually(() -> serval.architectures().contains("gemma3")), "jar is noticed");
      try (Model model = serval.load(demo)) {
        assertEquals("gemma3", model.info().architecture());
      }

      Files.delete(folders.plugins().resolve(GEMMA));
      assertTrue(eventually(() -> serval.architectures().isEmpty()), "removal is noticed");
    }
  }

  @Test
  void findsAJarThatWasThereBeforeTheStart() throws Exception {
    Folders folders = folders(withoutGemma());
    folders.create();
    drop(folders);
    try (Container container = Container.start(folders, Map.of())) {
      assertTrue(container.serval().architectures().contains("gemma3"), "without waiting");
    }
  }

  @Test
  void leavesNoThreadBehind() throws Exception {
    Folders folders = folders(distribution);
    try (Container container = Container.start(folders, Map.of());
        Model model =
            container.serval().load(LoadRequest.of(distribution.resolve("models/demo.gguf")))) {
      assertFalse(servalThreads() == 0, "the test sees the threads it looks for");
      assertEquals("cpu", model.info().backend());
    }
    assertTrue(eventually(() -> servalThreads() == 0), "threads named serval-…");
  }

  private static long servalThreads() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(t -> t.getName().startsWith("serval-"))
        .count();
  }

  private Folders folders(Path home) {
    return new Folders(home, temporary.resolve("plugins"), temporary.resolve("cache"));
  }

  /** A copy of the distribution that knows no model. */
  private Path withoutGemma() throws IOException {
    Path home = temporary.resolve("home");
    Path bundles = Files.createDirectories(home.resolve("bundles"));
    try (Stream<Path> jars = Files.list(distribution.resolve("bundles"))) {
      for (Path jar : jars.filter(p -> !p.endsWith(GEMMA)).toList()) {
        Files.copy(jar, bundles.resolve(jar.getFileName()));
      }
    }
    return home;
  }

  /** Under another name first, so that half a jar is never seen. */
  private void drop(Folders folders) throws IOException {
    Path partial = folders.plugins().resolve(".partial");
    Files.copy(distribution.resolve("bundles").resolve(GEMMA), partial);
    Files.move(partial, folders.plugins().resolve(GEMMA), StandardCopyOption.ATOMIC_MOVE);
  }

  private static boolean eventually(BooleanSupplier condition) throws InterruptedException {
    long deadline = System.nanoTime() + DEADLINE_NANOS;
    while (!condition.getAsBoolean() && System.nanoTime() < deadline) {
      TimeUnit.MILLISECONDS.sleep(20);
    }
    return condition.getAsBoolean();
  }
}
