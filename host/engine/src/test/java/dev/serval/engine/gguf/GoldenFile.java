package dev.serval.engine.gguf;

import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Path;
import java.util.Objects;

/** Finds the golden files that lie beside the tests. */
public final class GoldenFile {

  private GoldenFile() {}

  /** The path of a file of {@code src/test/resources/golden}. */
  public static Path of(String name) {
    URL url = Objects.requireNonNull(GoldenFile.class.getResource("/golden/" + name), name);
    try {
      return Path.of(url.toURI());
    } catch (URISyntaxException e) {
      throw new AssertionError(e);
    }
  }
}
