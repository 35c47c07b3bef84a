package dev.serval.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.error.ModelRefusedException;
import dev.serval.api.model.ChatMessage;
import dev.serval.api.runtime.FinishReason;
import dev.serval.api.runtime.GenerateRequest;
import dev.serval.api.runtime.Generation;
import dev.serval.api.runtime.LoadRequest;
import dev.serval.api.runtime.Model;
import dev.serval.api.runtime.Prompt;
import dev.serval.api.runtime.Serval;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.osgi.framework.Constants;

/** A jar dropped into the plugins folder takes effect while the runtime is running. */
class PluginsFolderIT {

  private static final String GEMMA = "dev.serval.models.gemma.jar";
  private static final String NEWER = "9.0.0";
  private static final String OLD_TURN = "<start_of_turn>user\n";
  private static final String NEW_TURN = "<start_of_turn>USER\n";
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
  void takesAJarThatIsOverwrittenWhileAModelOfTheOldOneGoesOn() throws Exception {
    Folders folders = folders(withoutGemma());
    folders.create();
    drop(folders);
    LoadRequest request = LoadRequest.of(LongDemo.write(distribution, temporary));
    try (Container container = Container.start(folders, Map.of());
        Model before = container.serval().load(request)) {
      AtomicInteger tokens = new AtomicInteger();
      Generation running =
          before.generate(
              GenerateRequest.of(Prompt.chat("Tell me a story.")).ignoringEnd(),
              event -> tokens.incrementAndGet());
      assertTrue(eventually(() -> tokens.get() > 0), "it runs");

      Files.write(folders.plugins().resolve(GEMMA), newerGemma());
      assertTrue(eventually(() -> serves(container, NEWER)), "the new version is noticed");
      int then = tokens.get();
      assertTrue(eventually(() -> tokens.get() > then + 20), "the running generation goes on");

      try (Model after = container.serval().load(request)) {
        assertEquals(NEW_TURN, opening(after), "the new version's chat format");
        assertEquals(OLD_TURN, opening(before), "the old version's chat format");
        GenerateRequest short3 = GenerateRequest.of(Prompt.chat("Hello")).withMaxTokens(3);
        for (Model model : List.of(before, after)) {
          assertEquals(3, model.generate(short3, event -> {}).await().tokens().size());
        }
      }
      assertFalse(running.isDone(), "still");
      running.cancel();
      assertEquals(FinishReason.CANCELLED, running.await().finish());
    }
  }

  @Test
  void reportsAFileThatIsNoJarAndDisturbsNothing() throws Exception {
    Folders folders = folders(withoutGemma());
    folders.create();
    Files.writeString(folders.plugins().resolve("before.jar"), "this is not a jar");
    PrintStream err = System.err;
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    System.setErr(new PrintStream(printed, true, StandardCharsets.UTF_8));
    try (Container container = Container.start(folders, Map.of())) {
      int bundles = container.bundles().size();
      assertTrue(printed.toString(StandardCharsets.UTF_8).contains("before.jar is ignored"));
      Files.writeString(folders.plugins().resolve("later.jar"), "nor is this");
      assertTrue(
          eventually(
              () -> printed.toString(StandardCharsets.UTF_8).contains("later.jar is ignored")),
          () -> printed.toString(StandardCharsets.UTF_8));
      drop(folders);
      assertTrue(eventually(() -> container.serval().architectures().contains("gemma3")));
      assertEquals(bundles + 1, container.bundles().size());
    } finally {
      System.setErr(err);
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

  /** The same plugin in a newer version, which can be told by how it opens a user's turn. */
  private byte[] newerGemma() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (JarFile jar =
        new JarFile(distribution.resolve("bundles").resolve(GEMMA).toFile(), false)) {
      Manifest manifest = new Manifest(jar.getManifest());
      manifest.getMainAttributes().putValue(Constants.BUNDLE_VERSION, NEWER);
      try (JarOutputStream out = new JarOutputStream(bytes, manifest)) {
        for (JarEntry entry : Collections.list(jar.entries())) {
          if (!entry.getName().equals(JarFile.MANIFEST_NAME)) {
            byte[] content = jar.getInputStream(entry).readAllBytes();
            int turn = Bytes.indexOf(content, OLD_TURN.getBytes(StandardCharsets.US_ASCII));
            if (turn >= 0) {
              byte[] changed = NEW_TURN.getBytes(StandardCharsets.US_ASCII);
              System.arraycopy(changed, 0, content, turn, changed.length);
            }
            out.putNextEntry(new JarEntry(entry.getName()));
            out.write(content);
          }
        }
      }
    }
    return bytes.toByteArray();
  }

  private static String opening(Model model) {
    return model
        .chatFormat()
        .orElseThrow()
        .render(List.of(ChatMessage.user("Hello")))
        .getFirst()
        .text();
  }

  /** Whether the Gemma plugin offers its services in this version, and the runtime took them. */
  private static boolean serves(Container container, String version) {
    return container.bundles().stream()
            .filter(b -> b.getSymbolicName().equals("dev.serval.models.gemma"))
            .filter(b -> b.getVersion().toString().equals(version))
            .anyMatch(b -> b.getRegisteredServices() != null)
        && container.serval().architectures().contains("gemma3");
  }

  private static boolean eventually(BooleanSupplier condition) throws InterruptedException {
    long deadline = System.nanoTime() + DEADLINE_NANOS;
    while (!condition.getAsBoolean() && System.nanoTime() < deadline) {
      TimeUnit.MILLISECONDS.sleep(20);
    }
    return condition.getAsBoolean();
  }
}
