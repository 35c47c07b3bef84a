package dev.serval.it;

import dev.serval.api.backend.CompileSpec;
import dev.serval.api.backend.CompileSpec.Mode;
import dev.serval.api.tensor.DataType;
import dev.serval.backend.cpu.CpuBackend;
import dev.serval.backend.cpu.kernel.KernelSets;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintWriter;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.function.UnaryOperator;
import java.util.zip.CRC32;

/**
 * Prints the kernels of this JVM, then for each model that is named, one in a line: its name, the
 * largest difference from the golden results in exact mode, and checksums of the results in exact
 * and in default mode.
 */
final class GoldenDigest {

  private GoldenDigest() {}

  public static void main(String[] models) {
    try (PrintWriter out =
            new PrintWriter(
                new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);
        CpuBackend cpu = new CpuBackend()) {
      out.println(KernelSets.best().set().name());
      for (String name : models) {
        float[] exact = results(cpu, name, spec -> spec);
        float[] rounded =
            results(cpu, name, s -> s.withMode(Mode.DEFAULT).withKvType(DataType.F16));
        double difference = GoldenModel.maxDifference(exact, GoldenModel.expected(name));
        out.println(name + " " + difference + " " + checksum(exact) + " " + checksum(rounded));
      }
    }
  }

  private static float[] results(CpuBackend cpu, String name, UnaryOperator<CompileSpec> how) {
    try (GoldenModel model = GoldenModel.open(name)) {
      return GoldenModel.joined(
          GoldenModel.run(cpu, model.gemmaGraph(), model.weights(), how, GemmaGoldenTest.TOKENS));
    }
  }

  private static String checksum(float[] values) {
    ByteBuffer bytes = ByteBuffer.allocate(Float.BYTES * values.length);
    bytes.asFloatBuffer().put(values);
    CRC32 crc = new CRC32();
    crc.update(bytes.array());
    return Long.toHexString(crc.getValue());
  }
}
