package dev.serval.engine.gguf;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.backend.WeightUse;
import dev.serval.api.error.ModelRefusedException;
import dev.serval.api.error.ModelRefusedException.Reason;
import dev.serval.api.error.OutOfBudgetException;
import dev.serval.api.runtime.LoadMode;
import dev.serval.api.runtime.LoadReport.Kind;
import dev.serval.api.runtime.LoadReport.Part;
import dev.serval.api.settings.Settings;
import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.Shape;
import dev.serval.api.tensor.TensorInfo;
import dev.serval.api.tensor.TensorView;
import dev.serval.engine.memory.DeviceBudget;
import dev.serval.engine.memory.PoolOptions;
import dev.serval.engine.memory.TieredBufferPool;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Weights mapped, copied and repaired: the right bytes, and as many leased as were planned. */
class WeightLoadTest {

  /** Pairs of equal values, one block each: spec of the format, worked with gguf-py. */
  private static final String SEQUENTIAL = "7e5d4c3c2b1a090091a2b3c4d4d5e5e6e6";

  private static final String INTERLEAVED = "7e2da53cb44cc34bd25ad159e060e061e9";

  private final TieredBufferPool pool =
      new TieredBufferPool(
          PoolOptions.of(Settings.ofProcess(Map.of())).withRetainedBytesPerTier(0));
  private final DeviceBudget budget = new DeviceBudget(1L << 30);
  private final Map<String, byte[]> contents = new LinkedHashMap<>();

  @TempDir Path dir;

  @AfterEach
  void givesEverythingBack() {
    assertEquals(0, pool.metrics().leases());
    assertEquals(0, budget.reservedBytes());
    pool.close();
  }

  /** Adds a tensor of bytes that tell their place. */
  private void add(GgufWriter w, String name, int bytes) {
    byte[] data = new byte[bytes];
    for (int i = 0; i < bytes; i++) {
      data[i] = (byte) (name.hashCode() + i + i / 251);
    }
    contents.put(name, data);
    w.tensor(new TensorInfo(name, DataType.I8, Shape.of(bytes)), data);
  }

  private static Set<TensorInfo> tensors(GgufFile file, String... names) {
    return Arrays.stream(names)
        .map(n -> file.source().tensor(n).source())
        .collect(Collectors.toSet());
  }

  private GgufFile open(GgufWriter w) throws IOException {
    return GgufFile.open(w.write(dir.resolve("test.gguf")));
  }

  /** One tensor of a few pages, one between, a large one, and others that share a page. */
  private GgufFile example() throws IOException {
    GgufWriter w = new GgufWriter();
    add(w, "first", 3 * CopyLayout.PAGE_BYTES);
    add(w, "unused", 5 * CopyLayout.PAGE_BYTES);
    add(w, "large", 2 * PageReader.CHUNK_BYTES + 77);
    add(w, "gap", 2 * CopyLayout.PAGE_BYTES);
    add(w, "a", 5);
    add(w, "empty", 0);
    add(w, "b", 70);
    return open(w);
  }

  private byte[] content(String tensor) {
    return Objects.requireNonNull(contents.get(tensor));
  }

  private long bytes(String tensor) {
    return content(tensor).length;
  }

  private void assertReads(LoadedWeights weights, TensorInfo t) {
    assertTrue(weights.data(t).isReadOnly());
    assertArrayEquals(content(t.name()), weights.data(t).toArray(ValueLayout.JAVA_BYTE), t.name());
  }

  @Test
  void copiesWhatIsUsedAndPlansEveryByte() throws IOException {
    GgufFile file = example();
    Set<TensorInfo> inPlace = tensors(file, "first", "a", "empty", "b");
    Set<TensorInfo> relaid = tensors(file, "large", "a");
    WeightLoad load = new WeightLoad(file, new WeightUse(inPlace, relaid), LoadMode.COPY);
    try (file;
        LoadedWeights weights = load.load(pool, budget, "test")) {
      file.close();
      assertEquals(load.keptBytes() + load.passingBytes(), pool.metrics().leasedBytes());
      assertEquals(pool.metrics().leasedBytes(), budget.reservedBytes());
      assertEquals(load.keptBytes(), weights.keptBytes());
      inPlace.forEach(t -> assertReads(weights, t));
      relaid.forEach(t -> assertReads(weights, t));

      weights.placed();

      assertEquals(load.keptBytes(), pool.metrics().leasedBytes());
      inPlace.forEach(t -> assertReads(weights, t));
      TensorInfo large = relaid.stream().filter(t -> t.name().equals("large")).findFirst().get();
      assertThrows(IllegalArgumentException.class, () -> weights.data(large));
    }
  }

  @Test
  void buffersBeginAtAPage() throws IOException {
    GgufFile file = example();
    Set<TensorInfo> all = tensors(file, "first", "large", "b");
    try (file;
        LoadedWeights weights =
            new WeightLoad(file, new WeightUse(all, Set.of()), LoadMode.COPY)
                .load(pool, budget, "test")) {
      for (TensorInfo t : all) {
        long inFile = file.location(t).position();
        assertEquals(
            inFile % CopyLayout.PAGE_BYTES,
            weights.data(t).address() % CopyLayout.PAGE_BYTES,
            t.name());
      }
    }
  }

  @Test
  void mapsWithoutLeasingAnything() throws IOException {
    GgufFile file = example();
    Set<TensorInfo> inPlace = tensors(file, "first", "empty");
    Set<TensorInfo> relaid = tensors(file, "large", "first");
    WeightLoad load = new WeightLoad(file, new WeightUse(inPlace, relaid), LoadMode.MAP);
    try (file;
        LoadedWeights weights = load.load(pool, budget, "test")) {
      assertEquals(0, pool.metrics().leases());
      assertEquals(0, weights.keptBytes());
      relaid.forEach(t -> assertReads(weights, t));
      weights.placed();
      inPlace.forEach(t -> assertReads(weights, t));
      assertEquals(List.of(), load.notes());
      assertEquals(
          List.of(
              new Part(Kind.MAPPED, DataType.I8, 2, bytes("first")),
              new Part(Kind.RELAID, DataType.I8, 2, bytes("first") + bytes("large"))),
          load.parts());
      assertEquals(bytes("first") + bytes("large"), load.readBytes());
    }
  }

  @Test
  void countsCopiesAsRead() throws IOException {
    try (GgufFile file = example()) {
      Set<TensorInfo> inPlace = tensors(file, "first");
      WeightLoad load = new WeightLoad(file, new WeightUse(inPlace, Set.of()), LoadMode.COPY);
      assertEquals(List.of(new Part(Kind.COPIED, DataType.I8, 1, bytes("first"))), load.parts());
      assertEquals(bytes("first"), load.readBytes());
      assertEquals(0, load.passingBytes());
    }
  }

  @Test
  void copiesFromEveryPartOfASplitModel() throws IOException {
    for (int i = 0; i < 2; i++) {
      GgufWriter w =
          new GgufWriter()
              .uint16("split.no", i)
              .uint16("split.count", 2)
              .int32("split.tensors.count", 2);
      add(w, "t" + i, 10_000);
      w.write(dir.resolve("m-0000" + (i + 1) + "-of-00002.gguf"));
    }
    GgufFile file = GgufFile.open(dir.resolve("m-00001-of-00002.gguf"));
    Set<TensorInfo> all = tensors(file, "t0", "t1");
    try (file;
        LoadedWeights weights =
            new WeightLoad(file, new WeightUse(all, Set.of()), LoadMode.COPY)
                .load(pool, budget, "test")) {
      assertEquals(2, file.files());
      file.close();
      all.forEach(t -> assertReads(weights, t));
    }
  }

  private static GgufWriter oldMxfp4(String architecture, int blocks) {
    byte[] data = HexFormat.of().parseHex(SEQUENTIAL.repeat(blocks));
    return new GgufWriter()
        .text("general.architecture", architecture)
        .info("old", 4, 0, 32L * blocks)
        .raw(data);
  }

  @Test
  void repairsOldMxfp4WhetherMappedOrCopied() throws IOException {
    int blocks = 4100; // more than are re-ordered at once
    byte[] expected = HexFormat.of().parseHex(INTERLEAVED.repeat(blocks));
    for (LoadMode mode : LoadMode.values()) {
      for (String architecture : List.of("gptoss", "gpt-oss")) {
        GgufFile file = open(oldMxfp4(architecture, blocks));
        TensorView old = file.source().tensor("old");
        assertEquals(DataType.MXFP4, old.type());
        WeightUse use = new WeightUse(Set.of(old.source()), Set.of());
        WeightLoad load = new WeightLoad(file, use, mode);
        try (file;
            LoadedWeights weights = load.load(pool, budget, "test")) {
          byte[] got = weights.data(old.source()).toArray(ValueLayout.JAVA_BYTE);
          assertArrayEquals(expected, got);
          assertEquals(Kind.COPIED, load.parts().getFirst().kind());
          assertEquals(
              List.of("1 tensors re-ordered from Ollama's first MXFP4 (type id 4), 0.1 MiB"),
              load.notes());
        }
      }
    }
  }

  @Test
  void neverHandsOutOldMxfp4AsItIs() throws IOException {
    try (GgufFile file = open(oldMxfp4("gptoss", 1))) {
      TensorInfo old = file.source().tensor("old").source();
      assertThrows(IllegalArgumentException.class, () -> file.weights().data(old));
    }
  }

  @Test
  void refusesCopiesThatDoNotFitAndKeepsNothing() throws IOException {
    DeviceBudget small = new DeviceBudget(1 << 20);
    try (GgufFile file = example()) {
      WeightUse use = new WeightUse(tensors(file, "a"), tensors(file, "large"));
      WeightLoad load = new WeightLoad(file, use, LoadMode.COPY);
      assertThrows(OutOfBudgetException.class, () -> load.load(pool, small, "test"));
      assertEquals(0, small.reservedBytes());
    }
  }

  @Test
  void refusesFileThatShrankBeforeItWasCopied() throws IOException {
    try (GgufFile file = example()) {
      try (RandomAccessFile f = new RandomAccessFile(dir.resolve("test.gguf").toFile(), "rw")) {
        f.setLength(9L << 20);
      }
      WeightUse use = new WeightUse(tensors(file, "first", "large"), Set.of());
      WeightLoad load = new WeightLoad(file, use, LoadMode.COPY);
      ModelRefusedException e =
          assertThrows(ModelRefusedException.class, () -> load.load(pool, budget, "test"));
      assertEquals(Reason.UNREADABLE, e.reason());
      assertEquals("test.gguf: the file shrank to 9437184 bytes while it was read", e.getMessage());
    }
  }

  @Test
  void refusesFileThatShrankBeforeItWasMapped() throws IOException {
    try (GgufFile file = example()) {
      try (RandomAccessFile f = new RandomAccessFile(dir.resolve("test.gguf").toFile(), "rw")) {
        f.setLength(9L << 20);
      }
      ModelRefusedException e = assertThrows(ModelRefusedException.class, file::weights);
      assertEquals(Reason.UNREADABLE, e.reason());
    }
  }

  @Test
  void readsWithAsManyThreadsAsTheMachineAndTheWorkAllow() {
    assertEquals(1, PageReader.threads(16, 1));
    assertEquals(2, PageReader.threads(1, 100));
    assertEquals(3, PageReader.threads(2, 100));
    assertEquals(24, PageReader.threads(16, 100));
    assertEquals(32, PageReader.threads(64, 100));
  }

  @Test
  void refusesTensorsThatTheFileHasNot() throws IOException {
    try (GgufFile file = example()) {
      TensorInfo other = new TensorInfo("other", DataType.F32, Shape.of(1));
      WeightUse use = new WeightUse(Set.of(other), Set.of());
      assertThrows(IllegalArgumentException.class, () -> new WeightLoad(file, use, LoadMode.COPY));
    }
  }

  @Test
  void mapsNothingOfAClosedFile() throws IOException {
    GgufFile file = example();
    file.close();
    assertEquals(
        "test.gguf is closed",
        assertThrows(IllegalStateException.class, file::weights).getMessage());
  }

  @Test
  void finishesACopyThatIsInterruptedWithARefusal() throws IOException {
    try (GgufFile file = example()) {
      WeightUse use = new WeightUse(tensors(file, "large"), Set.of());
      WeightLoad load = new WeightLoad(file, use, LoadMode.COPY);
      Thread.currentThread().interrupt();
      ModelRefusedException e =
          assertThrows(ModelRefusedException.class, () -> load.load(pool, budget, "test"));
      assertTrue(Thread.interrupted(), "the interrupt is kept");
      assertEquals(Reason.UNREADABLE, e.reason());
    }
  }
}
