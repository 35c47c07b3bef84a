package dev.serval.engine.gguf;

import dev.serval.engine.gguf.GgufWriter.Bytes;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Predicate;

/**
 * A model file as the list of its fields, each of which a test can replace, take out or cut.
 * Immutable. Items and fields have the names that the reader gives them in its messages.
 */
final class FieldedFile {

  /**
   * One field.
   *
   * @param item the part of the file that it belongs to
   * @param name what it is
   */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  record Field(String item, String name, byte[] bytes) {

    boolean is(String wantedItem, String wantedName) {
      return item.equals(wantedItem) && name.equals(wantedName);
    }
  }

  static final String HEADER = "header";

  private final List<Field> fields;
  private final int dataBytes;

  private FieldedFile(List<Field> fields, int dataBytes) {
    this.fields = List.copyOf(fields);
    this.dataBytes = dataBytes;
  }

  /** Builds a file; pairs come before tensors. */
  static final class Builder {
    private final List<Field> pairs = new ArrayList<>();
    private final List<Field> tensors = new ArrayList<>();
    private int pairCount;
    private int tensorCount;
    private int dataBytes;

    /** Adds a pair with a value of one field. */
    Builder scalar(String key, ValueType type, Bytes value) {
      String item = pair(key, type);
      pairs.add(new Field(item, "value", value.toArray()));
      return this;
    }

    /** Adds a text. */
    Builder text(String key, String value) {
      String item = pair(key, ValueType.STRING);
      byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
      pairs.add(new Field(item, "value length", new Bytes().int64(bytes.length).toArray()));
      pairs.add(new Field(item, "value", bytes));
      return this;
    }

    /** Adds an array of {@code n} zeros, or of {@code n} empty texts. */
    Builder zeros(String key, ValueType element, int n) {
      String item = pair(key, ValueType.ARRAY);
      pairs.add(new Field(item, "element type", new Bytes().int32(id(element)).toArray()));
      pairs.add(new Field(item, "element count", new Bytes().int64(n).toArray()));
      String field = element == ValueType.STRING ? "element length" : "value";
      for (int i = 0; i < n; i++) {
        pairs.add(new Field(item, field, new byte[element.leastBytes]));
      }
      return this;
    }

    private String pair(String key, ValueType type) {
      byte[] bytes = key.getBytes(StandardCharsets.UTF_8);
      String unnamed = "pair " + pairCount++;
      String item = "key \"" + key + "\"";
      pairs.add(new Field(unnamed, "key length", new Bytes().int64(bytes.length).toArray()));
      pairs.add(new Field(unnamed, "key", bytes));
      pairs.add(new Field(item, "value type", new Bytes().int32(id(type)).toArray()));
      return item;
    }

    /**
     * Adds a tensor.
     *
     * @param bytes how far the data section grows for it
     */
    Builder tensor(String name, int type, long offset, int bytes, long... ne) {
      byte[] text = name.getBytes(StandardCharsets.UTF_8);
      String unnamed = "tensor " + tensorCount++;
      String item = "tensor \"" + name + "\"";
      tensors.add(new Field(unnamed, "name length", new Bytes().int64(text.length).toArray()));
      tensors.add(new Field(unnamed, "name", text));
      tensors.add(new Field(item, "number of dimensions", new Bytes().int32(ne.length).toArray()));
      for (int i = 0; i < ne.length; i++) {
        tensors.add(new Field(item, "dimension " + i, new Bytes().int64(ne[i]).toArray()));
      }
      tensors.add(new Field(item, "type", new Bytes().int32(type).toArray()));
      tensors.add(new Field(item, "offset", new Bytes().int64(offset).toArray()));
      dataBytes += bytes;
      return this;
    }

    FieldedFile build() {
      List<Field> all = new ArrayList<>();
      all.add(new Field(HEADER, "magic", "GGUF".getBytes(StandardCharsets.US_ASCII)));
      all.add(new Field(HEADER, "version", new Bytes().int32(3).toArray()));
      all.add(new Field(HEADER, "tensor count", new Bytes().int64(tensorCount).toArray()));
      all.add(new Field(HEADER, "key/value count", new Bytes().int64(pairCount).toArray()));
      all.addAll(pairs);
      all.addAll(tensors);
      return new FieldedFile(all, dataBytes);
    }
  }

  /**
   * A file with every value type, an array of every element type, and tensors of one to four
   * dimensions: 32 bytes each, one after the other.
   */
  static FieldedFile example() {
    Builder b = new Builder().text("general.architecture", "t");
    b.scalar("general.alignment", ValueType.UINT32, new Bytes().int32(32));
    for (ValueType type : ValueType.values()) {
      switch (type) {
        case STRING -> b.text("t.string", "text");
        case ARRAY -> {}
        default -> b.scalar(scalarKey(type), type, new Bytes().raw(new byte[type.leastBytes]));
      }
    }
    for (ValueType type : ValueType.values()) {
      if (type != ValueType.ARRAY) {
        b.zeros(arrayKey(type), type, 3);
      }
    }
    return b.tensor("a", 0, 0, 32, 8)
        .tensor("b", 0, 32, 32, 4, 2)
        .tensor("c", 1, 64, 32, 2, 4, 2)
        .tensor("d", 24, 96, 32, 2, 4, 2, 2)
        .build();
  }

  /** The id of a value type. */
  static int id(ValueType type) {
    return List.of(ValueType.values()).indexOf(type);
  }

  /** Key in {@link #example} of the value of a type. */
  static String scalarKey(ValueType type) {
    return "t." + type.name().toLowerCase(Locale.ROOT);
  }

  /** Key in {@link #example} of the array of a type. */
  static String arrayKey(ValueType type) {
    return scalarKey(type) + "s";
  }

  /** All fields, in file order. */
  List<Field> fields() {
    return fields;
  }

  /** The same with other bytes in the first field of that name. */
  FieldedFile with(String item, String name, Bytes bytes) {
    List<Field> changed = new ArrayList<>(fields);
    changed.set(index(item, name), new Field(item, name, bytes.toArray()));
    return new FieldedFile(changed, dataBytes);
  }

  /** The same without some fields. */
  FieldedFile without(Predicate<Field> fieldsToDrop) {
    return new FieldedFile(fields.stream().filter(fieldsToDrop.negate()).toList(), dataBytes);
  }

  /** The same with another data section. */
  FieldedFile withData(int bytes) {
    return new FieldedFile(fields, bytes);
  }

  /** Where the first field of that name begins, in bytes. */
  int offset(String item, String name) {
    return offset(index(item, name));
  }

  /** Where a field begins, in bytes. */
  int offset(int index) {
    return fields.subList(0, index).stream().mapToInt(f -> f.bytes().length).sum();
  }

  private int index(String item, String name) {
    for (int i = 0; i < fields.size(); i++) {
      if (fields.get(i).is(item, name)) {
        return i;
      }
    }
    throw new IllegalArgumentException("no field " + name + " of " + item);
  }

  /** Number of fields of a name, over all items. */
  int count(String name) {
    return (int) fields.stream().filter(f -> f.name().equals(name)).count();
  }

  /** Whether an item has a field. */
  boolean has(String item, String name) {
    return fields.stream().anyMatch(f -> f.is(item, name));
  }

  /** Everything before the padding. */
  byte[] header() {
    Bytes all = new Bytes();
    fields.forEach(f -> all.raw(f.bytes()));
    return all.toArray();
  }

  /** The whole file, with a data section at the next multiple of 32. */
  byte[] toArray() {
    return new Bytes().raw(header()).pad(32).raw(new byte[dataBytes]).toArray();
  }

  /** Writes the whole file. */
  Path write(Path path) throws IOException {
    return Files.write(path, toArray());
  }
}
