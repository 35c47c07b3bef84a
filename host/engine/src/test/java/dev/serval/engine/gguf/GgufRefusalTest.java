package dev.serval.engine.gguf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import dev.serval.api.error.ModelRefusedException;
import dev.serval.api.error.ModelRefusedException.Reason;
import dev.serval.api.tensor.DataType;
import dev.serval.engine.gguf.GgufWriter.Bytes;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** One hand-made file for each check of a hardened reader; the numbers are those of the list. */
class GgufRefusalTest {

  @TempDir Path dir;

  private static Bytes fixedHeader(int version, long tensors, long pairs) {
    return new Bytes()
        .raw("GGUF".getBytes(StandardCharsets.US_ASCII))
        .int32(version)
        .int64(tensors)
        .int64(pairs);
  }

  private static GgufWriter writer() {
    return new GgufWriter();
  }

  private static byte[] filled(Bytes b) {
    return b.raw(new byte[64]).toArray();
  }

  static Stream<Arguments> headers() {
    return Stream.of(
        arguments("1 empty file", new byte[0], "size at byte 0: expected at least 24 bytes"),
        arguments("1 short file", new byte[23], "got 23 bytes"),
        arguments("1 other magic", new byte[24], "magic at byte 0: expected GGUF, got bytes 0000"),
        arguments("1 ggjt", "tjgg".repeat(6).getBytes(StandardCharsets.UTF_8), "the ggjt format"),
        arguments("1 ggla", "algg".repeat(6).getBytes(StandardCharsets.UTF_8), "ggla adapter"),
        arguments("1 backwards", "FUGG".repeat(6).getBytes(StandardCharsets.UTF_8), "backwards"),
        arguments("2 version 0", fixedHeader(0, 0, 0).toArray(), "version at byte 4"),
        arguments("2 version 1", fixedHeader(1, 0, 0).toArray(), "GGUF v1 is not supported"),
        arguments("2 version 4", fixedHeader(4, 0, 0).toArray(), "expected 2 or 3, got 4"),
        arguments("2 swapped", fixedHeader(3 << 24, 0, 0).toArray(), "a big-endian 3"),
        arguments(
            "3 negative tensor count",
            fixedHeader(3, -1, 0).toArray(),
            "tensor count at byte 8: expected at most 65536, got 18446744073709551615"),
        arguments(
            "3 negative pair count",
            fixedHeader(3, 0, Long.MIN_VALUE).toArray(),
            "key/value count"),
        arguments(
            "3 more tensors than bytes",
            fixedHeader(3, 1, 0).toArray(),
            "at most 0 in the 8 bytes that follow"),
        arguments("3 more pairs than bytes", filled(fixedHeader(3, 0, 5)), "at most 4 in the 64"),
        arguments("34 a bomb", fixedHeader(3, 0, 1L << 60).toArray(), "at most 65536"));
  }

  static Stream<Arguments> pairs() {
    Bytes nested = GgufWriter.array(9, 1).raw(GgufWriter.array(0, 1).int8(1).toArray());
    Bytes pastEnd = GgufWriter.array(8, 2).string("a").int64(1000);
    return Stream.of(
        arguments(
            "5 key longer than the file",
            filled(fixedHeader(3, 0, 1).int64(1000)),
            "key length at byte 24: expected at most 64 in the 64 bytes that follow, got 1000"),
        arguments("5 negative key length", filled(fixedHeader(3, 0, 1).int64(-1)), "key length"),
        arguments("5 key above limit", writer().bool("k".repeat(65_536), true).toArray(), "65535"),
        arguments("6 empty key", writer().bool("", true).toArray(), "key at byte 24"),
        arguments(
            "6 key not UTF-8",
            filled(fixedHeader(3, 0, 1).string(new byte[] {(byte) 0xC0})),
            "expected UTF-8"),
        arguments(
            "6 key with control", writer().bool("a\nb", true).toArray(), "control characters"),
        arguments(
            "7 duplicate key",
            writer().bool("twice", true).uint32("twice", 1).toArray(),
            "\"twice\" again"),
        arguments(
            "8 value type 13",
            writer().pair("k", 13, new Bytes().int64(0)).toArray(),
            "key \"k\", value type at byte 33: expected 0 to 12, got 13"),
        arguments("8 negative type", writer().pair("k", -1, new Bytes().int64(0)).toArray(), "-1"),
        arguments(
            "8 element type 13",
            writer().pair("k", 9, GgufWriter.array(13, 1).int8(1)).toArray(),
            "element type at byte 37"),
        arguments("8, 32 nested array", writer().pair("k", 9, nested).toArray(), "got ARRAY"),
        arguments(
            "9 array size overflows",
            writer().pair("k", 9, GgufWriter.array(10, Long.MAX_VALUE / 4)).toArray(),
            "element count at byte 41: expected at most 67108864"),
        arguments(
            "9 array longer than the file",
            writer().pair("k", 9, GgufWriter.array(4, 1000)).toArray(),
            "element count"),
        arguments(
            "9 text runs past the end", writer().pair("k", 9, pastEnd).toArray(), "element length"),
        arguments(
            "9 text value runs past the end",
            writer().pair("k", 8, new Bytes().int64(1 << 20)).toArray(),
            "value length"),
        arguments(
            "10 alignment of wrong type",
            writer().int32("general.alignment", 32).toArray(),
            "expected UINT32, got INT32"),
        arguments("10 alignment 0", writer().uint32("general.alignment", 0).toArray(), "got 0"),
        arguments("10 alignment 13", writer().uint32("general.alignment", 13).toArray(), "got 13"),
        arguments(
            "10 alignment above limit",
            writer().uint32("general.alignment", 1 << 17).toArray(),
            "a power of two up to 65536"));
  }

  static Stream<Arguments> tensors() {
    long large = 0x7FFFFFFFFFFFFFC0L;
    return Stream.of(
        arguments("14 empty name", writer().bytesAt("", 0, 1).data(1).toArray(), "name at byte 24"),
        arguments(
            "14 long name",
            writer().bytesAt("n".repeat(128), 0, 1).data(1).toArray(),
            "at most 127"),
        arguments(
            "14 duplicate name",
            writer().bytesAt("t", 0, 1).bytesAt("t", 32, 1).data(64).toArray(),
            "\"t\" again"),
        arguments(
            "15 five dimensions",
            writer().bytesAt("t", 0, 1, 1, 1, 1, 1).data(1).toArray(),
            "number of dimensions at byte 33: expected 0 to 4, got 5"),
        arguments(
            "16 negative dimension",
            writer().bytesAt("t", 0, 1, -1).data(1).toArray(),
            "dimension 1"),
        arguments(
            "16 elements overflow",
            writer().bytesAt("t", 0, 1L << 32, 1L << 31).data(1).toArray(),
            "an element count below 2^63"),
        arguments(
            "16 elements overflow beside an empty dimension",
            writer().bytesAt("t", 0, 0, 1L << 32, 1L << 31).data(1).toArray(),
            "an element count below 2^63"),
        arguments("17 type 43", writer().info("t", 43, 0, 1).data(4).toArray(), "type"),
        arguments("17 negative type", writer().info("t", -1, 0, 1).data(4).toArray(), "got -1"),
        arguments("17 removed type", writer().info("t", 5, 0, 32).data(64).toArray(), "got 5"),
        arguments("17 removed type 4", writer().info("t", 4, 0, 32).data(64).toArray(), "got 4"),
        arguments(
            "18 broken block",
            writer().info("t", DataType.Q8_0.id(), 0, 48).data(64).toArray(),
            "multiple of the block length 32 of Q8_0, got 48"),
        arguments(
            "19 size overflows",
            writer().info("t", DataType.F64.id(), 0, 1L << 61).data(1).toArray(),
            "an end below 2^63"),
        arguments(
            "19 padded size overflows",
            writer().bytesAt("t", 0, Long.MAX_VALUE).data(1).toArray(),
            "an end below 2^63"),
        arguments(
            "20 offset not aligned",
            writer().bytesAt("t", 8, 1).data(64).toArray(),
            "expected a multiple of 32, got 8"),
        arguments(
            "20 negative offset",
            writer().bytesAt("t", -32, 1).data(64).toArray(),
            "offset at byte"),
        arguments(
            "20 end overflows",
            writer().bytesAt("t", large, 64).data(64).toArray(),
            "an end below 2^63"),
        arguments(
            "20 beyond the file",
            writer().bytesAt("t", 64, 1).data(64).toArray(),
            "inside the data section of 64 bytes, got [64, 65)"),
        arguments(
            "20 overlap",
            writer().bytesAt("a", 32, 1).bytesAt("b", 0, 33).data(64).toArray(),
            "tensor \"a\", offset at byte 49: expected at least 33, the end of \"b\", got 32"),
        arguments(
            "21 sum of sizes overflows",
            writer().bytesAt("a", 0, large).bytesAt("b", 0, large).data(64).toArray(),
            "sizes whose sum is below 2^63"),
        arguments(
            "22 truncated data",
            new Bytes()
                .raw(writer().bytesAt("t", 0, 33).header())
                .pad(32)
                .raw(new byte[32])
                .toArray(),
            "data section of 32 bytes, got [0, 33)"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource({"headers", "pairs", "tensors"})
  void refusesMalformedFile(String check, byte[] bytes, String message) throws IOException {
    ModelRefusedException e = refusal(bytes, GgufLimits.DEFAULT);

    assertEquals(Reason.MALFORMED, e.reason(), check);
    assertTrue(message(e).startsWith("test.gguf: "), message(e));
    assertTrue(message(e).contains(message), message(e));
  }

  @Test
  void refusesOldNumberOfMxfp4WithItsOwnMessage() throws IOException {
    byte[] bytes =
        writer().text("general.architecture", "gptoss").info("t", 4, 0, 32).data(32).toArray();

    ModelRefusedException e = refusal(bytes, GgufLimits.DEFAULT);

    assertEquals(Reason.TYPE_UNSUPPORTED, e.reason());
    assertTrue(message(e).contains("MXFP4 as id 39, got id 4"), message(e));
  }

  @Test
  void opensModelSplitIntoOne() throws IOException {
    byte[] bytes = writer().uint16("split.count", 1).toArray();
    try (GgufFile f = GgufFile.open(Files.write(dir.resolve("test.gguf"), bytes))) {
      assertEquals(1, f.source().metadata().integer("split.count").orElseThrow());
    }
  }

  /** Checks 12 and 13 are made where a key is used, on what the file says. */
  @Test
  void wrongTypeAndRangeOfKnownKeysAreRefusedAtUse() throws IOException {
    byte[] bytes = writer().text("a.block_count", "two").float32("a.eps", Float.NaN).toArray();
    try (GgufFile f = GgufFile.open(Files.write(dir.resolve("test.gguf"), bytes))) {
      var m = f.source().metadata();
      assertEquals(
          Reason.KEY_INVALID,
          assertThrows(ModelRefusedException.class, () -> m.requireInt("a.block_count", 1, 512))
              .reason());
      assertEquals(
          Reason.KEY_INVALID,
          assertThrows(ModelRefusedException.class, () -> m.positiveOr("a.eps", 1)).reason());
    }
  }

  @Test
  void everyLimitCanBeSet() throws IOException {
    byte[] bytes =
        writer()
            .bool("key", true)
            .text("text", "12345")
            .texts("array", "a", "b")
            .bytesAt("name", 0, 1)
            .bytesAt("other", 32, 1)
            .data(64)
            .toArray();
    GgufLimits enough = new GgufLimits(3, 2, 5, 5, 2, 5, 32, 1000);
    GgufFile.open(Files.write(dir.resolve("ok.gguf"), bytes), enough).close();

    refusal(bytes, new GgufLimits(2, 2, 5, 5, 2, 5, 32, 1000), "key/value count");
    refusal(bytes, new GgufLimits(3, 1, 5, 5, 2, 5, 32, 1000), "tensor count");
    refusal(bytes, new GgufLimits(3, 2, 4, 5, 2, 5, 32, 1000), "key length");
    refusal(bytes, new GgufLimits(3, 2, 5, 4, 2, 5, 32, 1000), "value length");
    refusal(bytes, new GgufLimits(3, 2, 5, 5, 1, 5, 32, 1000), "element count");
    refusal(bytes, new GgufLimits(3, 2, 5, 5, 2, 4, 32, 1000), "name length");
    refusal(bytes, new GgufLimits(3, 2, 5, 5, 2, 5, 32, 100), "a header of at most 100 bytes");
    refusal(
        writer().alignment(32).toArray(), new GgufLimits(3, 2, 99, 5, 2, 5, 16, 1000), "up to 16");
  }

  private void refusal(byte[] bytes, GgufLimits limits, String message) throws IOException {
    ModelRefusedException e = refusal(bytes, limits);
    assertTrue(message(e).contains(message), message(e));
  }

  private ModelRefusedException refusal(byte[] bytes, GgufLimits limits) throws IOException {
    Path path = Files.write(dir.resolve("test.gguf"), bytes);
    return assertThrows(ModelRefusedException.class, () -> GgufFile.open(path, limits));
  }

  private static String message(ModelRefusedException e) {
    return String.valueOf(e.getMessage());
  }
}
