package dev.serval.engine.gguf;

import static dev.serval.engine.gguf.FieldedFile.arrayKey;

import dev.serval.api.error.ModelRefusedException.Reason;
import dev.serval.engine.gguf.GgufWriter.Bytes;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;

/** Files with a bad key, value type, value, array or alignment. */
final class PairCases {

  /** The first pair of the example, whose key is {@code general.architecture}. */
  private static final String FIRST = "pair 0";

  private static final String ARCHITECTURE = "key \"general.architecture\"";
  private static final String ALIGNMENT = "key \"general.alignment\"";

  /** Strings that name something must be UTF-8 without control characters. */
  static final Map<String, byte[]> BAD_NAMES = badNames();

  private PairCases() {}

  /** All of them. */
  static Stream<HostileCase> all() {
    return Stream.of(
            keys(),
            types(),
            lengths(ARCHITECTURE, "value length", 1 << 24),
            lengths("key \"" + arrayKey(ValueType.STRING) + "\"", "element length", 1 << 24),
            arrayTypes(),
            arrayCounts(),
            alignments(),
            architectures())
        .flatMap(s -> s);
  }

  private static Map<String, byte[]> badNames() {
    Map<String, byte[]> names = new LinkedHashMap<>();
    names.put("a lone continuation byte", bytes('a', 0x80));
    names.put("a character cut short", bytes('a', 0xE2, 0x96));
    names.put("an overlong slash", bytes(0xC0, 0xAF));
    names.put("an overlong NUL in three bytes", bytes(0xE0, 0x80, 0x80));
    names.put("a surrogate", bytes(0xED, 0xA0, 0x80));
    names.put("a code point above U+10FFFF", bytes(0xF4, 0x90, 0x80, 0x80));
    names.put("byte FF", bytes(0xFF));
    names.put("NUL", bytes('a', 0));
    names.put("a line feed", bytes('a', '\n', 'b'));
    names.put("an escape", bytes(0x1B, '[', '2', 'J'));
    names.put("DEL", bytes(0x7F));
    names.put("NEL, a control of two bytes", bytes(0xC2, 0x85));
    return names;
  }

  private static byte[] bytes(int... values) {
    Bytes b = new Bytes();
    IntStream.of(values).forEach(b::int8);
    return b.toArray();
  }

  private static Stream<HostileCase> keys() {
    List<HostileCase> cases = new ArrayList<>();
    FieldedFile example = FieldedFile.example();
    lengths(FIRST, "key length", 65_535).forEach(cases::add);
    BAD_NAMES.forEach((what, name) -> {
      FieldedFile file =
          example
              .with(FIRST, "key length", new Bytes().int64(name.length))
              .with(FIRST, "key", new Bytes().raw(name));
      boolean text = what.equals("DEL") || what.startsWith("NEL") || name[name.length - 1] >= 0;
      cases.add(key(what, file, FIRST, text ? "no control characters" : "UTF-8"));
    });
    cases.add(
        key(
            "empty",
            example.with(FIRST, "key length", new Bytes().int64(0)).with(FIRST, "key", new Bytes()),
            FIRST,
            "1 to 65535 bytes, got an empty string"));
    cases.add(key("twice", twice(ValueType.UINT8), "pair 2", "every key once, got \"t.uint8\""));
    cases.add(key("twice, two types", twice(ValueType.STRING), "pair 2", "\"t.uint8\" again"));
    FieldedFile.Builder alignments = new FieldedFile.Builder();
    alignments.scalar("general.alignment", ValueType.UINT32, new Bytes().int32(32));
    alignments.scalar("general.alignment", ValueType.UINT32, new Bytes().int32(64));
    cases.add(key("twice", alignments.build(), "pair 1", "\"general.alignment\" again"));
    return cases.stream();
  }

  private static HostileCase key(String what, FieldedFile file, String item, String part) {
    return HostileCase.malformed(what, file, item, "key", file.offset(item, "key length"), part);
  }

  private static FieldedFile twice(ValueType second) {
    FieldedFile.Builder b = new FieldedFile.Builder();
    b.scalar("t.uint8", ValueType.UINT8, new Bytes().int8(1)).zeros("x", ValueType.UINT8, 30);
    return second == ValueType.STRING
        ? b.text("t.uint8", "1").build()
        : b.scalar("t.uint8", second, new Bytes().int8(1)).build();
  }

  private static Stream<HostileCase> types() {
    return typeIds()
        .mapToObj(id ->
            HostileCase.malformed(
                "" + id,
                FieldedFile.example().with(ARCHITECTURE, "value type", new Bytes().int32(id)),
                ARCHITECTURE,
                "value type",
                "0 to 12, got " + id));
  }

  private static IntStream typeIds() {
    return IntStream.of(
        13, 14, 255, 256, 8 << 8, 8 << 16, 8 << 24, Integer.MAX_VALUE, Integer.MIN_VALUE, -1);
  }

  /** A length may be neither above the limit nor above what follows. */
  static Stream<HostileCase> lengths(String item, String field, int limit) {
    int rest = rest(FieldedFile.example(), item, field);
    Stream<HostileCase> above =
        LongStream.of(limit + 1L, 1L << 31, 1L << 32, Long.MAX_VALUE, Long.MIN_VALUE, -1)
            .mapToObj(n ->
                length(item, field, n, "at most " + limit + ", got " + Long.toUnsignedString(n)));
    Stream<HostileCase> past =
        LongStream.of(rest + 1L, limit)
            .filter(n -> n > rest && n <= limit)
            .mapToObj(
                n -> length(item, field, n, "at most " + rest + " in the " + rest + " bytes that"));
    return Stream.concat(above, past);
  }

  private static HostileCase length(String item, String field, long n, String part) {
    FieldedFile file = FieldedFile.example().with(item, field, new Bytes().int64(n));
    return HostileCase.malformed("" + n, file, item, field, part);
  }

  /** Bytes that follow a field of 8 bytes. */
  private static int rest(FieldedFile file, String item, String field) {
    return file.toArray().length - file.offset(item, field) - 8;
  }

  private static Stream<HostileCase> arrayTypes() {
    String item = "key \"" + arrayKey(ValueType.INT32) + "\"";
    Stream<HostileCase> unknown =
        typeIds()
            .mapToObj(id ->
                HostileCase.malformed(
                    "" + id,
                    FieldedFile.example().with(item, "element type", new Bytes().int32(id)),
                    item,
                    "element type",
                    "0 to 12, got " + id));
    FieldedFile nested =
        FieldedFile.example()
            .with(item, "element type", new Bytes().int32(FieldedFile.id(ValueType.ARRAY)));
    return Stream.concat(
        unknown,
        Stream.of(
            HostileCase.malformed(
                "arrays in an array",
                nested,
                item,
                "element type",
                "a scalar or STRING, got ARRAY")));
  }

  private static Stream<HostileCase> arrayCounts() {
    List<HostileCase> cases = new ArrayList<>();
    for (ValueType type : ValueType.values()) {
      if (type != ValueType.ARRAY) {
        arrayCounts(type, cases);
      }
    }
    return cases.stream();
  }

  private static void arrayCounts(ValueType type, List<HostileCase> cases) {
    String item = "key \"" + arrayKey(type) + "\"";
    int rest = rest(FieldedFile.example(), item, "element count");
    // The last two wrap around to a small number of bytes.
    LongStream.of((1L << 26) + 1, Long.MAX_VALUE, -1, (1L << 62) + 1, (1L << 61) + 1)
        .mapToObj(n -> length(item, "element count", n, "at most 67108864, got "))
        .forEach(cases::add);
    int most = rest / type.leastBytes;
    LongStream.of(most + 1L, 1 << 26)
        .mapToObj(n ->
            length(
                item,
                "element count",
                n,
                "at most " + most + " in the " + rest + " bytes that follow, got " + n))
        .forEach(cases::add);
  }

  private static Stream<HostileCase> alignments() {
    List<HostileCase> cases = new ArrayList<>();
    for (ValueType type : ValueType.values()) {
      if (type != ValueType.UINT32) {
        cases.add(
            HostileCase.malformed(
                type.toString(),
                FieldedFile.example()
                    .with(ALIGNMENT, "value type", new Bytes().int32(FieldedFile.id(type))),
                ALIGNMENT,
                "value type",
                "UINT32, got " + type));
      }
    }
    LongStream.of(0, 3, 13, 31, 33, 48, 65_535, 1 << 17, 1L << 31, 0xFFFF_FFFFL)
        .mapToObj(n ->
            HostileCase.malformed(
                "" + n,
                FieldedFile.example().with(ALIGNMENT, "value", new Bytes().int32(n)),
                ALIGNMENT,
                "value",
                "a power of two up to 65536, got " + n))
        .forEach(cases::add);
    return cases.stream();
  }

  /** The one key whose type the container needs for itself. */
  private static Stream<HostileCase> architectures() {
    List<HostileCase> cases = new ArrayList<>();
    for (ValueType type : ValueType.values()) {
      if (type == ValueType.STRING) {
        continue;
      }
      FieldedFile.Builder b = new FieldedFile.Builder();
      if (type == ValueType.ARRAY) {
        b.zeros("general.architecture", ValueType.STRING, 1);
      } else {
        b.scalar("general.architecture", type, new Bytes().raw(new byte[type.leastBytes]));
      }
      cases.add(
          new HostileCase(
              "general.architecture: " + type,
              b.build().toArray(),
              Reason.KEY_INVALID,
              "key general.architecture: expected a text",
              "got "));
    }
    return cases.stream();
  }
}
