package dev.serval.engine.gguf;

import dev.serval.api.error.ModelRefusedException;
import dev.serval.api.error.ModelRefusedException.Reason;
import dev.serval.api.model.Metadata;
import dev.serval.api.model.ModelSource;
import dev.serval.api.tensor.TensorView;
import dev.serval.api.tensor.Weights;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HexFormat;

/**
 * An open model file in the GGUF container format, version 2 or 3, little-endian: metadata and
 * tensors are checked, tensor data is mapped.
 *
 * <p>Thread-safe. The mapping belongs to this object; after {@link #close} every access to tensor
 * data is an {@link IllegalStateException}. Model files must not be changed while they are open: a
 * truncated mapping ends the virtual machine.
 */
public final class GgufFile implements AutoCloseable {

  private static final int FIXED_HEADER_BYTES = 24;

  /** The four bytes {@code GGUF}, read as a little-endian integer. */
  private static final int MAGIC = 0x46554747;

  private static final String SPLIT_COUNT = "split.count";

  private final ModelSource source;
  private final TensorTable tensors;
  private final Arena arena;
  private final MappedWeights weights;

  private GgufFile(ModelSource source, TensorTable tensors, Arena arena, MappedWeights weights) {
    this.source = source;
    this.tensors = tensors;
    this.arena = arena;
    this.weights = weights;
  }

  /**
   * Opens a file with {@link GgufLimits#DEFAULT}.
   *
   * @param path a regular file on the default file system
   * @throws ModelRefusedException {@code UNREADABLE} if it cannot be read, {@code MALFORMED} if it
   *     violates the format, {@code KEY_INVALID} for one part of a split model, {@code
   *     TYPE_UNSUPPORTED} for a tensor that was stored under an id of its own
   */
  public static GgufFile open(Path path) {
    return open(path, GgufLimits.DEFAULT);
  }

  /**
   * Opens a file.
   *
   * @param path a regular file on the default file system
   * @param limits what the file may claim
   * @throws ModelRefusedException as {@link #open(Path)}
   */
  public static GgufFile open(Path path, GgufLimits limits) {
    String name = String.valueOf(path.getFileName());
    try {
      if (Files.exists(path) && !Files.isRegularFile(path)) {
        throw new ModelRefusedException(Reason.UNREADABLE, name + ": not a regular file");
      }
      try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
        return read(channel, name, limits);
      }
    } catch (IOException e) {
      throw new ModelRefusedException(
          Reason.UNREADABLE, name + ": cannot be read: " + reason(e), e);
    }
  }

  private static GgufFile read(FileChannel channel, String name, GgufLimits limits)
      throws IOException {
    HeaderReader in = new HeaderReader(channel, name, limits.maxHeaderBytes());
    if (in.fileBytes() < FIXED_HEADER_BYTES) {
      throw in.malformed(
          "size", 0, "at least " + FIXED_HEADER_BYTES + " bytes", in.fileBytes() + " bytes");
    }
    requireMagic(in);
    requireVersion(in);
    int tensorCount = in.count("tensor count", limits.maxTensors(), TensorTable.LEAST_ENTRY_BYTES);
    int pairCount =
        in.count("key/value count", limits.maxKeyValues(), MetadataReader.LEAST_PAIR_BYTES);
    MetadataReader pairs = new MetadataReader(in, limits);
    Metadata metadata = pairs.read(pairCount);
    requireWhole(name, metadata);
    String architecture =
        metadata.has(Metadata.ARCHITECTURE) ? metadata.requireText(Metadata.ARCHITECTURE) : "";
    TensorTable tensors =
        TensorTable.read(in, tensorCount, pairs.alignment(), architecture, limits);
    ModelSource source =
        new ModelSource(
            name, metadata, tensors.tensors().stream().map(t -> TensorView.of(t.info())).toList());
    return map(channel, source, tensors);
  }

  private static void requireMagic(HeaderReader in) throws IOException {
    int magic = in.int32("magic");
    if (magic == MAGIC) {
      return;
    }
    String got =
        switch (magic) {
          case 0x67676d6c -> "the unversioned ggml format, which is not supported";
          case 0x67676d66 -> "the ggmf format, which is not supported";
          case 0x67676a74 -> "the ggjt format, which is not supported";
          case 0x67676c61 -> "a ggla adapter, which is not supported";
          case 0x47475546 -> "GGUF written backwards: a big-endian file, which is not supported";
          default -> "bytes " + HexFormat.of().toHexDigits(Integer.reverseBytes(magic));
        };
    throw in.malformed("magic", 0, "GGUF", got);
  }

  private static void requireVersion(HeaderReader in) throws IOException {
    long at = in.position();
    int version = in.int32("version");
    if (version == 2 || version == 3) {
      return;
    }
    String got;
    if (version == 1) {
      got = "1: GGUF v1 is not supported";
    } else if (version != 0 && (version & 0xFFFF) == 0) {
      got = "a big-endian " + Integer.reverseBytes(version) + ": big-endian is not supported";
    } else {
      got = Integer.toUnsignedString(version);
    }
    throw in.malformed("version", at, "2 or 3", got);
  }

  private static void requireWhole(String name, Metadata metadata) {
    long parts = metadata.integer(SPLIT_COUNT).orElse(1);
    if (parts > 1) {
      throw new ModelRefusedException(
          Reason.KEY_INVALID,
          name
              + ": key "
              + SPLIT_COUNT
              + ": expected 1, got "
              + parts
              + ": a model split over several files is not supported yet; merge it into one");
    }
  }

  private static GgufFile map(FileChannel channel, ModelSource source, TensorTable tensors)
      throws IOException {
    Arena arena = Arena.ofShared();
    try {
      long bytes = tensors.dataBytes();
      MemorySegment data =
          bytes == 0
              ? arena.allocate(0)
              : channel.map(MapMode.READ_ONLY, tensors.start(), bytes, arena);
      return new GgufFile(source, tensors, arena, new MappedWeights(source.name(), data, tensors));
    } catch (IOException | RuntimeException e) {
      arena.close();
      throw e;
    }
  }

  private static String reason(IOException e) {
    return switch (e) {
      case NoSuchFileException _ -> "no such file";
      case AccessDeniedException _ -> "access denied";
      default -> e.getClass().getSimpleName() + ": " + e.getMessage();
    };
  }

  /** Metadata, and the tensors under their names in the file; stays valid after {@link #close}. */
  public ModelSource source() {
    return source;
  }

  /** The tensors' bytes, readable until {@link #close}. */
  public Weights weights() {
    return weights;
  }

  /** Sum of the tensors' sizes in bytes, without padding. */
  public long tensorBytes() {
    return tensors.tensorBytes();
  }

  /** Number of weights: the sum of the tensors' elements. */
  public long parameters() {
    return tensors.parameters();
  }

  /**
   * Unmaps the data. Does nothing if closed before.
   *
   * @throws IllegalStateException if a native call is using the data right now
   */
  @Override
  public synchronized void close() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }
}
