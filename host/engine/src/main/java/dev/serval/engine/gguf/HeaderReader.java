package dev.serval.engine.gguf;

import dev.serval.api.error.ModelRefusedException;
import dev.serval.api.error.ModelRefusedException.Reason;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * Reads little-endian fields front to back and refuses every one that does not fit the file.
 *
 * <p>Each byte is copied from the file once, so that what was checked is what is used even if the
 * file changes meanwhile; and nothing is allocated for a length before that many bytes are known to
 * follow. Confined to one thread.
 */
final class HeaderReader {

  private static final int BUFFER_BYTES = 1 << 16;

  private static final int QUOTED_CHARS = 200;

  private final FileChannel channel;
  private final String file;
  private final long fileBytes;
  private final long limitBytes;
  private final ByteBuffer buffer =
      ByteBuffer.allocate(BUFFER_BYTES).order(ByteOrder.LITTLE_ENDIAN).limit(0);

  /** Offset of the first byte behind the buffer's content. */
  private long filled;

  private Object item = "header";

  /**
   * Reads from the start of a file.
   *
   * @param channel stays open, its position is not used
   * @param file name for messages
   * @param limitBytes how far to read at most
   */
  HeaderReader(FileChannel channel, String file, long limitBytes) throws IOException {
    this.channel = channel;
    this.file = file;
    this.fileBytes = channel.size();
    this.limitBytes = limitBytes;
  }

  /**
   * A part of the file in messages, which is worded only if there is one.
   *
   * @param kind what it is
   * @param name in the file, of which long ones are quoted in part
   */
  record Named(String kind, String name) {
    @Override
    public String toString() {
      return kind + " " + quoted(name);
    }
  }

  /** A name from the file between quotes, cut after {@value #QUOTED_CHARS} characters. */
  static String quoted(String name) {
    return name.length() <= QUOTED_CHARS
        ? "\"" + name + "\""
        : "\"" + name.substring(0, QUOTED_CHARS) + "…\"";
  }

  /** A part of the file that has no name yet, in messages. */
  record Numbered(String kind, int number) {
    @Override
    public String toString() {
      return kind + " " + number;
    }
  }

  /** Sets the part of the file that is being read; its text stands in messages. */
  void item(Object part) {
    this.item = part;
  }

  /** Offset of the next byte. */
  long position() {
    return filled - buffer.remaining();
  }

  /** Size of the file in bytes, as it was when opened. */
  long fileBytes() {
    return fileBytes;
  }

  byte int8(String field) throws IOException {
    return fill(1, field).get();
  }

  short int16(String field) throws IOException {
    return fill(2, field).getShort();
  }

  int int32(String field) throws IOException {
    return fill(4, field).getInt();
  }

  long int64(String field) throws IOException {
    return fill(8, field).getLong();
  }

  float float32(String field) throws IOException {
    return fill(4, field).getFloat();
  }

  double float64(String field) throws IOException {
    return fill(8, field).getDouble();
  }

  /**
   * A number of things that follow.
   *
   * @param most the number allowed
   * @param leastBytes bytes that each of them takes at least
   */
  int count(String field, int most, int leastBytes) throws IOException {
    long at = position();
    long n = int64(field);
    if (Long.compareUnsigned(n, most) > 0) {
      throw malformed(field, at, "at most " + most, Long.toUnsignedString(n));
    }
    long rest = fileBytes - position();
    if (n * leastBytes > rest) {
      throw malformed(
          field, at, "at most " + rest / leastBytes + " in the " + rest + " bytes that follow", n);
    }
    return (int) n;
  }

  /** The bytes of a string: a length of 8 bytes, then that many bytes. */
  byte[] string(String field, int mostBytes) throws IOException {
    byte[] bytes = new byte[stringLength(field, mostBytes)];
    read(bytes, 0, bytes.length, field);
    return bytes;
  }

  /** The length of a string whose bytes are then read with {@link #read}. */
  int stringLength(String field, int mostBytes) throws IOException {
    return count(field + " length", mostBytes, 1);
  }

  /**
   * A string that names something: not empty, UTF-8, no control characters.
   *
   * @throws ModelRefusedException ({@code MALFORMED}) if it is not
   */
  String name(String field, int mostBytes) throws IOException {
    long at = position();
    byte[] bytes = string(field, mostBytes);
    if (bytes.length == 0) {
      throw malformed(field, at, "1 to " + mostBytes + " bytes", "an empty string");
    }
    String name = decoded(bytes);
    if (name == null) {
      throw malformed(field, at, "UTF-8", "malformed bytes");
    }
    for (int i = 0; i < name.length(); i++) {
      if (Character.isISOControl(name.charAt(i))) {
        throw malformed(field, at, "no control characters", "some");
      }
    }
    return name;
  }

  /** The text of well-formed UTF-8, null for other bytes. Names are ASCII, as a rule. */
  private static @Nullable String decoded(byte[] bytes) {
    int i = 0;
    while (i < bytes.length && bytes[i] >= 0) {
      i++;
    }
    if (i == bytes.length) {
      return new String(bytes, StandardCharsets.US_ASCII);
    }
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      return null;
    }
  }

  /** Reads {@code n} bytes into an array. */
  void read(byte[] target, int from, int n, String field) throws IOException {
    require(n, field);
    int done = Math.min(n, buffer.remaining());
    buffer.get(target, from, done);
    if (done < n) {
      readFully(ByteBuffer.wrap(target, from + done, n - done), field);
    }
  }

  private ByteBuffer fill(int n, String field) throws IOException {
    if (buffer.remaining() < n) {
      require(n, field);
      buffer.compact();
      buffer.limit((int) Math.min(buffer.capacity(), buffer.position() + fileBytes - filled));
      readFully(buffer, field);
      buffer.flip();
    }
    return buffer;
  }

  private void readFully(ByteBuffer target, String field) throws IOException {
    while (target.hasRemaining()) {
      int n = channel.read(target, filled);
      if (n < 0) {
        throw new ModelRefusedException(
            Reason.UNREADABLE,
            file + ": the file shrank to " + filled + " bytes while " + field + " was read");
      }
      filled += n;
    }
  }

  private void require(long n, String field) {
    long at = position();
    if (n > fileBytes - at) {
      throw malformed(
          field, at, n + " more bytes", (fileBytes - at) + " before the end of the file");
    }
    if (n > limitBytes - at) {
      throw malformed(field, at, "a header of at most " + limitBytes + " bytes", "a longer one");
    }
  }

  /**
   * A refusal of the field at an offset of the file.
   *
   * @param offset where the field begins, in bytes
   */
  ModelRefusedException malformed(String field, long offset, String expected, Object got) {
    return new ModelRefusedException(
        Reason.MALFORMED,
        file
            + ": "
            + item
            + ", "
            + field
            + " at byte "
            + offset
            + ": expected "
            + expected
            + ", got "
            + got);
  }
}
