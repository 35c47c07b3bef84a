package dev.serval.engine.gguf;

import dev.serval.api.error.ModelRefusedException;
import dev.serval.api.error.ModelRefusedException.Reason;
import dev.serval.api.model.Metadata;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HexFormat;
import java.util.Map;

/**
 * One open file: its header, read and checked, and the channel through which its data is read.
 * Thread-safe.
 *
 * @param path where it was opened
 * @param name name for messages
 * @param channel open for reading until {@link #close}
 * @param version of the format, 2 or 3
 * @param metadata the pairs of this file
 * @param pairs where each pair lies, by key
 * @param alignment bytes between the starts of tensors, a power of two
 * @param tensors the tensors of this file
 * @param fileBytes size of the file when it was opened
 */
record GgufPart(
    Path path,
    String name,
    FileChannel channel,
    int version,
    Metadata metadata,
    Map<String, Span> pairs,
    int alignment,
    TensorTable tensors,
    long fileBytes)
    implements AutoCloseable {

  private static final int FIXED_HEADER_BYTES = 24;

  /** The four bytes {@code GGUF}, read as a little-endian integer. */
  static final int MAGIC = 0x46554747;

  /**
   * A run of bytes of the file.
   *
   * @param start offset of the first
   * @param end offset behind the last
   */
  record Span(long start, long end) {}

  /**
   * Opens a file and reads its header.
   *
   * @throws ModelRefusedException as {@link GgufFile#open(Path)}
   */
  static GgufPart open(Path path, GgufLimits limits) {
    String name = String.valueOf(path.getFileName());
    try {
      if (Files.exists(path) && !Files.isRegularFile(path)) {
        throw new ModelRefusedException(Reason.UNREADABLE, name + ": not a regular file");
      }
      FileChannel channel = FileChannel.open(path, StandardOpenOption.READ);
      boolean read = false;
      try {
        GgufPart part = read(path, name, channel, limits);
        read = true;
        return part;
      } finally {
        if (!read) {
          channel.close();
        }
      }
    } catch (IOException e) {
      throw unreadable(name, e);
    }
  }

  /** A refusal of a file that cannot be read. */
  static ModelRefusedException unreadable(String name, IOException e) {
    String reason =
        switch (e) {
          case NoSuchFileException _ -> "no such file";
          case AccessDeniedException _ -> "access denied";
          default -> e.getClass().getSimpleName() + ": " + e.getMessage();
        };
    return new ModelRefusedException(Reason.UNREADABLE, name + ": cannot be read: " + reason, e);
  }

  static GgufPart read(Path path, String name, FileChannel channel, GgufLimits limits)
      throws IOException {
    HeaderReader in = new HeaderReader(channel, name, limits.maxHeaderBytes());
    if (in.fileBytes() < FIXED_HEADER_BYTES) {
      throw in.malformed(
          "size", 0, "at least " + FIXED_HEADER_BYTES + " bytes", in.fileBytes() + " bytes");
    }
    requireMagic(in);
    int version = version(in);
    int tensorCount = in.count("tensor count", limits.maxTensors(), TensorTable.LEAST_ENTRY_BYTES);
    int pairCount =
        in.count("key/value count", limits.maxKeyValues(), MetadataReader.LEAST_PAIR_BYTES);
    MetadataReader pairs = new MetadataReader(in, limits);
    Metadata metadata = pairs.read(pairCount);
    String architecture =
        metadata.has(Metadata.ARCHITECTURE) ? metadata.requireText(Metadata.ARCHITECTURE) : "";
    TensorTable tensors =
        TensorTable.read(in, tensorCount, pairs.alignment(), architecture, limits);
    return new GgufPart(
        path,
        name,
        channel,
        version,
        metadata,
        pairs.spans(),
        pairs.alignment(),
        tensors,
        in.fileBytes());
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

  private static int version(HeaderReader in) throws IOException {
    long at = in.position();
    int version = in.int32("version");
    if (version == 2 || version == 3) {
      return version;
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

  /**
   * Reads bytes of the file.
   *
   * @param position offset of the first
   * @param target filled from its position to its limit
   * @throws ModelRefusedException ({@code UNREADABLE}) if the file ends before
   */
  void read(long position, ByteBuffer target) throws IOException {
    long at = position;
    while (target.hasRemaining()) {
      int n = channel.read(target, at);
      if (n < 0) {
        throw new ModelRefusedException(
            Reason.UNREADABLE,
            name + ": the file shrank to " + channel.size() + " bytes while it was read");
      }
      at += n;
    }
  }

  /** A copy of a pair as it stands in the file: key, type and value. */
  byte[] pair(String key) throws IOException {
    Span span = pairs.get(key);
    if (span == null) {
      throw new IllegalArgumentException(name + " has no key " + key);
    }
    byte[] bytes = new byte[Math.toIntExact(span.end() - span.start())];
    read(span.start(), ByteBuffer.wrap(bytes));
    return bytes;
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw unreadable(name, e);
    }
  }
}
