package dev.serval.engine.gguf;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.error.ModelRefusedException;
import dev.serval.api.error.ModelRefusedException.Reason;
import dev.serval.api.model.Metadata;
import dev.serval.api.model.TextArray;
import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.Shape;
import dev.serval.api.tensor.TensorInfo;
import dev.serval.api.tensor.TensorView;
import dev.serval.api.tensor.Weights;
import dev.serval.engine.gguf.GgufWriter.Bytes;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GgufFileTest {

  /** Digest of the worked example, made with gguf-py. */
  private static final String EXAMPLE_SHA256 =
      "e86372ff95256f71967360cbe1e824ee5ac8720d2c9cfd5044bec79a66cdf8a7";

  @TempDir Path dir;

  static GgufWriter example() {
    byte[] w = new byte[24];
    ByteBuffer b = ByteBuffer.wrap(w).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < 6; i++) {
      b.putFloat(i);
    }
    return new GgufWriter()
        .text("general.architecture", "t")
        .uint32("t.block_count", 1)
        .texts("tokenizer.ggml.tokens", "a", "bc")
        .bool("f", true)
        .tensor(new TensorInfo("w", DataType.F32, Shape.of(3, 2)), w)
        .tensor(new TensorInfo("b", DataType.F16, Shape.of(1)), new byte[] {0, 0x3c});
  }

  private Path file(byte[] bytes) throws IOException {
    return Files.write(dir.resolve("test.gguf"), bytes);
  }

  @Test
  void writesTheWorkedExampleByteForByte() throws Exception {
    byte[] bytes = example().toArray();

    assertEquals(320, bytes.length);
    byte[] digest = MessageDigest.getInstance("SHA-256").digest(bytes);
    assertEquals(EXAMPLE_SHA256, HexFormat.of().formatHex(digest));
  }

  @Test
  void readsTheWorkedExample() throws IOException {
    try (GgufFile f = GgufFile.open(file(example().toArray()))) {
      Metadata m = f.source().metadata();
      assertEquals("t", f.source().architecture());
      assertEquals(1, m.integer("t.block_count").orElseThrow());
      assertTrue(m.bool("f").orElseThrow());
      TextArray tokens = m.texts("tokenizer.ggml.tokens").orElseThrow();
      assertEquals(2, tokens.size());
      assertEquals("bc", tokens.get(1));
      assertEquals(
          List.of("general.architecture", "t.block_count", "tokenizer.ggml.tokens", "f"),
          List.copyOf(m.keys()));
      assertEquals("test.gguf", f.source().name());
      assertEquals(26, f.tensorBytes());
      assertEquals(7, f.parameters());

      TensorView w = f.source().tensor("w");
      assertEquals(DataType.F32, w.type());
      assertEquals(Shape.of(3, 2), w.shape());
      MemorySegment row = f.weights().row(w, 1);
      assertEquals(12, row.byteSize());
      assertEquals(5f, row.get(ValueLayout.JAVA_FLOAT_UNALIGNED, 8));
      MemorySegment b = f.weights().data(f.source().tensor("b").source());
      assertArrayEquals(new byte[] {0, 0x3c}, b.toArray(ValueLayout.JAVA_BYTE));
    }
  }

  @Test
  void widensEveryValueType() throws IOException {
    byte[] bytes =
        new GgufWriter()
            .pair("u8", 0, new Bytes().int8(0xFF))
            .pair("i8", 1, new Bytes().int8(0xFF))
            .uint16("u16", 0xFFFF)
            .pair("i16", 3, new Bytes().int16(0xFFFF))
            .uint32("u32", 0xFFFFFFFFL)
            .int32("i32", -1)
            .float32("f32", 0.1f)
            .pair("b", 7, new Bytes().int8(2))
            .uint64("u64", Long.MAX_VALUE)
            .pair("i64", 11, new Bytes().int64(Long.MIN_VALUE))
            .float64("f64", 0.1)
            .toArray();
    try (GgufFile f = GgufFile.open(file(bytes))) {
      Metadata m = f.source().metadata();
      assertEquals(255, m.integer("u8").orElseThrow());
      assertEquals(-1, m.integer("i8").orElseThrow());
      assertEquals(65535, m.integer("u16").orElseThrow());
      assertEquals(-1, m.integer("i16").orElseThrow());
      assertEquals(0xFFFFFFFFL, m.integer("u32").orElseThrow());
      assertEquals(-1, m.integer("i32").orElseThrow());
      assertEquals(0.1f, m.real("f32").orElseThrow());
      assertTrue(m.bool("b").orElseThrow(), "any byte but 0 is true");
      assertEquals(Long.MAX_VALUE, m.integer("u64").orElseThrow());
      assertEquals(Long.MIN_VALUE, m.integer("i64").orElseThrow());
      assertEquals(0.1, m.real("f64").orElseThrow());
    }
  }

  @Test
  void readsArraysOfEveryKind() throws IOException {
    byte[] bytes =
        new GgufWriter()
            .pair("u8", 9, GgufWriter.array(0, 2).int8(1).int8(255))
            .int32s("i32", 1, -1)
            .float32s("f32", Float.NEGATIVE_INFINITY, 1.5f)
            .pair("b", 9, GgufWriter.array(7, 3).int8(0).int8(1).int8(9))
            .texts("none")
            .pair("bad", 9, GgufWriter.array(8, 1).string(new byte[] {(byte) 0xFF, 'a'}))
            .toArray();
    try (GgufFile f = GgufFile.open(file(bytes))) {
      Metadata m = f.source().metadata();
      assertArrayEquals(new long[] {1, 255}, m.integers("u8").orElseThrow());
      assertArrayEquals(new long[] {1, -1}, m.integers("i32").orElseThrow());
      assertArrayEquals(new double[] {Double.NEGATIVE_INFINITY, 1.5}, m.reals("f32").orElseThrow());
      assertArrayEquals(new long[] {0, 1, 1}, m.integers("b").orElseThrow());
      assertEquals(0, m.texts("none").orElseThrow().size());
      TextArray bad = m.texts("bad").orElseThrow();
      assertArrayEquals(new byte[] {(byte) 0xFF, 'a'}, bad.bytes(0), "raw bytes are kept");
      assertEquals("\uFFFDa", bad.get(0));
    }
  }

  @Test
  void readsTextsLongerThanItsBuffer() throws IOException {
    String longText = "é".repeat(100_000);
    byte[] bytes =
        new GgufWriter()
            .texts("t", "a", longText, "b")
            .text("s", longText)
            .bool("x", true)
            .toArray();
    try (GgufFile f = GgufFile.open(file(bytes))) {
      TextArray t = f.source().metadata().texts("t").orElseThrow();
      assertEquals(longText, t.get(1));
      assertEquals("b", t.get(2));
      assertEquals(longText, f.source().metadata().text("s").orElseThrow());
      assertTrue(f.source().metadata().bool("x").orElseThrow());
    }
  }

  @Test
  void opensFileWithoutPairsAndTensors() throws IOException {
    try (GgufFile f = GgufFile.open(file(new GgufWriter().header()))) {
      assertTrue(f.source().metadata().keys().isEmpty());
      assertTrue(f.source().tensors().isEmpty());
      assertEquals(0, f.tensorBytes());
    }
  }

  @Test
  void opensVersion2() throws IOException {
    byte[] bytes = example().toArray();
    bytes[4] = 2;
    try (GgufFile f = GgufFile.open(file(bytes))) {
      assertEquals(2, f.source().tensors().size());
    }
  }

  @Test
  void obeysAlignmentOneAnd64() throws IOException {
    for (int alignment : new int[] {1, 64}) {
      GgufWriter w = new GgufWriter().alignment(alignment);
      for (int i = 1; i <= 3; i++) {
        w.tensor(
            new TensorInfo("t" + i, DataType.I8, Shape.of(3)), new byte[] {(byte) i, 0, (byte) -i});
      }
      try (GgufFile f = GgufFile.open(file(w.toArray()))) {
        for (int i = 1; i <= 3; i++) {
          byte[] got =
              f.weights().data(f.source().tensor("t" + i).source()).toArray(ValueLayout.JAVA_BYTE);
          assertArrayEquals(new byte[] {(byte) i, 0, (byte) -i}, got);
        }
      }
    }
  }

  @Test
  void acceptsMissingTailPaddingAndAnyOrderOfOffsets() throws IOException {
    byte[] header = new GgufWriter().bytesAt("b", 32, 5).bytesAt("a", 0, 32).header();
    byte[] data = new byte[37];
    data[32] = 7;
    byte[] bytes = new Bytes().raw(header).pad(32).raw(data).toArray();
    try (GgufFile f = GgufFile.open(file(bytes))) {
      MemorySegment b = f.weights().data(f.source().tensor("b").source());
      assertEquals(5, b.byteSize());
      assertEquals(7, b.get(ValueLayout.JAVA_BYTE, 0));
    }
  }

  @Test
  void acceptsScalarsAndEmptyTensors() throws IOException {
    byte[] bytes =
        new GgufWriter().bytesAt("scalar", 0).bytesAt("empty", 32, 0, 7).data(1).toArray();
    try (GgufFile f = GgufFile.open(file(bytes))) {
      assertEquals(1, f.tensorBytes());
      assertEquals(1, f.source().tensor("scalar").source().bytes());
      assertEquals(0, f.weights().data(f.source().tensor("empty").source()).byteSize());
    }
  }

  @Test
  void opensTypesThatNoBackendReads() throws IOException {
    byte[] bytes =
        new GgufWriter()
            .tensor(new TensorInfo("t", DataType.IQ1_M, Shape.of(256)), new byte[56])
            .toArray();
    try (GgufFile f = GgufFile.open(file(bytes))) {
      assertEquals(DataType.IQ1_M, f.source().tensor("t").type());
    }
  }

  @Test
  void refusesWeightsAfterClose() throws IOException {
    GgufFile f = GgufFile.open(file(example().toArray()));
    TensorInfo w = f.source().tensor("w").source();
    Weights weights = f.weights();
    MemorySegment before = weights.data(w);
    f.close();
    f.close();

    assertEquals(
        "test.gguf is closed: tensor \"w\"",
        assertThrows(IllegalStateException.class, () -> weights.data(w)).getMessage());
    assertThrows(IllegalStateException.class, () -> before.get(ValueLayout.JAVA_BYTE, 0));
    assertEquals("t", f.source().architecture());
  }

  @Test
  void weightsAreReadOnlyAndKnowOnlyTheirTensors() throws IOException {
    try (GgufFile f = GgufFile.open(file(example().toArray()))) {
      assertTrue(f.weights().data(f.source().tensor("w").source()).isReadOnly());
      TensorInfo other = new TensorInfo("w", DataType.F32, Shape.of(2, 3));
      assertThrows(IllegalArgumentException.class, () -> f.weights().data(other));
    }
  }

  @Test
  void reportsFilesThatCannotBeRead() {
    ModelRefusedException missing =
        assertThrows(ModelRefusedException.class, () -> GgufFile.open(dir.resolve("missing.gguf")));
    assertEquals(Reason.UNREADABLE, missing.reason());
    assertEquals("missing.gguf: cannot be read: no such file", missing.getMessage());
    ModelRefusedException folder =
        assertThrows(ModelRefusedException.class, () -> GgufFile.open(dir));
    assertEquals(Reason.UNREADABLE, folder.reason());
  }

  @Test
  void readsTheHeaderOfAGoldenModel() {
    try (GgufFile f = GgufFile.open(GoldenFile.of("gemma3-mini-Q8_0.gguf"))) {
      assertEquals("gemma3", f.source().architecture());
      assertEquals(93, f.source().tensors().size());
      assertEquals(64, f.source().metadata().requireInt("gemma3.embedding_length", 1, 1 << 20));
      TensorView embeddings = f.source().tensor("token_embd.weight");
      assertEquals(DataType.Q8_0, embeddings.type());
      assertTrue(embeddings.shape().sameSizes(Shape.of(64, 958)));
      assertEquals(958 * 68, f.weights().data(embeddings.source()).byteSize());
      long bytes = f.source().tensors().stream().mapToLong(TensorView::bytes).sum();
      assertEquals(bytes, f.tensorBytes());
    }
  }

  @Test
  void readsAVocabularyWithoutTensors() {
    try (GgufFile f = GgufFile.open(GoldenFile.of("vocab-spm.gguf"))) {
      Metadata m = f.source().metadata();
      assertEquals("llama", m.requireText("tokenizer.ggml.model"));
      assertEquals(958, m.texts("tokenizer.ggml.tokens").orElseThrow().size());
      assertEquals(958, m.reals("tokenizer.ggml.scores").orElseThrow().length);
      assertFalse(m.bool("tokenizer.ggml.add_space_prefix").orElseThrow());
    }
  }
}
