package dev.serval.launcher;

import dev.serval.api.runtime.InspectedTensor;
import dev.serval.api.runtime.TensorSink;
import dev.serval.api.runtime.TensorSummary;
import dev.serval.api.tensor.DataType;
import java.io.BufferedWriter;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Values of a model on the way, a line of JSON each; numbers that JSON has not are texts:
 *
 * <pre>
 *  {"step": 0, "name": "blk.0.attn_q", "layer": 0, "op": "matmul", "type": "F32",
 *   "shape": [16, 256], "rows": [{"sequence": 0, "position": 0, "count": 16}],
 *   "min": -1.5, "max": 2.25, "mean": 0.01, "nonFinite": 0, "first": […], "last": […]}
 * </pre>
 *
 * <p>The file is opened for the first line. Confined to one thread at a time.
 */
final class TensorLines implements TensorSink, AutoCloseable {

  /** Elements shown of the begin and of the end of a value. */
  private static final int ENDS = 4;

  private final Optional<Path> file;
  private @Nullable Writer out;

  /**
   * Writes nothing yet.
   *
   * @param file where to; absent for standard output
   */
  TensorLines(Optional<Path> file) {
    this.file = file;
  }

  @Override
  public void accept(InspectedTensor tensor) {
    try {
      Writer writer = out;
      if (writer == null) {
        writer = open();
        out = writer;
      }
      writer.write(line(tensor) + System.lineSeparator());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Writer open() throws IOException {
    return file.isPresent()
        ? Files.newBufferedWriter(file.get())
        : new BufferedWriter(
            new OutputStreamWriter(
                new FileOutputStream(FileDescriptor.out), StandardCharsets.UTF_8));
  }

  /** The line of a value, without its end. */
  static String line(InspectedTensor tensor) {
    TensorSummary summary = TensorSummary.of(tensor, ENDS);
    Map<String, Object> members = new LinkedHashMap<>();
    members.put("step", tensor.step());
    members.put("name", tensor.name());
    tensor.layer().ifPresent(layer -> members.put("layer", layer));
    members.put("op", tensor.op());
    members.put("type", tensor.type());
    members.put("shape", tensor.shape());
    members.put("rows", tensor.rows().stream().map(TensorLines::rows).toList());
    members.put("min", number(tensor.type(), summary.min()));
    members.put("max", number(tensor.type(), summary.max()));
    members.put("mean", summary.mean());
    members.put("nonFinite", summary.nonFinite());
    members.put("first", numbers(tensor.type(), summary.first()));
    members.put("last", numbers(tensor.type(), summary.last()));
    return Json.line(members);
  }

  private static Map<String, Object> rows(InspectedTensor.Rows rows) {
    Map<String, Object> members = new LinkedHashMap<>();
    members.put("sequence", rows.sequence());
    members.put("position", rows.position());
    members.put("count", rows.count());
    return members;
  }

  private static List<Number> numbers(DataType type, List<Double> elements) {
    return elements.stream().map(x -> number(type, x)).toList();
  }

  /** An element with the digits of its type; a double if it is not finite. */
  private static Number number(DataType type, double x) {
    if (!Double.isFinite(x)) {
      return x;
    }
    return type == DataType.F32 ? (Number) (float) x : (Number) (long) x;
  }

  @Override
  public void close() throws IOException {
    if (out != null) {
      out.close();
    }
  }
}
