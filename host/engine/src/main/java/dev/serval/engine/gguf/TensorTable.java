package dev.serval.engine.gguf;

import dev.serval.api.error.ModelRefusedException;
import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.Shape;
import dev.serval.api.tensor.TensorInfo;
import dev.serval.engine.gguf.HeaderReader.Named;
import dev.serval.engine.gguf.HeaderReader.Numbered;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * The tensors of a file, each known to lie inside the file and apart from the others.
 *
 * @param tensors in file order
 * @param start offset in the file of the data section, in bytes
 * @param tensorBytes sum of the tensors' sizes, without padding
 * @param parameters sum of the tensors' elements
 */
record TensorTable(List<Stored> tensors, long start, long tensorBytes, long parameters) {

  /** Bytes of the shortest entry: name length, name, dimensions, type, offset. */
  static final int LEAST_ENTRY_BYTES = 25;

  private static final int MAX_DIMENSIONS = 4;

  /** The id under which Ollama first wrote MXFP4; in older files that of a removed type. */
  private static final int OLD_MXFP4_ID = 4;

  /** Architectures whose files may use that id. */
  private static final Set<String> OLLAMA_GPT_OSS = Set.of("gptoss", "gpt-oss");

  /**
   * A tensor and where it lies.
   *
   * @param info name, type and shape
   * @param offset of its first byte from the start of the data section
   * @param offsetAt where the offset stands in the file, for messages
   * @param isSequential whether its blocks are MXFP4 in the order of {@link SequentialNibbles}
   */
  record Stored(TensorInfo info, long offset, long offsetAt, boolean isSequential) {
    private long end() {
      return offset + info.bytes();
    }
  }

  /**
   * Reads the entries, which are the last part of the header.
   *
   * @param count number of entries
   * @param alignment power of two
   * @param architecture name of the architecture, empty if unknown
   */
  static TensorTable read(
      HeaderReader in, int count, int alignment, String architecture, GgufLimits limits)
      throws IOException {
    List<Stored> tensors = new ArrayList<>();
    Set<String> seen = new HashSet<>();
    long storedBytes = 0;
    for (int i = 0; i < count; i++) {
      in.item(new Numbered("tensor", i));
      long at = in.position();
      String name = in.name("name", limits.maxTensorNameBytes());
      if (!seen.add(name)) {
        throw in.malformed("name", at, "every name once", HeaderReader.quoted(name) + " again");
      }
      in.item(new Named("tensor", name));
      Stored tensor = entry(in, name, alignment, architecture);
      tensors.add(tensor);
      storedBytes = sumOfSizes(in, storedBytes, tensor, alignment);
    }
    in.item("data section");
    long start = aligned(in.position(), alignment);
    requireInside(in, tensors, start);
    requireApart(in, tensors);
    long bytes = tensors.stream().mapToLong(t -> t.info().bytes()).sum();
    long parameters = tensors.stream().mapToLong(t -> t.info().shape().elements()).sum();
    return new TensorTable(List.copyOf(tensors), start, bytes, parameters);
  }

  /** The end of the last tensor, in bytes from the start of the data section. */
  long dataBytes() {
    return tensors.stream()
        .filter(t -> t.info().bytes() > 0)
        .mapToLong(Stored::end)
        .max()
        .orElse(0);
  }

  private static Stored entry(HeaderReader in, String name, int alignment, String architecture)
      throws IOException {
    Shape shape = shape(in);
    long typeAt = in.position();
    int id = in.int32("type");
    boolean sequential = isOldMxfp4(id, architecture);
    DataType type =
        sequential
            ? DataType.MXFP4
            : DataType.ofId(id)
                .orElseThrow(() -> in.malformed("type", typeAt, "the id of a tensor type", id));
    if (shape.ne0() % type.blockLength() != 0) {
      throw in.malformed(
          "type",
          typeAt,
          "a row length that is a multiple of the block length "
              + type.blockLength()
              + " of "
              + type,
          shape.ne0());
    }
    TensorInfo info = new TensorInfo(name, type, shape);
    long offsetAt = in.position();
    long offset = in.int64("offset");
    if (offset < 0 || offset % alignment != 0) {
      throw in.malformed(
          "offset", offsetAt, "a multiple of " + alignment, Long.toUnsignedString(offset));
    }
    try {
      Math.addExact(offset, aligned(info.bytes(), alignment));
    } catch (ArithmeticException e) {
      throw in.malformed(
          "offset", offsetAt, "an end below 2^63", shape + " " + type + " from " + offset);
    }
    return new Stored(info, offset, offsetAt, sequential);
  }

  private static Shape shape(HeaderReader in) throws IOException {
    long at = in.position();
    int rank = in.int32("number of dimensions");
    if (rank < 0 || rank > MAX_DIMENSIONS) {
      throw in.malformed(
          "number of dimensions", at, "0 to " + MAX_DIMENSIONS, Integer.toUnsignedString(rank));
    }
    long[] ne = new long[rank];
    long product = 1;
    for (int i = 0; i < rank; i++) {
      long sizeAt = in.position();
      ne[i] = in.int64("dimension " + i);
      // An empty dimension does not excuse the others: rows are counted without the first.
      if (ne[i] < 0 || Math.max(1, ne[i]) > Long.MAX_VALUE / product) {
        throw in.malformed(
            "dimension " + i,
            sizeAt,
            "an element count below 2^63",
            Long.toUnsignedString(ne[i]) + " times " + product);
      }
      product *= Math.max(1, ne[i]);
    }
    return Shape.of(ne);
  }

  private static boolean isOldMxfp4(int id, String architecture) {
    return id == OLD_MXFP4_ID && OLLAMA_GPT_OSS.contains(architecture);
  }

  private static long sumOfSizes(HeaderReader in, long sum, Stored tensor, int alignment) {
    try {
      return Math.addExact(sum, aligned(tensor.info().bytes(), alignment));
    } catch (ArithmeticException e) {
      throw in.malformed(
          "offset",
          tensor.offsetAt(),
          "sizes whose sum is below 2^63",
          tensor.info().bytes() + " more than " + sum);
    }
  }

  private static void requireInside(HeaderReader in, List<Stored> tensors, long start) {
    long sectionBytes = Math.max(0, in.fileBytes() - start);
    for (Stored t : tensors) {
      if (t.info().bytes() > 0 && t.end() > sectionBytes) {
        throw outside(in, t, sectionBytes);
      }
    }
  }

  private static void requireApart(HeaderReader in, List<Stored> tensors) {
    List<Stored> byOffset =
        tensors.stream()
            .filter(t -> t.info().bytes() > 0)
            .sorted(Comparator.comparingLong(Stored::offset))
            .toList();
    for (int i = 1; i < byOffset.size(); i++) {
      Stored before = byOffset.get(i - 1);
      Stored t = byOffset.get(i);
      if (t.offset() < before.end()) {
        in.item(new Named("tensor", t.info().name()));
        throw in.malformed(
            "offset",
            t.offsetAt(),
            "at least " + before.end() + ", the end of \"" + before.info().name() + "\"",
            t.offset());
      }
    }
  }

  private static ModelRefusedException outside(HeaderReader in, Stored t, long sectionBytes) {
    in.item(new Named("tensor", t.info().name()));
    return in.malformed(
        "offset",
        t.offsetAt(),
        "bytes inside the data section of " + sectionBytes + " bytes",
        "[" + t.offset() + ", " + t.end() + ")");
  }

  private static long aligned(long bytes, int alignment) {
    return Math.addExact(bytes, alignment - 1L) & -(long) alignment;
  }
}
