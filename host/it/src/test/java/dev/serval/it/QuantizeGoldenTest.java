package dev.serval.it;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.serval.api.runtime.QuantizeProgress;
import dev.serval.api.runtime.QuantizeRequest;
import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.TensorView;
import dev.serval.engine.gguf.GgufFile;
import dev.serval.engine.quantize.ModelQuantizer;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Models quantized by Serval have the bytes of those that an independent tool quantized. */
class QuantizeGoldenTest {

  @TempDir Path dir;

  @ParameterizedTest
  @CsvSource({
    "gemma3-mini-F32, F16, gemma3-mini-F16",
    "gemma3-mini-F32, Q8_0, gemma3-mini-Q8_0",
    "gemma3-mini-F32, Q4_0, gemma3-mini-Q4_0",
    "gpt-oss-mini-F32, MXFP4, gpt-oss-mini-MXFP4"
  })
  void everyTensorHasTheBytesOfTheGoldenModel(String input, DataType type, String golden)
      throws Exception {
    Path output = dir.resolve("out.gguf");
    ModelQuantizer.quantize(
        new QuantizeRequest(GoldenModel.path(input + ".gguf"), output, type, false),
        QuantizeProgress.NONE);

    try (GgufFile expected = GgufFile.open(GoldenModel.path(golden + ".gguf"));
        GgufFile got = GgufFile.open(output)) {
      assertEquals(expected.source().tensors(), got.source().tensors());
      for (TensorView t : expected.source().tensors()) {
        assertArrayEquals(
            expected.weights().data(t.source()).toArray(ValueLayout.JAVA_BYTE),
            got.weights().data(t.source()).toArray(ValueLayout.JAVA_BYTE),
            t.name());
      }
      assertEquals(
          expected.source().metadata().integer("general.file_type"),
          got.source().metadata().integer("general.file_type"));
    }
  }
}
