package dev.serval.engine.gguf;

import dev.serval.api.tensor.DataType;
import dev.serval.engine.gguf.GgufWriter.Bytes;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;

/** Files with a tensor whose name, shape, type or place is bad. */
final class TensorCases {

  private static final String A = "tensor \"a\"";

  /** A tensor of four dimensions. */
  private static final String D = "tensor \"d\"";

  private TensorCases() {}

  /** All of them. */
  static Stream<HostileCase> all() {
    return Stream.of(
            names(),
            ranks(),
            dimensions(),
            Stream.of(overflowBesideEmpty()),
            types(),
            blocks(),
            sizes(),
            offsets(),
            overlaps())
        .flatMap(s -> s);
  }

  private static Stream<HostileCase> names() {
    List<HostileCase> cases = new ArrayList<>();
    FieldedFile example = FieldedFile.example();
    PairCases.lengths("tensor 0", "name length", 127).forEach(cases::add);
    PairCases.BAD_NAMES.forEach((what, bytes) ->
        cases.add(
            name(
                what,
                example
                    .with("tensor 0", "name length", new Bytes().int64(bytes.length))
                    .with("tensor 0", "name", new Bytes().raw(bytes)),
                "tensor 0",
                ", got ")));
    cases.add(
        name(
            "empty",
            example
                .with("tensor 0", "name length", new Bytes().int64(0))
                .with("tensor 0", "name", new Bytes()),
            "tensor 0",
            "1 to 127 bytes, got an empty string"));
    cases.add(
        name(
            "twice",
            example.with("tensor 3", "name", new Bytes().int8('b')),
            "tensor 3",
            "every name once, got \"b\" again"));
    return cases.stream();
  }

  private static HostileCase name(String what, FieldedFile file, String item, String part) {
    return HostileCase.malformed(what, file, item, "name", file.offset(item, "name length"), part);
  }

  private static Stream<HostileCase> ranks() {
    return IntStream.of(5, 6, 255, 4 << 24, Integer.MAX_VALUE, Integer.MIN_VALUE, -1)
        .mapToObj(n ->
            HostileCase.malformed(
                "" + n,
                FieldedFile.example().with(A, "number of dimensions", new Bytes().int32(n)),
                A,
                "number of dimensions",
                "0 to 4, got " + Integer.toUnsignedString(n)));
  }

  /** In each dimension a negative size, and sizes whose product with the others overflows. */
  private static Stream<HostileCase> dimensions() {
    return IntStream.range(0, 4)
        .boxed()
        .flatMap(i -> {
          String field = "dimension " + i;
          Stream<HostileCase> bad =
              LongStream.of(-1, -32, Long.MIN_VALUE, 1L << 63 | 8)
                  .mapToObj(n -> dimension(i, n, field));
          // The dimensions before the last make at least 2 elements.
          return i == 0
              ? Stream.concat(bad, Stream.of(dimension(0, Long.MAX_VALUE, "dimension 1")))
              : Stream.concat(
                  bad,
                  LongStream.of(1L << 62, Long.MAX_VALUE).mapToObj(n -> dimension(i, n, field)));
        });
  }

  /** An empty dimension does not excuse the others. */
  private static HostileCase overflowBesideEmpty() {
    FieldedFile file =
        FieldedFile.example()
            .with(D, "dimension 0", new Bytes().int64(0))
            .with(D, "dimension 1", new Bytes().int64(1L << 32))
            .with(D, "dimension 2", new Bytes().int64(1L << 31));
    return HostileCase.malformed(
        "overflow beside an empty dimension",
        file,
        D,
        "dimension 2",
        "an element count below 2^63, got ");
  }

  private static HostileCase dimension(int i, long n, String noticed) {
    FieldedFile file = FieldedFile.example().with(D, "dimension " + i, new Bytes().int64(n));
    String what = "dimension " + i + " = " + n;
    return HostileCase.malformed(what, file, D, noticed, "an element count below 2^63, got ");
  }

  private static Stream<HostileCase> types() {
    List<HostileCase> cases = new ArrayList<>();
    IntStream.of(4, 5, 31, 32, 33, 36, 37, 38, 43, 44, 100, 1 << 16, 1 << 24)
        .forEach(id -> cases.add(type(id)));
    IntStream.of(Integer.MAX_VALUE, Integer.MIN_VALUE, -1).forEach(id -> cases.add(type(id)));
    for (String architecture : List.of("gptoss", "gpt-oss")) {
      FieldedFile file =
          new FieldedFile.Builder()
              .text("general.architecture", architecture)
              .tensor("a", 4, 0, 32, 48)
              .build();
      cases.add(
          HostileCase.malformed(
              "the old MXFP4 of " + architecture + " with a broken block",
              file,
              A,
              "type",
              "a multiple of the block length 32 of MXFP4, got 48"));
    }
    return cases.stream();
  }

  private static HostileCase type(int id) {
    return HostileCase.malformed(
        "" + id,
        FieldedFile.example().with(A, "type", new Bytes().int32(id)),
        A,
        "type",
        "the id of a tensor type, got " + id);
  }

  /** Each quantized type with a row that ends inside a block. */
  private static Stream<HostileCase> blocks() {
    return Stream.of(DataType.values())
        .filter(DataType::isQuantized)
        .flatMap(type ->
            LongStream.of(1, type.blockLength() - 1L, type.blockLength() * 3L / 2)
                .mapToObj(n ->
                    HostileCase.malformed(
                        type + " in rows of " + n,
                        one(type, 0, n),
                        A,
                        "type",
                        "multiple of the block length "
                            + type.blockLength()
                            + " of "
                            + type
                            + ", got "
                            + n)));
  }

  /** Each type with more bytes than a file can have. */
  private static Stream<HostileCase> sizes() {
    return Stream.of(DataType.values())
        .map(type ->
            HostileCase.malformed(
                type + " of 2^62 elements", one(type, 0, 1L << 62), A, "offset", "got ["));
  }

  private static FieldedFile one(DataType type, long offset, long... ne) {
    return new FieldedFile.Builder().tensor("a", type.id(), offset, 64, ne).build();
  }

  private static Stream<HostileCase> offsets() {
    List<HostileCase> cases = new ArrayList<>();
    LongStream.of(1, 8, 16, 31, 33, -1, -32, Long.MIN_VALUE, Long.MAX_VALUE)
        .mapToObj(
            n -> offset(n, DataType.I8, 1, "a multiple of 32, got " + Long.toUnsignedString(n)))
        .forEach(cases::add);
    cases.add(offset(64, DataType.I8, 1, "the data section of 64 bytes, got [64, 65)"));
    cases.add(offset(32, DataType.I8, 33, "the data section of 64 bytes, got [32, 65)"));
    cases.add(offset(0, DataType.I8, 65, "the data section of 64 bytes, got [0, 65)"));
    cases.add(offset(1L << 40, DataType.I8, 1, "the data section of 64 bytes"));
    cases.add(offset(Long.MAX_VALUE - 31, DataType.I8, 1, "an end below 2^63"));
    cases.add(offset(Long.MAX_VALUE - 63, DataType.I8, 33, "an end below 2^63"));
    FieldedFile.Builder wide = new FieldedFile.Builder();
    wide.scalar("general.alignment", ValueType.UINT32, new Bytes().int32(64));
    wide.tensor("a", DataType.I8.id(), 32, 128, 1);
    cases.add(
        HostileCase.malformed(
            "a multiple of 32 where 64 is asked for",
            wide.build(),
            A,
            "offset",
            "a multiple of 64, got 32"));
    FieldedFile file = one(DataType.I8, 0, 1);
    cases.add(
        HostileCase.malformed(
            "a file without data", file.withData(0), A, "offset", "section of 0 bytes"));
    return cases.stream();
  }

  private static HostileCase offset(long n, DataType type, long elements, String part) {
    String what = n + " with " + elements + " bytes";
    return HostileCase.malformed(what, one(type, n, elements), A, "offset", part);
  }

  private static Stream<HostileCase> overlaps() {
    List<HostileCase> cases = new ArrayList<>();
    FieldedFile example = FieldedFile.example();
    for (String name : List.of("b", "c", "d")) {
      String item = "tensor \"" + name + "\"";
      cases.add(
          HostileCase.malformed(
              "the place of the first",
              example.with(item, "offset", new Bytes().int64(0)),
              item,
              "offset",
              "at least 32, the end of \"a\", got 0"));
    }
    FieldedFile longer = example.with(A, "dimension 0", new Bytes().int64(9));
    cases.add(
        HostileCase.malformed(
            "one element into the next",
            longer,
            "tensor \"b\"",
            "offset",
            "at least 36, the end of \"a\", got 32"));
    FieldedFile.Builder inside = new FieldedFile.Builder();
    inside.tensor("a", DataType.I8.id(), 64, 128, 1).tensor("b", DataType.I8.id(), 0, 0, 128);
    cases.add(
        HostileCase.malformed(
            "inside a later one", inside.build(), A, "offset", "at least 128, the end of \"b\""));
    long large = Long.MAX_VALUE - 63;
    FieldedFile.Builder huge = new FieldedFile.Builder();
    huge.tensor("a", DataType.I8.id(), 0, 64, large).tensor("b", DataType.I8.id(), 0, 0, large);
    cases.add(
        HostileCase.malformed(
            "sizes that overflow together",
            huge.build(),
            "tensor \"b\"",
            "offset",
            "sizes whose sum is below 2^63"));
    return cases.stream();
  }
}
