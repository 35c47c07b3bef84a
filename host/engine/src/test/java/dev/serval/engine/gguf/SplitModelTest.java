package dev.serval.engine.gguf;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.serval.api.error.ModelRefusedException;
import dev.serval.api.error.ModelRefusedException.Reason;
import dev.serval.api.runtime.ModelPart;
import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.Shape;
import dev.serval.api.tensor.TensorInfo;
import dev.serval.api.tensor.TensorView;
import dev.serval.api.tensor.Weights;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Models in several files: any part opens all, and parts that do not belong together are told. */
class SplitModelTest {

  private static final int PARTS = 3;

  @TempDir Path dir;

  private static String name(int part) {
    return "m-0000" + part + "-of-00003.gguf";
  }

  /** Part {@code i} from 0, with one tensor {@code t<i>} of bytes {@code i}, whole and in order. */
  private static GgufWriter part(int i) {
    return tensor(keys(new GgufWriter(), i, PARTS, PARTS), "t" + i, i);
  }

  private static GgufWriter keys(GgufWriter w, int number, int count, int tensors) {
    GgufWriter all = number == 0 ? w.text("general.architecture", "t").uint32("t.n", 7) : w;
    return all.uint16("split.no", number)
        .uint16("split.count", count)
        .int32("split.tensors.count", tensors);
  }

  private static GgufWriter tensor(GgufWriter w, String name, int value) {
    byte[] bytes = {(byte) value, (byte) value, (byte) value};
    return w.tensor(new TensorInfo(name, DataType.I8, Shape.of(3)), bytes);
  }

  private Path write(int part, GgufWriter w) throws IOException {
    return w.write(dir.resolve(name(part)));
  }

  private void writeAll() throws IOException {
    for (int i = 0; i < PARTS; i++) {
      write(i + 1, part(i));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void opensAllPartsFromAny(int given) throws IOException {
    writeAll();
    // an alignment of its own
    write(2, tensor(keys(new GgufWriter().alignment(64), 1, PARTS, PARTS), "t1", 1));

    try (GgufFile f = GgufFile.open(dir.resolve(name(given)))) {
      assertEquals(name(1), f.source().name());
      assertEquals(
          List.of("t0", "t1", "t2"), f.source().tensors().stream().map(TensorView::name).toList());
      assertEquals(7, f.source().metadata().integer("t.n").orElseThrow());
      assertEquals(9, f.tensorBytes());
      assertEquals(9, f.parameters());
      assertEquals(
          new ModelPart(name(2), 3, Files.size(dir.resolve(name(2))), 1, 3), f.parts().get(1));
      Weights weights = f.weights();
      for (int i = 0; i < PARTS; i++) {
        byte b = (byte) i;
        TensorInfo t = f.source().tensor("t" + i).source();
        assertArrayEquals(new byte[] {b, b, b}, weights.data(t).toArray(ValueLayout.JAVA_BYTE));
      }
    }
  }

  @Test
  void opensPartsWithoutTensors() throws IOException {
    write(1, keys(new GgufWriter(), 0, PARTS, 1));
    write(2, tensor(keys(new GgufWriter(), 1, PARTS, 1), "t", 1));
    write(3, keys(new GgufWriter(), 2, PARTS, 1));

    try (GgufFile f = GgufFile.open(dir.resolve(name(3)))) {
      assertEquals(3, f.weights().data(f.source().tensor("t").source()).byteSize());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1})
  void opensModelSplitIntoOne(int count) throws IOException {
    Path file = keys(new GgufWriter(), 0, count, 0).write(dir.resolve("whole.gguf"));

    try (GgufFile f = GgufFile.open(file)) {
      assertEquals(count, f.source().metadata().integer("split.count").orElseThrow());
    }
  }

  @Test
  void refusesMissingPart() throws IOException {
    writeAll();
    Files.delete(dir.resolve(name(2)));

    refused(Reason.UNREADABLE, name(2) + ": cannot be read: no such file");
  }

  @Test
  void refusesDamagedPartByItsName() throws IOException {
    writeAll();
    Files.write(dir.resolve(name(3)), new byte[3]);

    refused(
        Reason.MALFORMED,
        name(3) + ": header, size at byte 0: expected at least 24 bytes, got 3 bytes");
  }

  @Test
  void refusesFileWhoseNameHidesTheOthers() throws IOException {
    Path file = part(0).write(dir.resolve("first.gguf"));

    assertEquals(
        "first.gguf: key split.count: expected 1, as the file is not named"
            + " …-00001-of-00002.gguf, got 3",
        refusal(Reason.KEY_INVALID, file));
  }

  @Test
  void refusesCountThatContradictsTheName() throws IOException {
    writeAll();
    write(1, tensor(keys(new GgufWriter(), 0, 2, PARTS), "t0", 0));

    refused(
        Reason.KEY_INVALID,
        name(1) + ": key split.count: expected 3, as the file's name says, got 2");
  }

  @Test
  void refusesCountThatContradictsTheOthers() throws IOException {
    writeAll();
    write(3, tensor(keys(new GgufWriter(), 2, 4, PARTS), "t2", 2));

    refused(Reason.KEY_INVALID, name(3) + ": key split.count: expected 3, got 4");
  }

  @ParameterizedTest
  @ValueSource(longs = {-1, SplitModel.MAX_PARTS + 1, Long.MAX_VALUE})
  void refusesImpossibleCounts(long count) throws IOException {
    Path file = new GgufWriter().uint64("split.count", count).write(dir.resolve(name(1)));

    assertEquals(
        name(1) + ": key split.count: expected 0 to 1024, got " + count,
        refusal(Reason.KEY_INVALID, file));
  }

  @Test
  void refusesPartsInWrongOrder() throws IOException {
    writeAll();
    write(2, part(2));
    write(3, part(1));

    refused(Reason.KEY_INVALID, name(2) + ": key split.no: expected 1, got 2");
  }

  @Test
  void refusesGivenPartUnderTheNumberOfAnother() throws IOException {
    writeAll();
    Path given = write(1, part(1));

    assertEquals(name(1) + ": key split.no: expected 0, got 1", refusal(Reason.KEY_INVALID, given));
  }

  @ParameterizedTest
  @ValueSource(strings = {"split.no", "split.count", "split.tensors.count"})
  void refusesPartWithoutOneOfTheKeys(String key) throws IOException {
    writeAll();
    GgufWriter w = new GgufWriter();
    if (!key.equals("split.no")) {
      w.uint16("split.no", 1);
    }
    if (!key.equals("split.count")) {
      w.uint16("split.count", PARTS);
    }
    if (!key.equals("split.tensors.count")) {
      w.int32("split.tensors.count", PARTS);
    }
    write(2, tensor(w, "t1", 1));

    refused(Reason.KEY_MISSING, name(2) + ": key " + key + " is missing");
  }

  @Test
  void refusesTensorThatTwoPartsHave() throws IOException {
    writeAll();
    write(3, tensor(keys(new GgufWriter(), 2, PARTS, PARTS), "t1", 2));

    refused(
        Reason.MALFORMED,
        name(3) + ": tensor \"t1\": expected every tensor once, got it in " + name(2) + " too");
  }

  @Test
  void refusesWrongSumOfTensors() throws IOException {
    for (int i = 0; i < PARTS; i++) {
      write(i + 1, tensor(keys(new GgufWriter(), i, PARTS, 4), "t" + i, i));
    }

    refused(
        Reason.KEY_INVALID,
        name(1) + ": key split.tensors.count: expected 3, the tensors of all parts, got 4");
  }

  @Test
  void refusesMoreTensorsThanTheLimitInAllParts() throws IOException {
    writeAll();
    GgufLimits two = new GgufLimits(9, 2, 99, 99, 9, 99, 64, 1000);

    ModelRefusedException e =
        assertThrows(ModelRefusedException.class, () -> GgufFile.open(dir.resolve(name(1)), two));

    assertEquals(
        name(1) + ": expected at most 2 tensors in all parts, got 3",
        String.valueOf(e.getMessage()));
  }

  @Test
  void refusesPartThatSaysSomethingElse() throws IOException {
    writeAll();
    write(2, tensor(keys(new GgufWriter().uint32("t.n", 8), 1, PARTS, PARTS), "t1", 1));

    refused(Reason.KEY_INVALID, name(2) + ": key t.n: expected 7 as in " + name(1) + ", got 8");
  }

  @Test
  void refusesPartThatSaysMoreThanTheFirst() throws IOException {
    writeAll();
    write(3, tensor(keys(new GgufWriter().uint32("t.more", 8), 2, PARTS, PARTS), "t2", 2));

    refused(
        Reason.KEY_INVALID,
        name(3) + ": key t.more: expected no key that " + name(1) + " has not, got 8");
  }

  @Test
  void closesEveryFileOfARefusedModel() throws IOException {
    writeAll();
    Path last = write(3, part(1));
    GgufPart given = GgufPart.open(dir.resolve(name(1)), GgufLimits.DEFAULT);

    assertThrows(ModelRefusedException.class, () -> SplitModel.of(given, GgufLimits.DEFAULT));

    assertEquals(false, given.channel().isOpen());
    Files.delete(last);
  }

  /** Opened by its first part, the model is refused. */
  private void refused(Reason reason, String message) {
    assertEquals(message, refusal(reason, dir.resolve(name(1))));
  }

  private static String refusal(Reason reason, Path file) {
    ModelRefusedException e = assertThrows(ModelRefusedException.class, () -> GgufFile.open(file));
    assertEquals(reason, e.reason(), e.getMessage());
    return String.valueOf(e.getMessage());
  }
}
