package dev.serval.engine.quantize;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A file that appears under its name when it is whole and on disk, or not at all: written to a
 * hidden name beside it, synced, renamed. Closing it without {@link #commit} removes what was
 * written. Confined to one thread.
 */
final class AtomicFile implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(AtomicFile.class);

  private final Path target;
  private final boolean overwrite;
  private final Path path;
  private final FileChannel channel;
  private boolean committed;

  private AtomicFile(Path target, boolean overwrite, Path path, FileChannel channel) {
    this.target = target;
    this.overwrite = overwrite;
    this.path = path;
    this.channel = channel;
  }

  /**
   * Begins a file.
   *
   * @param target its name in the end
   * @param overwrite whether a file of that name is replaced
   * @throws FileAlreadyExistsException if there is one and it is not to be replaced
   */
  static AtomicFile create(Path target, boolean overwrite) throws IOException {
    requireFree(target, overwrite);
    String name =
        "." + target.getFileName() + "." + Long.toHexString(ThreadLocalRandom.current().nextLong());
    Path path = target.toAbsolutePath().resolveSibling(name + ".part");
    FileChannel channel =
        FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
    return new AtomicFile(target.toAbsolutePath(), overwrite, path, channel);
  }

  private static void requireFree(Path target, boolean overwrite) throws IOException {
    if (!overwrite && Files.exists(target)) {
      throw new FileAlreadyExistsException(target.toString());
    }
  }

  /** Takes the bytes. */
  FileChannel channel() {
    return channel;
  }

  /** Where the bytes are until {@link #commit}. */
  Path path() {
    return path;
  }

  /**
   * Checks that the disk has room.
   *
   * @param bytes that will be written
   */
  void requireSpace(long bytes) throws IOException {
    long usable = Files.getFileStore(path).getUsableSpace();
    if (usable < bytes) {
      throw new IOException(
          target.getFileName() + ": expected " + bytes + " bytes free on disk, got " + usable);
    }
  }

  /** Brings the bytes to disk and gives the file its name. */
  void commit() throws IOException {
    channel.force(true);
    channel.close();
    requireFree(target, overwrite);
    Files.move(path, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    committed = true;
    syncFolder();
  }

  /** Brings the new name to disk, where the system lets folders be opened. */
  private void syncFolder() {
    Optional<Path> folder = Optional.ofNullable(target.getParent());
    folder.ifPresent(f -> {
      try (FileChannel open = FileChannel.open(f, StandardOpenOption.READ)) {
        open.force(true);
      } catch (IOException e) {
        LOG.debug("folder {} cannot be synced: {}", f, e.toString());
      }
    });
  }

  @Override
  public void close() throws IOException {
    channel.close();
    if (!committed) {
      Files.deleteIfExists(path);
    }
  }
}
