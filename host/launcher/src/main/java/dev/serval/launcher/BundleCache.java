package dev.serval.launcher;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The folder in which the framework keeps installed bundles, locked by this process. Felix does not
 * refuse a second process on the same folder, so every process takes its own: the first free number
 * for the bundle set at hand. Folders of other bundle sets are removed when nobody holds them.
 */
final class BundleCache implements AutoCloseable {

  private static final int MAX_PROCESSES = 256;

  private final Path folder;
  private final FileChannel channel;
  private final FileLock lock;

  private BundleCache(Path folder, FileChannel channel, FileLock lock) {
    this.folder = folder;
    this.channel = channel;
    this.lock = lock;
  }

  /**
   * Takes a folder.
   *
   * @param root folder of all caches
   * @param bundles the jars that will be installed
   */
  static BundleCache open(Path root, List<Path> bundles) throws IOException {
    String set = fingerprint(bundles);
    for (int i = 0; i < MAX_PROCESSES; i++) {
      Path folder = root.resolve("bundles-" + set + "-" + i);
      BundleCache taken = take(folder);
      if (taken != null) {
        removeOthers(root, "bundles-" + set + "-");
        return taken;
      }
    }
    throw new IOException("more than " + MAX_PROCESSES + " processes use " + root);
  }

  private static @Nullable BundleCache take(Path folder) throws IOException {
    Path file = folder.resolveSibling(folder.getFileName() + ".lock");
    FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    FileLock lock = null;
    try {
      lock = channel.tryLock();
    } catch (OverlappingFileLockException e) {
      return null; // another container of this process holds it
    } finally {
      if (lock == null) {
        channel.close();
      }
    }
    if (lock == null) {
      return null;
    }
    Files.createDirectories(folder);
    return new BundleCache(folder, channel, lock);
  }

  /** Names, sizes and times of the jars: what changes when one of them does. */
  private static String fingerprint(List<Path> bundles) throws IOException {
    try {
      MessageDigest sha = MessageDigest.getInstance("SHA-256");
      for (Path jar : bundles) {
        String line =
            jar.toAbsolutePath() + "|" + Files.size(jar) + "|" + Files.getLastModifiedTime(jar);
        sha.update(line.getBytes(StandardCharsets.UTF_8));
      }
      return HexFormat.of().formatHex(sha.digest(), 0, 8);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  private static void removeOthers(Path root, String keep) throws IOException {
    List<Path> others = new ArrayList<>();
    try (DirectoryStream<Path> all =
        Files.newDirectoryStream(root, p -> isOther(p, keep) && Files.isDirectory(p))) {
      all.forEach(others::add);
    }
    for (Path folder : others) {
      BundleCache stale = take(folder);
      if (stale != null) {
        delete(folder);
        stale.close();
        Files.deleteIfExists(folder.resolveSibling(folder.getFileName() + ".lock"));
      }
    }
  }

  private static boolean isOther(Path path, String keep) {
    String name = String.valueOf(path.getFileName());
    return name.startsWith("bundles-") && !name.startsWith(keep);
  }

  private static void delete(Path folder) throws IOException {
    try (Stream<Path> all = Files.walk(folder)) {
      for (Path p : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(p);
      }
    }
  }

  /** The folder. */
  Path folder() {
    return folder;
  }

  @Override
  public void close() throws IOException {
    lock.close();
    channel.close();
  }
}
