package dev.serval.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.serval.api.runtime.InspectedTensor;
import dev.serval.api.runtime.InspectedTensor.Rows;
import dev.serval.api.tensor.DataType;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TensorLinesTest {

  private static final InspectedTensor FLOATS =
      new InspectedTensor(
          7,
          "blk.3.attn_q",
          OptionalInt.of(3),
          "matmul",
          DataType.F32,
          List.of(3, 2),
          List.of(new Rows(0, 16, 2), new Rows(4, 0, 1)),
          MemorySegment.ofArray(new float[] {0.1f, -2, Float.NaN, 1e-9f, 3, 1}));

  private static final InspectedTensor INTEGERS =
      new InspectedTensor(
          0,
          "output.topK.2",
          OptionalInt.empty(),
          "topK",
          DataType.I32,
          List.of(1, 1),
          List.of(),
          MemorySegment.ofArray(new int[] {2147483647}));

  @Test
  void aLineTellsWhatAValueIsLike() {
    assertEquals(
        "{\"step\": 7, \"name\": \"blk.3.attn_q\", \"layer\": 3, \"op\": \"matmul\","
            + " \"type\": \"F32\", \"shape\": [3, 2],"
            + " \"rows\": [{\"sequence\": 0, \"position\": 16, \"count\": 2},"
            + " {\"sequence\": 4, \"position\": 0, \"count\": 1}],"
            + " \"min\": -2.0, \"max\": 3.0, \"mean\": "
            + (0.1f - 2.0 + 1e-9f + 3 + 1) / 5
            + ", \"nonFinite\": 1, \"first\": [0.1, -2.0, \"NaN\", 1.0E-9],"
            + " \"last\": [\"NaN\", 1.0E-9, 3.0, 1.0]}",
        TensorLines.line(FLOATS));
    assertEquals(
        "{\"step\": 0, \"name\": \"output.topK.2\", \"op\": \"topK\", \"type\": \"I32\","
            + " \"shape\": [1, 1], \"rows\": [], \"min\": 2147483647, \"max\": 2147483647,"
            + " \"mean\": 2.147483647E9, \"nonFinite\": 0, \"first\": [2147483647],"
            + " \"last\": [2147483647]}",
        TensorLines.line(INTEGERS));
  }

  @Test
  void theFileBeginsWithTheFirstValue(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("values.jsonl");
    try (TensorLines lines = new TensorLines(Optional.of(file))) {
      assertFalse(Files.exists(file));
      lines.accept(FLOATS);
      lines.accept(INTEGERS);
    }
    assertEquals(
        List.of(TensorLines.line(FLOATS), TensorLines.line(INTEGERS)), Files.readAllLines(file));
  }
}
