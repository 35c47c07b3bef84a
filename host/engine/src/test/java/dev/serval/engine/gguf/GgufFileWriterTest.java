package dev.serval.engine.gguf;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.Shape;
import dev.serval.api.tensor.TensorInfo;
import dev.serval.api.tensor.TensorView;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is written is what the reader reads, and files survive a round trip byte for byte. */
class GgufFileWriterTest {

  private static final TensorInfo A = new TensorInfo("a", DataType.I8, Shape.of(3));
  private static final TensorInfo B = new TensorInfo("b", DataType.F16, Shape.of(2, 2));

  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

  @TempDir Path dir;

  private GgufFileWriter writer(GgufPairs pairs, int alignment, TensorInfo... tensors) {
    return new GgufFileWriter(Channels.newChannel(bytes), pairs, List.of(tensors), alignment);
  }

  /** Reads a file and writes it again. */
  private byte[] roundTrip(Path path) throws IOException {
    try (GgufFile file = GgufFile.open(path)) {
      List<TensorInfo> tensors = file.source().tensors().stream().map(TensorView::source).toList();
      GgufFileWriter w =
          new GgufFileWriter(
              Channels.newChannel(bytes), GgufPairs.of(file), tensors, file.alignment());
      w.writeHeader();
      for (TensorInfo t : tensors) {
        byte[] data = new byte[(int) t.bytes()];
        file.read(t, 0, data.length, data);
        w.write(t, ByteBuffer.wrap(data));
      }
      w.finish();
      assertEquals(bytes.size(), w.fileBytes());
    }
    return bytes.toByteArray();
  }

  @Test
  void theWorkedExampleSurvivesARoundTrip() throws IOException {
    Path path = GgufFileTest.example().write(dir.resolve("example.gguf"));
    assertArrayEquals(Files.readAllBytes(path), roundTrip(path));
  }

  @Test
  void aGoldenModelSurvivesARoundTrip() throws IOException {
    Path path = GoldenFile.of("gemma3-mini-Q8_0.gguf");
    assertArrayEquals(Files.readAllBytes(path), roundTrip(path));
  }

  @Test
  void aVocabularySurvivesARoundTrip() throws IOException {
    Path path = GoldenFile.of("vocab-spm.gguf");
    byte[] written = roundTrip(path);
    assertArrayEquals(Files.readAllBytes(path), Arrays.copyOf(written, (int) Files.size(path)));
  }

  @Test
  void writesTypedPairs() throws IOException {
    GgufPairs pairs = new GgufPairs().uint32("n", 7).text("s", "é").uint32("n", 8);
    GgufFileWriter w = writer(pairs, 32);
    w.writeHeader();
    w.finish();
    assertArrayEquals(
        new GgufWriter().uint32("n", 8).text("s", "é").toArray(), bytes.toByteArray());
  }

  @Test
  void putsTensorsAtAlignedOffsets() throws IOException {
    GgufFileWriter w = writer(new GgufPairs().uint32("general.alignment", 64), 64, A, B);
    w.writeHeader();
    w.write(A, ByteBuffer.wrap(new byte[] {1}));
    w.write(A, ByteBuffer.wrap(new byte[] {2, 3}));
    w.write(B, ByteBuffer.wrap(new byte[] {1, 2, 3, 4, 5, 6, 7, 8}));
    w.finish();
    assertArrayEquals(
        new GgufWriter()
            .alignment(64)
            .tensor(A, new byte[] {1, 2, 3})
            .tensor(B, new byte[] {1, 2, 3, 4, 5, 6, 7, 8})
            .toArray(),
        bytes.toByteArray());
  }

  @Test
  void refusesDataOutOfTurn() throws IOException {
    GgufFileWriter w = writer(new GgufPairs(), 32, A, B);
    w.writeHeader();
    assertThrows(IllegalStateException.class, () -> w.write(B, ByteBuffer.allocate(8)));
    assertThrows(IllegalStateException.class, w::finish);
    w.write(A, ByteBuffer.allocate(3));
    w.write(B, ByteBuffer.allocate(8));
    assertThrows(IllegalStateException.class, () -> w.write(B, ByteBuffer.allocate(1)));
    w.finish();
  }

  @Test
  void refusesMoreDataThanATensorHas() throws IOException {
    GgufFileWriter w = writer(new GgufPairs(), 32, A, B);
    w.writeHeader();
    assertThrows(IllegalStateException.class, () -> w.write(A, ByteBuffer.allocate(4)));
  }

  @Test
  void readsOnlyInsideATensor() throws IOException {
    try (GgufFile f = GgufFile.open(GgufFileTest.example().write(dir.resolve("e.gguf")))) {
      TensorInfo w = f.source().tensor("w").source();
      byte[] target = new byte[32];
      f.read(w, 8, 16, target);
      assertThrows(IndexOutOfBoundsException.class, () -> f.read(w, 8, 17, target));
      assertThrows(IllegalArgumentException.class, () -> f.read(A, 0, 3, target));
    }
  }
}
