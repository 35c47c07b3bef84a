package dev.serval.engine.gguf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.error.ModelRefusedException;
import dev.serval.engine.gguf.GgufWriter.Bytes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Files that make the most of every byte: opening them allocates at most {@value #FACTOR} bytes for
 * each byte of metadata and {@value #FIXED_BYTES} more, and takes time in proportion.
 */
@Timeout(value = 30, threadMode = ThreadMode.SEPARATE_THREAD)
class HostileSizeTest {

  private static final int FACTOR = 16;
  private static final int FIXED_BYTES = 8 << 20;

  private static final int MOST_PAIRS = GgufLimits.DEFAULT.maxKeyValues();
  private static final int MOST_TENSORS = GgufLimits.DEFAULT.maxTensors();

  @TempDir Path dir;

  /** Three characters for each number below 2^18. */
  private static String shortName(int i) {
    return "" + (char) ('0' + (i & 63)) + (char) ('0' + (i >> 6 & 63)) + (char) ('0' + (i >> 12));
  }

  /** Names with one hash code, as "Aa" and "BB" have. */
  private static String collidingName(int i) {
    StringBuilder name = new StringBuilder();
    for (int bit = 0; bit < 16; bit++) {
      name.append((i >> bit & 1) == 0 ? "Aa" : "BB");
    }
    return name.toString();
  }

  @Test
  void manyPairs() throws IOException {
    opensWithinBound(pairs(HostileSizeTest::shortName));
  }

  @Test
  void manyTensors() throws IOException {
    opensWithinBound(tensors(HostileSizeTest::shortName));
  }

  @Test
  void manyTensorsOfOneByte() throws IOException {
    GgufWriter w = new GgufWriter().alignment(1).data(MOST_TENSORS);
    for (int i = 0; i < MOST_TENSORS; i++) {
      w.bytesAt(shortName(i), i);
    }
    opensWithinBound(w.toArray());
  }

  /** Tables of colliding keys take minutes. */
  @Test
  void namesOfOneHashCodeAreRefused() throws IOException {
    assertEquals(collidingName(0).hashCode(), collidingName(0xFFFF).hashCode());
    refuses(
        pairs(HostileSizeTest::collidingName),
        "header, keys at byte 0: expected at most 32 names of one hash code, got more of "
            + MOST_PAIRS);
    refuses(
        tensors(HostileSizeTest::collidingName),
        "tensor names: expected at most 32 names of one hash code, got more of " + MOST_TENSORS);
  }

  @Test
  void tensorsOfOneHashCodeAreRefused() throws IOException {
    GgufWriter w = new GgufWriter();
    for (int i = 0; i < 40; i++) {
      String name = shortName(i);
      // The hash code of a tensor is made of those of its name and shape; rank and sizes count.
      long size = 1_000_000_007L - 31L * 31 * name.hashCode();
      w.bytesAt(name, 0, 0, 1, 1, Math.floorMod(size, 1L << 32));
    }
    refuses(w.toArray(), "tensor names: expected at most 32 names of one hash code");
  }

  private static byte[] pairs(IntFunction<String> names) {
    GgufWriter w = new GgufWriter();
    for (int i = 0; i < MOST_PAIRS; i++) {
      w.bool(names.apply(i), true);
    }
    return w.toArray();
  }

  private static byte[] tensors(IntFunction<String> names) {
    GgufWriter w = new GgufWriter();
    for (int i = 0; i < MOST_TENSORS; i++) {
      w.bytesAt(names.apply(i), 0, 0);
    }
    return w.toArray();
  }

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "ARRAY")
  void longArrays(ValueType type) throws IOException {
    int n = (4 << 20) / type.leastBytes;
    Bytes array = GgufWriter.array(FieldedFile.id(type), n);
    array.raw(new byte[n * type.leastBytes]);
    opensWithinBound(new GgufWriter().pair("a", 9, array).toArray());
  }

  @Test
  void manyArrays() throws IOException {
    GgufWriter w = new GgufWriter();
    for (int i = 0; i < MOST_PAIRS; i++) {
      w.texts(shortName(i), "");
    }
    opensWithinBound(w.toArray());
  }

  @Test
  void longTextsThatAreNotUtf8() throws IOException {
    byte[] bad = new byte[4 << 20];
    Arrays.fill(bad, (byte) 0xFF);
    GgufWriter w = new GgufWriter();
    w.pair("text", 8, new Bytes().string(bad));
    w.pair("texts", 9, GgufWriter.array(8, 2).string(new byte[0]).string(bad));
    opensWithinBound(w.toArray());
  }

  @Test
  void longKeys() throws IOException {
    GgufWriter w = new GgufWriter();
    for (int i = 0; i < 64; i++) {
      w.bool(shortName(i) + "é".repeat(32_000), true);
    }
    opensWithinBound(w.toArray());
  }

  @Test
  void messagesQuoteLongNamesInPart() throws IOException {
    String key = "k".repeat(60_000);
    Path path = new GgufWriter().bool(key, true).bool(key, true).write(dir.resolve("test.gguf"));
    ModelRefusedException e = assertThrows(ModelRefusedException.class, () -> GgufFile.open(path));
    assertTrue(String.valueOf(e.getMessage()).length() < 1000, "length of the message");
  }

  private void refuses(byte[] bytes, String message) throws IOException {
    Path path = Files.write(dir.resolve("flood.gguf"), bytes);
    ModelRefusedException e = assertThrows(ModelRefusedException.class, () -> GgufFile.open(path));
    assertEquals(ModelRefusedException.Reason.MALFORMED, e.reason());
    assertTrue(String.valueOf(e.getMessage()).startsWith("flood.gguf: " + message), e.getMessage());
  }

  private void opensWithinBound(byte[] bytes) throws IOException {
    GgufFile.open(FieldedFile.example().write(dir.resolve("small.gguf"))).close();
    Path path = Files.write(dir.resolve("large.gguf"), bytes);
    long before = Allocation.ofThisThread();
    GgufFile.open(path).close();
    long allocated = Allocation.ofThisThread() - before;
    long most = (long) FACTOR * bytes.length + FIXED_BYTES;
    assertTrue(
        allocated <= most,
        allocated + " bytes allocated for " + bytes.length + ", at most " + most + " expected");
  }
}
