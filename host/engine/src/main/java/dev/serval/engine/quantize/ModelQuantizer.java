package dev.serval.engine.quantize;

import dev.serval.api.error.ModelRefusedException;
import dev.serval.api.error.ModelRefusedException.Reason;
import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.runtime.QuantizeProgress;
import dev.serval.api.runtime.QuantizeReport;
import dev.serval.api.runtime.QuantizeRequest;
import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.TensorInfo;
import dev.serval.engine.gguf.GgufFile;
import dev.serval.engine.gguf.GgufFileWriter;
import dev.serval.engine.gguf.GgufPairs;
import dev.serval.engine.quantize.TypePlan.Choice;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Writes a model with its weights in another type: reads a chunk, expands it, encodes it, writes
 * it. Holds one chunk at a time, 1 MiB of elements. Used once, by one thread.
 */
public final class ModelQuantizer {

  /** Elements per chunk, whole blocks of every type. */
  private static final int CHUNK = 1 << 18;

  /** Version of the block formats, the only one in use (llama.cpp, GGML_QNT_VERSION). */
  private static final int QUANTIZATION_VERSION = 2;

  private final QuantizeRequest request;
  private final QuantizeProgress progress;
  private final float[] values = new float[CHUNK];
  private final byte[] input = new byte[CHUNK * DataType.F64.blockBytes()];
  private final byte[] output = new byte[CHUNK * DataType.F32.blockBytes()];
  private long doneBytes;
  private long totalBytes;

  private ModelQuantizer(QuantizeRequest request, QuantizeProgress progress) {
    this.request = request;
    this.progress = progress;
  }

  /**
   * Writes the model.
   *
   * @throws ModelRefusedException if the input is refused, see {@code Serval.quantize}
   * @throws IOException if reading or writing fails, or the output exists
   * @throws InterruptedException if the thread is interrupted
   */
  public static QuantizeReport quantize(QuantizeRequest request, QuantizeProgress progress)
      throws IOException, InterruptedException {
    if (Thread.interrupted()) {
      throw new InterruptedException("interrupted before anything was read");
    }
    try {
      return new ModelQuantizer(request, progress).run();
    } catch (ClosedByInterruptException e) {
      throw interrupted(e);
    } catch (ModelRefusedException e) {
      if (e.getCause() instanceof ClosedByInterruptException closed) {
        throw interrupted(closed);
      }
      throw e;
    }
  }

  /** What a channel says of an interrupt, as callers expect it. */
  private static InterruptedException interrupted(ClosedByInterruptException e) {
    Thread.interrupted();
    InterruptedException interrupt =
        new InterruptedException("interrupted while reading or writing");
    interrupt.initCause(e);
    return interrupt;
  }

  private QuantizeReport run() throws IOException, InterruptedException {
    long begin = System.nanoTime();
    try (GgufFile file = GgufFile.open(request.input())) {
      requireOther(file);
      List<Choice> choices = TypePlan.of(file.source(), request.type());
      List<TensorInfo> tensors = choices.stream().map(Choice::to).toList();
      totalBytes = file.tensorBytes();
      long bytes;
      try (AtomicFile target = AtomicFile.create(request.output(), request.overwrite())) {
        GgufFileWriter writer =
            new GgufFileWriter(target.channel(), pairs(file), tensors, file.alignment());
        target.requireSpace(writer.fileBytes());
        writer.writeHeader();
        for (Choice choice : choices) {
          convert(file, choice, writer);
        }
        writer.finish();
        bytes = writer.fileBytes();
        verify(target.path(), tensors);
        target.commit();
      }
      return new QuantizeReport(
          totalBytes,
          bytes,
          System.nanoTime() - begin,
          choices.stream()
              .map(c ->
                  new QuantizeReport.Converted(
                      c.from().name(), c.from().type(), c.to().type(), c.reason()))
              .toList());
    }
  }

  private void requireOther(GgufFile file) throws IOException {
    for (Path part : file.paths()) {
      if (Files.exists(request.output()) && Files.isSameFile(part, request.output())) {
        throw new RequestRejectedException(
            RequestRejectedException.Reason.OPTION_INVALID,
            "output: expected another file than the input, got " + request.output().getFileName());
      }
    }
  }

  private GgufPairs pairs(GgufFile file) throws IOException {
    return GgufPairs.of(file)
        .uint32("general.file_type", fileType(request.type()))
        .uint32("general.quantization_version", QUANTIZATION_VERSION);
  }

  /** Number of a type in {@code general.file_type} (llama.cpp, enum llama_ftype). */
  private static int fileType(DataType type) {
    return switch (type) {
      case F16 -> 1;
      case Q4_0 -> 2;
      case Q8_0 -> 7;
      case BF16 -> 32;
      case MXFP4 -> 38;
      default -> throw new IllegalArgumentException("no file type for " + type);
    };
  }

  private void convert(GgufFile file, Choice choice, GgufFileWriter writer)
      throws IOException, InterruptedException {
    TensorInfo from = choice.from();
    TensorInfo to = choice.to();
    long elements = from.shape().elements();
    for (long start = 0; start < elements || start == 0; start += CHUNK) {
      if (Thread.interrupted()) {
        throw new InterruptedException("interrupted while tensor " + from.name() + " was written");
      }
      int n = (int) Math.min(CHUNK, elements - start);
      int bytes = (int) from.type().bytes(n);
      file.read(from, from.type().bytes(start), bytes, input);
      ByteBuffer encoded =
          from.type() == to.type() ? checked(from, n, bytes, start) : encoded(from, to, n, start);
      writer.write(to, encoded);
      doneBytes += bytes;
      progress.update(from.name(), doneBytes, totalBytes);
    }
  }

  /** The chunk as it is. */
  private ByteBuffer checked(TensorInfo from, int n, int bytes, long start) {
    Decoder.of(from.type()).ifPresent(decoder -> expand(decoder, from, n, start));
    return ByteBuffer.wrap(input, 0, bytes);
  }

  private ByteBuffer encoded(TensorInfo from, TensorInfo to, int n, long start) {
    expand(Decoder.of(from.type()).orElseThrow(), from, n, start);
    int large = Encoder.of(to.type()).orElseThrow().encode(values, n, output);
    if (large != Encoder.FITS) {
      throw invalid(from, start + large, "a value that fits " + to.type(), values[large]);
    }
    return ByteBuffer.wrap(output, 0, (int) to.type().bytes(n));
  }

  private void expand(Decoder decoder, TensorInfo from, int n, long start) {
    decoder.decode(input, values, n);
    for (int i = 0; i < n; i++) {
      if (!Float.isFinite(values[i])) {
        throw invalid(from, start + i, "a finite value", values[i]);
      }
    }
  }

  private ModelRefusedException invalid(TensorInfo t, long index, String expected, float got) {
    return new ModelRefusedException(
        Reason.VALUE_INVALID,
        request.input().getFileName()
            + ": tensor \""
            + t.name()
            + "\", element "
            + index
            + ": expected "
            + expected
            + ", got "
            + got);
  }

  /** Opens what was written before it gets its name. */
  private static void verify(Path path, List<TensorInfo> tensors) {
    try (GgufFile written = GgufFile.open(path)) {
      List<TensorInfo> found = written.source().tensors().stream().map(t -> t.source()).toList();
      if (!found.equals(tensors)) {
        throw new IllegalStateException("wrote " + found + " instead of " + tensors);
      }
    }
  }
}
