package dev.serval.launcher;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Where things are.
 *
 * @param home the distribution: {@code lib}, {@code bundles}, {@code models}
 * @param plugins the user's plugins, watched while running
 * @param cache caches of installed bundles
 */
record Folders(Path home, Path plugins, Path cache) {

  /**
   * The folders of this process. {@code SERVAL_DATA} and {@code SERVAL_CACHE} override the usual
   * places under the user's home.
   */
  static Folders find() {
    Path user = Path.of(System.getProperty("user.home"));
    Path data =
        first(
            System.getenv("SERVAL_DATA"),
            under(System.getenv("XDG_DATA_HOME")),
            user.resolve(".local/share/serval"));
    Path cache =
        first(
            System.getenv("SERVAL_CACHE"),
            under(System.getenv("XDG_CACHE_HOME")),
            user.resolve(".cache/serval"));
    return new Folders(distribution(), data.resolve("plugins"), cache);
  }

  private static @Nullable String under(@Nullable String folder) {
    return folder == null || folder.isEmpty() ? null : Path.of(folder, "serval").toString();
  }

  private static Path first(@Nullable String explicit, @Nullable String xdg, Path otherwise) {
    if (explicit != null && !explicit.isEmpty()) {
      return Path.of(explicit).toAbsolutePath();
    }
    return xdg != null ? Path.of(xdg).toAbsolutePath() : otherwise;
  }

  private static Path distribution() {
    String explicit = System.getProperty("serval.home");
    if (explicit != null) {
      return Path.of(explicit).toAbsolutePath();
    }
    try {
      Path jar = Path.of(Main.class.getProtectionDomain().getCodeSource().getLocation().toURI());
      return Objects.requireNonNull(Objects.requireNonNull(jar.getParent()).getParent());
    } catch (URISyntaxException e) {
      throw new StartException("the program's own location is not a path: " + e.getInput(), e);
    }
  }

  /** The bundles of the distribution. */
  Path bundles() {
    return home.resolve("bundles");
  }

  /** The lines entered in interactive sessions. */
  Path history() {
    return plugins.resolveSibling("history");
  }

  /**
   * The file a model argument means: {@code demo} or a path.
   *
   * @throws StartException if there is no such file
   */
  Path model(String argument) {
    if (argument.equals("demo")) {
      Path demo = home.resolve("models").resolve("demo.gguf");
      if (!Files.isRegularFile(demo)) {
        throw new StartException("the demo model is not part of this distribution: " + demo);
      }
      return demo;
    }
    Path path = Path.of(argument);
    if (!Files.exists(path)) {
      throw new StartException(
          "no such model: " + argument + " (expected a path to a GGUF file, or \"demo\")");
    }
    return path;
  }

  /** Creates the user's folders. */
  void create() {
    try {
      Files.createDirectories(plugins);
      Files.createDirectories(cache);
    } catch (IOException e) {
      throw new StartException("cannot create " + e.getMessage(), e);
    }
  }
}
