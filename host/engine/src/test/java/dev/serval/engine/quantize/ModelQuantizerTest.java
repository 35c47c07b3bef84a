package dev.serval.engine.quantize;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.error.ModelRefusedException;
import dev.serval.api.error.ModelRefusedException.Reason;
import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.runtime.QuantizeProgress;
import dev.serval.api.runtime.QuantizeReport;
import dev.serval.api.runtime.QuantizeReport.Converted;
import dev.serval.api.runtime.QuantizeRequest;
import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.Shape;
import dev.serval.api.tensor.TensorInfo;
import dev.serval.engine.gguf.GgufFile;
import dev.serval.engine.gguf.GgufWriter;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Whole files: what each tensor becomes, what is refused, and that nothing half done stays. */
class ModelQuantizerTest {

  private static final int SEED = 7;

  private final Random random = new Random(SEED);

  @TempDir Path dir;

  private static byte[] f32(float... values) {
    ByteBuffer b = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    for (float v : values) {
      b.putFloat(v);
    }
    return b.array();
  }

  private float[] values(int n) {
    float[] values = new float[n];
    for (int i = 0; i < n; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  private static GgufWriter add(GgufWriter w, String name, DataType type, float[] x, long... ne) {
    byte[] bytes = new byte[(int) type.bytes(x.length)];
    Encoder.of(type).orElseThrow().encode(x, x.length, bytes);
    return w.tensor(new TensorInfo(name, type, Shape.of(ne)), bytes);
  }

  private static GgufWriter header() {
    return new GgufWriter()
        .text("general.architecture", "t")
        .uint32("general.file_type", 0)
        .uint16("t.short", 7)
        .float32s("t.floats", 1, Float.NEGATIVE_INFINITY)
        .texts("tokenizer.ggml.tokens", "a", "b");
  }

  private Path input() {
    return dir.resolve("in.gguf");
  }

  private Path output() {
    return dir.resolve("out.gguf");
  }

  private QuantizeReport quantize(DataType type) throws IOException, InterruptedException {
    return ModelQuantizer.quantize(
        new QuantizeRequest(input(), output(), type, false), QuantizeProgress.NONE);
  }

  private static byte[] data(GgufFile file, String tensor) {
    return file.weights()
        .data(file.source().tensor(tensor).source())
        .toArray(ValueLayout.JAVA_BYTE);
  }

  private List<String> files() throws IOException {
    try (Stream<Path> files = Files.list(dir)) {
      return files.map(f -> f.getFileName().toString()).sorted().collect(Collectors.toList());
    }
  }

  @Test
  void givesMatricesTheTypeAndKeepsTheRestExact() throws Exception {
    float[] matrix = values(64 * 3);
    float[] half = values(64 * 2);
    GgufWriter w = header();
    add(w, "blk.0.w.weight", DataType.F32, matrix, 64, 3);
    add(w, "blk.0.half.weight", DataType.BF16, half, 64, 2);
    add(w, "blk.0.norm", DataType.F32, values(5), 5);
    add(w, "blk.0.attn_norm.weight", DataType.F16, new float[] {1, 2, 0.5f, -4}, 2, 2);
    add(w, "blk.0.ffn_gate_inp.weight", DataType.F32, values(64), 32, 2);
    add(w, "blk.0.laurel_l.weight", DataType.F32, values(64), 32, 2);
    add(w, "blk.0.ffn_up_exps.bias", DataType.F32, values(64), 32, 2);
    add(w, "blk.0.odd.weight", DataType.F32, new float[] {1, 2, 3, 4, 5, 6}, 3, 2);
    w.tensor(new TensorInfo("ids", DataType.I32, Shape.of(3)), new byte[12]);
    w.tensor(new TensorInfo("none.weight", DataType.F32, Shape.of(32, 0)), new byte[0]);
    w.write(input());

    QuantizeReport report = quantize(DataType.Q8_0);

    assertEquals(
        List.of(
            new Converted("blk.0.w.weight", DataType.F32, DataType.Q8_0, ""),
            new Converted("blk.0.half.weight", DataType.BF16, DataType.Q8_0, ""),
            new Converted("blk.0.norm", DataType.F32, DataType.F32, "vector"),
            new Converted("blk.0.attn_norm.weight", DataType.F16, DataType.F32, "norm"),
            new Converted("blk.0.ffn_gate_inp.weight", DataType.F32, DataType.F32, "router"),
            new Converted("blk.0.laurel_l.weight", DataType.F32, DataType.F32, "small"),
            new Converted("blk.0.ffn_up_exps.bias", DataType.F32, DataType.F32, "no matrix"),
            new Converted(
                "blk.0.odd.weight",
                DataType.F32,
                DataType.F16,
                "rows of 3 are no whole blocks of 32"),
            new Converted("ids", DataType.I32, DataType.I32, "no weights"),
            new Converted("none.weight", DataType.F32, DataType.Q8_0, "")),
        report.tensors());
    assertEquals(Files.size(output()), report.outputBytes());
    try (GgufFile in = GgufFile.open(input());
        GgufFile out = GgufFile.open(output())) {
      byte[] expected = new byte[(int) DataType.Q8_0.bytes(matrix.length)];
      BlockEncoders.q8(matrix, matrix.length, expected);
      assertArrayEquals(expected, data(out, "blk.0.w.weight"));
      assertArrayEquals(f32(1, 2, 0.5f, -4), data(out, "blk.0.attn_norm.weight"));
      assertArrayEquals(data(in, "blk.0.norm"), data(out, "blk.0.norm"));
      assertArrayEquals(data(in, "ids"), data(out, "ids"));
      assertEquals(in.tensorBytes(), report.inputBytes());
    }
  }

  @Test
  void copiesMetadataAsItStandsAndUpdatesTwoKeys() throws Exception {
    add(header(), "w.weight", DataType.F32, values(64), 32, 2).write(input());

    quantize(DataType.Q4_0);

    byte[] expected =
        new GgufWriter()
            .text("general.architecture", "t")
            .uint32("general.file_type", 2)
            .uint16("t.short", 7)
            .float32s("t.floats", 1, Float.NEGATIVE_INFINITY)
            .texts("tokenizer.ggml.tokens", "a", "b")
            .uint32("general.quantization_version", 2)
            .info("w.weight", DataType.Q4_0.id(), 0, 32, 2)
            .toArray();
    byte[] got = Files.readAllBytes(output());
    assertArrayEquals(expected, Arrays.copyOf(got, expected.length));
  }

  @Test
  void obeysTheAlignmentOfTheInput() throws Exception {
    GgufWriter w = new GgufWriter().alignment(128);
    add(w, "a.weight", DataType.F32, values(64), 32, 2);
    add(w, "b.weight", DataType.F32, values(64), 32, 2);
    w.write(input());

    quantize(DataType.F16);

    try (GgufFile out = GgufFile.open(output())) {
      assertEquals(128, out.alignment());
      assertEquals(128, data(out, "b.weight").length);
    }
  }

  @Test
  void joinsASplitModel() throws Exception {
    for (int i = 0; i < 2; i++) {
      GgufWriter w = i == 0 ? header() : new GgufWriter();
      w.uint16("split.no", i).uint16("split.count", 2).int32("split.tensors.count", 2);
      add(w, "t" + i + ".weight", DataType.F32, values(64), 32, 2)
          .write(dir.resolve("m-0000" + (i + 1) + "-of-00002.gguf"));
    }
    Path part = dir.resolve("m-00002-of-00002.gguf");

    ModelQuantizer.quantize(
        new QuantizeRequest(part, output(), DataType.F16, false), QuantizeProgress.NONE);

    try (GgufFile out = GgufFile.open(output())) {
      assertEquals(2, out.source().tensors().size());
      assertFalse(out.source().metadata().has("split.count"));
    }
  }

  @Test
  void repairsTheFirstMxfp4OfOllama() throws Exception {
    byte[] sequential = HexFormat.of().parseHex("7e5d4c3c2b1a090091a2b3c4d4d5e5e6e6");
    byte[] interleaved = HexFormat.of().parseHex("7e2da53cb44cc34bd25ad159e060e061e9");
    new GgufWriter()
        .text("general.architecture", "gptoss")
        .info("blk.0.ffn_up_exps.weight", 4, 0, 32, 1)
        .raw(sequential)
        .write(input());

    quantize(DataType.MXFP4);

    try (GgufFile out = GgufFile.open(output())) {
      assertArrayEquals(interleaved, data(out, "blk.0.ffn_up_exps.weight"));
    }
  }

  @Test
  void keepsMxfp4ForExpertsWhereThereAreSome() throws Exception {
    GgufWriter w = header();
    add(w, "blk.0.ffn_up_exps.weight", DataType.F32, values(128), 32, 2, 2);
    add(w, "output.weight", DataType.F32, values(64), 32, 2);
    w.write(input());

    assertEquals(
        List.of(
            new Converted("blk.0.ffn_up_exps.weight", DataType.F32, DataType.MXFP4, ""),
            new Converted("output.weight", DataType.F32, DataType.Q8_0, "no expert")),
        quantize(DataType.MXFP4).tensors());
  }

  @ParameterizedTest
  @EnumSource(
      value = DataType.class,
      names = {"F16", "BF16", "Q8_0", "Q4_0", "MXFP4"})
  void writesLargeTensorsChunkByChunk(DataType type) throws Exception {
    int rows = 1100; // of 512: more than two chunks
    float[] x = values(512 * rows);
    add(new GgufWriter(), "w.weight", DataType.F32, x, 512, rows).write(input());
    List<Long> done = new ArrayList<>();

    ModelQuantizer.quantize(
        new QuantizeRequest(input(), output(), type, false), (_, d, _) -> done.add(d));

    byte[] expected = new byte[(int) type.bytes(x.length)];
    Encoder.of(type).orElseThrow().encode(x, x.length, expected);
    try (GgufFile out = GgufFile.open(output())) {
      assertArrayEquals(expected, data(out, "w.weight"));
    }
    assertEquals(List.of(1L << 20, 2L << 20, 4L * x.length), done);
  }

  @ParameterizedTest
  @CsvSource({"NaN", "Infinity", "-Infinity"})
  void refusesValuesThatAreNotFinite(float value) throws Exception {
    float[] x = values(96);
    x[70] = value;
    add(header(), "bad.weight", DataType.F32, x, 32, 3).write(input());

    ModelRefusedException e =
        assertThrows(ModelRefusedException.class, () -> quantize(DataType.Q8_0));

    assertEquals(Reason.VALUE_INVALID, e.reason());
    assertEquals(
        "in.gguf: tensor \"bad.weight\", element 70: expected a finite value, got " + value,
        e.getMessage());
    assertEquals(List.of("in.gguf"), files());
  }

  @Test
  void refusesValuesThatAreNotFiniteEvenWhereNothingIsConverted() throws Exception {
    new GgufWriter()
        .tensor(new TensorInfo("norm", DataType.F32, Shape.of(1)), f32(Float.NaN))
        .write(input());

    assertEquals(
        Reason.VALUE_INVALID,
        assertThrows(ModelRefusedException.class, () -> quantize(DataType.Q8_0)).reason());
  }

  @Test
  void refusesValuesTooLargeForTheType() throws Exception {
    float[] x = values(32);
    x[3] = 1e6f;
    add(header(), "w.weight", DataType.F32, x, 32, 1).write(input());

    ModelRefusedException e =
        assertThrows(ModelRefusedException.class, () -> quantize(DataType.F16));

    assertEquals(Reason.VALUE_INVALID, e.reason());
    assertEquals(
        "in.gguf: tensor \"w.weight\", element 3: expected a value that fits F16, got 1000000.0",
        e.getMessage());
  }

  @Test
  void refusesTypesThatCannotBeExpanded() throws Exception {
    new GgufWriter()
        .tensor(new TensorInfo("w.weight", DataType.IQ1_M, Shape.of(256, 1)), new byte[56])
        .write(input());

    ModelRefusedException e =
        assertThrows(ModelRefusedException.class, () -> quantize(DataType.Q8_0));

    assertEquals(Reason.TYPE_UNSUPPORTED, e.reason());
    assertEquals(
        "in.gguf: tensor \"w.weight\": expected a type that can be expanded to F32, got IQ1_M",
        e.getMessage());
    assertEquals(List.of("in.gguf"), files());
  }

  @ParameterizedTest
  @ValueSource(strings = {"F32", "Q4_K", "Q5_0"})
  void refusesTypesItDoesNotWrite(DataType type) {
    assertThrows(
        IllegalArgumentException.class, () -> new QuantizeRequest(input(), output(), type, false));
  }

  @Test
  void replacesAFileOnlyWhenToldTo() throws Exception {
    add(header(), "w.weight", DataType.F32, values(32), 32, 1).write(input());
    Files.writeString(output(), "mine");

    assertThrows(FileAlreadyExistsException.class, () -> quantize(DataType.F16));
    assertEquals("mine", Files.readString(output()));

    ModelQuantizer.quantize(
        new QuantizeRequest(input(), output(), DataType.F16, true), QuantizeProgress.NONE);
    GgufFile.open(output()).close();
    assertEquals(List.of("in.gguf", "out.gguf"), files());
  }

  @Test
  void refusesToReplaceItsInput() throws Exception {
    add(header(), "w.weight", DataType.F32, values(32), 32, 1).write(input());
    byte[] before = Files.readAllBytes(input());
    Path same = dir.resolve(".").resolve("in.gguf");

    assertThrows(
        RequestRejectedException.class,
        () ->
            ModelQuantizer.quantize(
                new QuantizeRequest(input(), same, DataType.F16, true), QuantizeProgress.NONE));
    assertArrayEquals(before, Files.readAllBytes(input()));
  }

  @Test
  void leavesNothingWhenItIsInterrupted() throws Exception {
    add(header(), "w.weight", DataType.F32, values(32), 32, 1).write(input());

    Thread.currentThread().interrupt();
    assertThrows(InterruptedException.class, () -> quantize(DataType.F16));

    assertFalse(Thread.interrupted());
    assertEquals(List.of("in.gguf"), files());
  }

  @Test
  void leavesNothingWhenItIsInterruptedBetweenChunks() throws Exception {
    GgufWriter w = header();
    add(w, "a.weight", DataType.F32, values(32), 32, 1);
    add(w, "b.weight", DataType.F32, values(32), 32, 1);
    w.write(input());

    assertThrows(
        InterruptedException.class,
        () ->
            ModelQuantizer.quantize(
                new QuantizeRequest(input(), output(), DataType.F16, false),
                (_, _, _) -> Thread.currentThread().interrupt()));

    assertEquals(List.of("in.gguf"), files());
  }

  @Test
  void leavesNothingWhenTheProgressFails() throws Exception {
    add(header(), "w.weight", DataType.F32, values(32), 32, 1).write(input());

    assertThrows(
        IllegalStateException.class,
        () ->
            ModelQuantizer.quantize(
                new QuantizeRequest(input(), output(), DataType.F16, false),
                (_, _, _) -> {
                  throw new IllegalStateException("told to fail");
                }));

    assertEquals(List.of("in.gguf"), files());
    assertTrue(Files.notExists(output()));
  }
}
