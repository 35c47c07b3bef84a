package dev.serval.launcher;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.jar.JarFile;
import java.util.jar.Manifest;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Constants;

/**
 * Reports files of the plugins folder that are called jars but are no bundles. FileInstall, which
 * installs the others, passes over them without a word. Looks once when it is opened, and from then
 * on at whatever is new or changed, on a thread of its own.
 */
final class PluginCheck implements AutoCloseable {

  /** What changes when a file does. */
  private record Stamp(long bytes, FileTime time) {}

  private final Path folder;
  private final Consumer<String> report;
  private final CountDownLatch closed = new CountDownLatch(1);
  private final Map<Path, Stamp> judged = new HashMap<>();
  private Map<Path, Stamp> before = Map.of();

  private PluginCheck(Path folder, Consumer<String> report) {
    this.folder = folder;
    this.report = report;
  }

  /**
   * Looks, and goes on looking.
   *
   * @param report takes one line for each file that is no bundle
   */
  static PluginCheck open(Path folder, long periodMillis, Consumer<String> report)
      throws IOException {
    PluginCheck check = new PluginCheck(folder, report);
    check.before = check.stamps();
    check.judgeSettled(check.before);
    Thread.ofPlatform().name("serval-plugins").daemon().start(() -> check.look(periodMillis));
    return check;
  }

  private void look(long periodMillis) {
    try {
      while (!closed.await(periodMillis, TimeUnit.MILLISECONDS)) {
        judgeSettled(stamps());
      }
    } catch (IOException | DirectoryIteratorException e) {
      report.accept("the plugins folder is not checked any more: " + e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // nobody does that; the thread ends
    }
  }

  private Map<Path, Stamp> stamps() throws IOException {
    Map<Path, Stamp> stamps = new HashMap<>();
    try (DirectoryStream<Path> jars = Files.newDirectoryStream(folder, "*.jar")) {
      for (Path jar : jars) {
        try {
          BasicFileAttributes a = Files.readAttributes(jar, BasicFileAttributes.class);
          if (a.isRegularFile()) {
            stamps.put(jar, new Stamp(a.size(), a.lastModifiedTime()));
          }
        } catch (NoSuchFileException e) {
          stamps.remove(jar); // deleted since it was listed
        }
      }
    }
    return stamps;
  }

  /** Judges what is as it was at the last look: other files may still be being written. */
  private void judgeSettled(Map<Path, Stamp> now) {
    now.forEach((jar, stamp) -> {
      if (stamp.equals(before.get(jar)) && !stamp.equals(judged.put(jar, stamp))) {
        String reason = reason(jar);
        if (reason != null) {
          report.accept(jar + " is ignored: " + reason);
        }
      }
    });
    before = now;
  }

  private static @Nullable String reason(Path jar) {
    try (JarFile file = new JarFile(jar.toFile())) {
      Manifest manifest = file.getManifest();
      boolean isBundle =
          manifest != null
              && manifest.getMainAttributes().getValue(Constants.BUNDLE_SYMBOLICNAME) != null;
      return isBundle
          ? null
          : "its manifest does not name a bundle (" + Constants.BUNDLE_SYMBOLICNAME + ")";
    } catch (IOException e) {
      return "it is not a jar file (" + e.getMessage() + ")";
    }
  }

  @Override
  public void close() {
    closed.countDown();
  }
}
