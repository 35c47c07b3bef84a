package dev.serval.engine.gguf;

import static dev.serval.engine.gguf.FieldedFile.HEADER;

import dev.serval.api.error.ModelRefusedException.Reason;
import dev.serval.engine.gguf.GgufWriter.Bytes;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;

/** Files with a bad magic, version or count, and files cut short. */
final class HeaderCases {

  private HeaderCases() {}

  /** All of them. */
  static Stream<HostileCase> all() {
    return Stream.of(
            sizes(), magics(), versions(), counts("tensor count", 1 << 15), pairCounts(), cuts())
        .flatMap(s -> s);
  }

  /** The fixed header takes 24 bytes. */
  private static Stream<HostileCase> sizes() {
    byte[] whole = FieldedFile.example().toArray();
    return IntStream.of(0, 1, 3, 4, 7, 8, 15, 16, 23)
        .mapToObj(n ->
            new HostileCase(
                "file of " + n + " bytes",
                Arrays.copyOf(whole, n),
                Reason.MALFORMED,
                "header, size at byte 0: expected at least 24 bytes",
                "got " + n + " bytes"));
  }

  private static Stream<HostileCase> magics() {
    Map<String, String> magics = new TreeMap<>();
    magics.put("\0\0\0\0", "bytes 00000000");
    magics.put("gguf", "bytes 67677566");
    magics.put("GGUG", "bytes 47475547");
    magics.put("GGTF", "bytes 47475446");
    magics.put("GFUF", "bytes 47465546");
    magics.put("FGUF", "bytes 46475546");
    magics.put(" GGU", "bytes 20474755");
    magics.put("PK\3\4", "bytes 504b0304");
    magics.put("FUGG", "written backwards: a big-endian file");
    magics.put("lmgg", "the unversioned ggml format");
    magics.put("fmgg", "the ggmf format");
    magics.put("tjgg", "the ggjt format");
    magics.put("algg", "a ggla adapter");
    return magics.entrySet().stream()
        .map(e ->
            header(
                e.getKey().strip(),
                "magic",
                new Bytes().raw(e.getKey().getBytes(StandardCharsets.US_ASCII)),
                e.getValue()));
  }

  private static Stream<HostileCase> versions() {
    Map<Long, String> versions = new TreeMap<>();
    versions.put(0L, "2 or 3, got 0");
    versions.put(1L, "GGUF v1 is not supported");
    versions.put(4L, "2 or 3, got 4");
    versions.put(0x7FFF_FFFFL, "2 or 3, got 2147483647");
    versions.put(0xFFFF_FFFFL, "2 or 3, got 4294967295");
    versions.put(0x8000_0000L, "a big-endian 128");
    versions.put(0x0100_0000L, "a big-endian 1");
    versions.put(0x0200_0000L, "a big-endian 2");
    versions.put(0x0300_0000L, "a big-endian 3");
    return versions.entrySet().stream()
        .map(e -> header("" + e.getKey(), "version", new Bytes().int32(e.getKey()), e.getValue()));
  }

  private static Stream<HostileCase> counts(String field, int limit) {
    return LongStream.of(
            limit + 1L, 1L << 31, 1L << 32, 1L << 60, Long.MAX_VALUE, Long.MIN_VALUE, -1)
        .mapToObj(n ->
            header(
                "" + n,
                field,
                new Bytes().int64(n),
                "at most " + limit + ", got " + Long.toUnsignedString(n)));
  }

  private static Stream<HostileCase> pairCounts() {
    FieldedFile file = FieldedFile.example();
    int afterTensors = file.toArray().length - 16;
    int afterPairs = file.toArray().length - 24;
    return Stream.concat(
        counts("key/value count", 1 << 16),
        Stream.of(
            header(
                "more than bytes",
                "tensor count",
                new Bytes().int64(1 << 15),
                "at most " + afterTensors / 25 + " in the " + afterTensors),
            header(
                "more than bytes",
                "key/value count",
                new Bytes().int64(1 << 16),
                "at most " + afterPairs / 14 + " in the " + afterPairs)));
  }

  private static HostileCase header(String what, String field, Bytes bytes, String part) {
    FieldedFile file = FieldedFile.example().with(HEADER, field, bytes);
    return HostileCase.malformed(what, file, HEADER, field, part);
  }

  /** Each field once without its last byte and all that follows. */
  private static Stream<HostileCase> cuts() {
    FieldedFile file = FieldedFile.example();
    return IntStream.range(4, file.fields().size())
        .filter(i -> file.fields().get(i).bytes().length > 0)
        .mapToObj(i -> cut(file, i));
  }

  private static HostileCase cut(FieldedFile file, int index) {
    FieldedFile.Field f = file.fields().get(index);
    int end = file.offset(index) + f.bytes().length - 1;
    String item = f.item();
    String noticed = f.name();
    // What a length or count announces is missed before any of it is read.
    if (end - 16 < TensorTable.LEAST_ENTRY_BYTES * file.count("name length")) {
      item = HEADER;
      noticed = "tensor count";
    } else if (end - 24 < MetadataReader.LEAST_PAIR_BYTES * file.count("key length")) {
      item = HEADER;
      noticed = "key/value count";
    } else if (noticed.equals("key") || noticed.equals("name")) {
      noticed += " length";
    } else if (file.has(item, "element count")
        && (noticed.equals("value") || noticed.equals("element length"))) {
      noticed = "element count";
    } else if (noticed.equals("value") && file.has(item, "value length")) {
      noticed = "value length";
    }
    return new HostileCase(
        f.item() + ", " + f.name() + ": the file ends inside it, at byte " + end,
        Arrays.copyOf(file.toArray(), end),
        Reason.MALFORMED,
        item + ", " + noticed + " at byte " + file.offset(item, noticed) + ": expected ",
        "");
  }
}
