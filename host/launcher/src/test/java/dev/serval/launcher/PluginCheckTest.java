package dev.serval.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.jar.Attributes;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PluginCheckTest {

  private static final long PERIOD_MILLIS = 10;

  @TempDir private Path folder;
  private final BlockingQueue<String> reports = new LinkedBlockingQueue<>();

  private void jar(String name, String... headers) throws IOException {
    Manifest manifest = new Manifest();
    manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
    Arrays.stream(headers)
        .forEach(h -> manifest.getMainAttributes().putValue(h.split(":")[0], h.split(":")[1]));
    try (var out = Files.newOutputStream(folder.resolve(name));
        var jar = new JarOutputStream(out, manifest)) {
      jar.finish();
    }
  }

  private String next() throws InterruptedException {
    String report = reports.poll(30, TimeUnit.SECONDS);
    assertTrue(report != null, "a report within the deadline");
    return report;
  }

  @Test
  void reportsWhatIsThereAlready() throws Exception {
    Files.writeString(folder.resolve("text.jar"), "no jar");
    try (PluginCheck _ = PluginCheck.open(folder, PERIOD_MILLIS, reports::add)) {
      String report = reports.poll();
      assertTrue(
          report != null && report.contains("text.jar is ignored: it is not a jar file"), report);
    }
  }

  @Test
  void reportsWhatComesOrChangesOnce() throws Exception {
    try (PluginCheck _ = PluginCheck.open(folder, PERIOD_MILLIS, reports::add)) {
      jar("plain.jar");
      assertTrue(next().contains("Bundle-SymbolicName"));
      Files.writeString(folder.resolve("plain.jar"), "now it is a text");
      assertTrue(next().contains("not a jar file"));
      Files.writeString(folder.resolve("last.jar"), "");
      String report = next();
      assertTrue(report.contains("last.jar"), "the others were reported once: " + report);
    }
  }

  @Test
  void isSilentAboutBundlesOtherFilesAndFolders() throws Exception {
    jar("bundle.jar", "Bundle-SymbolicName:a.bundle");
    Files.writeString(folder.resolve("notes.txt"), "no jar");
    Files.createDirectory(folder.resolve("exploded.jar"));
    try (PluginCheck _ = PluginCheck.open(folder, PERIOD_MILLIS, reports::add)) {
      assertNull(reports.poll());
    }
  }

  @Test
  void saysSoWhenTheFolderGoes() throws Exception {
    Path gone = Files.createDirectory(folder.resolve("plugins"));
    try (PluginCheck _ = PluginCheck.open(gone, PERIOD_MILLIS, reports::add)) {
      Files.delete(gone);
      assertEquals("the plugins folder is not checked any more", next().replaceFirst(":.*", ""));
    }
  }
}
