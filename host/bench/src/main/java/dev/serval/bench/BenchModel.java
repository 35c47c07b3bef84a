package dev.serval.bench;

import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.TensorInfo;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;

/**
 * Writes a model file of a real shape with random weights: what speed depends on is true of it,
 * what it says is not. llama.cpp reads it too.
 *
 * <pre>java -jar serval-bench.jar gemma3-270m Q8_0 model.gguf</pre>
 */
public final class BenchModel {

  private static final long SEED = 20261120;
  private static final int CHUNK_BYTES = 1 << 20;

  private BenchModel() {}

  /**
   * Writes a file.
   *
   * @param args shape; type of the matrices: F32, F16, Q8_0, Q4_0, Q5_0, Q4_K or Q6_K; file
   */
  public static void main(String[] args) throws IOException {
    if (args.length != 3) {
      throw new IllegalArgumentException(
          "expected: SHAPE TYPE FILE; shapes are " + String.join(", ", BenchShape.NAMES));
    }
    DataType type = DataType.valueOf(args[1].toUpperCase(Locale.ROOT));
    write(args[0], type, Path.of(args[2]));
  }

  /** Writes a file under a temporary name, then renames it. */
  static void write(String name, DataType type, Path file) throws IOException {
    BenchShape shape = BenchShape.named(name);
    Path partial = file.resolveSibling(file.getFileName() + ".partial");
    List<TensorInfo> tensors = shape.tensors(type);
    try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(partial), CHUNK_BYTES)) {
      BenchHeader header = new BenchHeader(name + " " + type + ", random weights", shape, tensors);
      out.write(header.bytes());
      SplittableRandom random = new SplittableRandom(SEED);
      for (TensorInfo t : tensors) {
        weights(t, random, out);
        out.write(new byte[BenchHeader.padding(t.bytes())]);
      }
    }
    Files.move(partial, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
  }

  /** Writes the blocks of one tensor. */
  static void weights(TensorInfo t, SplittableRandom random, OutputStream out) throws IOException {
    long blocks = t.bytes() / t.type().blockBytes();
    int perChunk = CHUNK_BYTES / t.type().blockBytes();
    ByteBuffer buffer =
        ByteBuffer.allocate(perChunk * t.type().blockBytes()).order(ByteOrder.LITTLE_ENDIAN);
    // a matrix keeps the size of its input: elements of variance 1 / in
    float scale = (float) (1 / Math.sqrt((double) t.shape().ne0()));
    for (long done = 0; done < blocks; ) {
      buffer.clear();
      long n = Math.min(perChunk, blocks - done);
      for (long i = 0; i < n; i++) {
        if (t.name().endsWith("norm.weight")) {
          buffer.putFloat(1);
        } else {
          block(t.type(), scale, random, buffer);
        }
      }
      out.write(buffer.array(), 0, buffer.position());
      done += n;
    }
  }

  /** One block of elements of standard deviation {@code scale}. */
  private static void block(
      DataType type, float scale, SplittableRandom random, ByteBuffer buffer) {
    switch (type) {
      case F32 -> buffer.putFloat((float) random.nextGaussian() * scale);
      case F16 -> buffer.putShort(Float.floatToFloat16((float) random.nextGaussian() * scale));
      case Q8_0 -> {
        // uniform quants from −128 to 127 have a standard deviation of 73.9
        buffer.putShort(Float.floatToFloat16(scale / 73.9f));
        random(32, random, buffer);
      }
      case Q4_0 -> {
        // uniform quants from −8 to 7 have a standard deviation of 4.6
        buffer.putShort(Float.floatToFloat16(scale / 4.6f));
        random(16, random, buffer);
      }
      case Q5_0 -> {
        // uniform quants from −16 to 15 have a standard deviation of 9.2
        buffer.putShort(Float.floatToFloat16(scale / 9.2f));
        random(Integer.BYTES + 16, random, buffer);
      }
      case MXFP4 -> {
        // the sixteen values 0 to ±6 have a standard deviation of 3; the scale is a power of two
        int exponent = Math.round((float) (Math.log(scale / 3) / Math.log(2)));
        buffer.put((byte) (127 + exponent));
        random(16, random, buffer);
      }
      case Q4_K -> {
        // Quants from 0 to 15 times scales from 0 to 63 have a mean of 236, which minima from 0 to
        // 63 times 7.5 take away; all together they deviate by 258.
        float d = scale / 258;
        buffer.putShort(Float.floatToFloat16(d)).putShort(Float.floatToFloat16(7.5f * d));
        random(12 + 128, random, buffer);
      }
      case Q6_K -> {
        // quants from −32 to 31 times scales from −128 to 127 have a standard deviation of 1,365
        random(128 + 64 + 16, random, buffer);
        buffer.putShort(Float.floatToFloat16(scale / 1365));
      }
      default -> throw new IllegalArgumentException("no random weights of type " + type);
    }
  }

  private static void random(int bytes, SplittableRandom random, ByteBuffer buffer) {
    int i = 0;
    for (; i + Long.BYTES <= bytes; i += Long.BYTES) {
      buffer.putLong(random.nextLong());
    }
    for (; i < bytes; i += Integer.BYTES) {
      buffer.putInt(random.nextInt());
    }
  }
}
