package dev.serval.tck;

import dev.serval.api.backend.Backend;
import dev.serval.api.backend.CompileSpec;
import dev.serval.api.graph.Graph;
import dev.serval.api.kv.KvFormat;
import dev.serval.api.kv.KvGroup;
import dev.serval.api.kv.KvSlot;
import dev.serval.api.kv.KvStorage;
import dev.serval.api.tensor.DataType;
import dev.serval.tck.far.FarBackend;
import dev.serval.tck.graphs.ModelSession;
import dev.serval.tck.graphs.TestModel;
import dev.serval.tck.ops.Bound;
import dev.serval.tck.reference.ReferenceBackend;
import dev.serval.tck.run.SequenceRunner;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * Caches travel: rows exported from one program go on in another, of the same backend, far from it,
 * or of the reference; with global and sliding layers, in every type. Where both programs have one
 * {@code numericsId}, the continuation has the bits that it would have had at home.
 */
public abstract class KvTransferContract extends BackendContract {

  /** Longer than the window of the models, 6. */
  private static final int[] PROMPT = {
    3, 14, 15, 92, 65, 35, 89, 79, 32, 38, 46, 26, 43, 38, 32, 79, 50, 28, 84, 19, 71, 69, 39
  };

  private static final int[] SHORT = {9, 8, 7, 6, 5, 4, 3, 2};
  private static final long SEED = 4;

  /** F32 sums through four layers, new rows rounded to the cache's type, perhaps F16. */
  private static final Bound OTHER_NUMERICS = Bound.absolute(1e-2);

  /** For subclasses. */
  protected KvTransferContract() {}

  private interface Check {
    void run(TestModel model, UnaryOperator<CompileSpec> change);
  }

  private Stream<DynamicTest> each(Check check) {
    List<DynamicTest> tests = new ArrayList<>();
    for (DataType kv : List.of(DataType.F32, DataType.F16, DataType.Q8_0, DataType.Q4_0)) {
      for (TestModel m :
          List.of(TestModel.gemma3(DataType.Q8_0, SEED), TestModel.gptOss(DataType.F32, SEED))) {
        String name = m.source().name() + " " + kv;
        tests.add(DynamicTest.dynamicTest(name, () -> check.run(m, spec -> spec.withKvType(kv))));
      }
    }
    return chosen(tests);
  }

  /** From one program of the backend to another. */
  @TestFactory
  public Stream<DynamicTest> exportedCacheGoesOnInAnotherProgram() {
    return each((m, change) -> journey(m, change, backend(), backend(), true));
  }

  /** To a device from which nothing but copies is seen, and back. */
  @TestFactory
  public Stream<DynamicTest> cacheGoesToAFarDeviceAndBack() {
    return each((m, change) -> {
      try (FarBackend far = new FarBackend(backend())) {
        journey(m, change, backend(), far, true);
        journey(m, change, far, backend(), true);
      }
    });
  }

  /** The canonical form is the same for all. */
  @TestFactory
  public Stream<DynamicTest> cacheGoesToTheReferenceAndBack() {
    return each((m, change) -> {
      journey(m, change, new ReferenceBackend(), backend(), false);
      journey(m, change, backend(), new ReferenceBackend(), false);
    });
  }

  /**
   * Two of three sequences move, and change their numbers; the one left behind, and the one that
   * was there before, go on as if nothing had happened.
   */
  private static void journey(
      TestModel m,
      UnaryOperator<CompileSpec> change,
      Backend from,
      Backend to,
      boolean sameNumerics) {
    try (ModelSession old = new ModelSession(from, m, change);
        ModelSession fresh = new ModelSession(to, m, change)) {
      if (sameNumerics) {
        Assertions.assertEquals(
            old.chain().program().numericsId(), fresh.chain().program().numericsId());
      }
      old.runner().add(1, 5, 6, 7).run();
      old.runner().prefill(0, 7, PROMPT);
      old.runner().add(2, SHORT).run();
      fresh.runner().add(3, 1, 2, 3, 4).run();
      move(m.graph(), old, 0, fresh, 2);
      move(m.graph(), old, 2, fresh, 1);
      check(sameNumerics, "long", goOn(old, 0), goOn(fresh, 2));
      check(sameNumerics, "short", goOn(old, 2), goOn(fresh, 1));
      try (ModelSession untouched = new ModelSession(from, m, change)) {
        untouched.runner().add(0, 5, 6, 7).run();
        check(sameNumerics, "left behind", goOn(untouched, 0), goOn(old, 1));
        untouched.runner().add(1, 1, 2, 3, 4).run();
        check(sameNumerics, "there before", goOn(untouched, 1), goOn(fresh, 3));
      }
    }
  }

  /** A short prompt, then tokens one by one. */
  private static List<float[]> goOn(ModelSession session, int sequence) {
    SequenceRunner r = session.runner();
    List<float[]> rows = new ArrayList<>(r.add(sequence, 1, 2, 3).run());
    for (int token : new int[] {40, 41, 42}) {
      rows.addAll(r.add(sequence, token).run());
    }
    return rows;
  }

  private static void check(boolean same, String what, List<float[]> want, List<float[]> got) {
    Assertions.assertEquals(want.size(), got.size(), what);
    Bound bound = same ? Bound.EQUAL : OTHER_NUMERICS;
    for (int i = 0; i < want.size(); i++) {
      bound.check(what + ", row " + i, want.get(i), got.get(i));
    }
  }

  /** Moves what a sequence can still see. */
  private static void move(Graph graph, ModelSession old, int from, ModelSession fresh, int to) {
    KvStorage source = old.chain().program().kv();
    KvStorage target = fresh.chain().program().kv();
    Assertions.assertEquals(List.of(), target.format().problems(source.format()));
    int length = old.runner().length(from);
    fresh.runner().adopt(to, length);
    for (KvGroup group : graph.groups()) {
      int first = group.mask().visibleFrom(length);
      int[] here = cells(old.runner().cells(group.index(), from), first, length);
      int[] there = cells(fresh.runner().cells(group.index(), to), first, length);
      for (KvSlot slot : group.slots()) {
        MemorySegment rows =
            Arena.ofAuto().allocate(source.format().rowBytes(slot) * here.length, 64);
        source.exportRows(slot, ints(here), rows);
        target.importRows(source.format(), slot, ints(there), rows);
      }
    }
  }

  private static int[] cells(Map<Integer, Integer> cells, int from, int until) {
    int[] all = new int[until - from];
    for (int p = from; p < until; p++) {
      Integer cell = cells.get(p);
      Assertions.assertNotNull(cell, "position " + p);
      all[p - from] = cell;
    }
    return all;
  }

  private static MemorySegment ints(int... numbers) {
    return Arena.ofAuto().allocateFrom(ValueLayout.JAVA_INT, numbers);
  }

  /** Formats tell rows apart that must not be mixed. */
  @Test
  public void cacheOfAnotherModelOrTypeIsRefused() {
    KvFormat gemma = format(TestModel.gemma3(DataType.F32, SEED), DataType.F32);
    Assertions.assertEquals(
        List.of(), gemma.problems(format(TestModel.gemma3(DataType.F32, SEED + 1), DataType.F32)));
    checkRefused(gemma, format(TestModel.gemma3(DataType.F32, SEED), DataType.F16), "type");
    checkRefused(gemma, format(TestModel.gemma3(DataType.Q8_0, SEED), DataType.F32), "graph");
    checkRefused(gemma, format(TestModel.gemma4(DataType.F32, SEED), DataType.F32), "slot 2");
    checkRefused(gemma, format(TestModel.gemma3n(DataType.F32, SEED), DataType.F32), "slots");
  }

  private KvFormat format(TestModel m, DataType kvType) {
    try (ModelSession s = new ModelSession(backend(), m, spec -> spec.withKvType(kvType))) {
      return s.chain().program().kv().format();
    }
  }

  private static void checkRefused(KvFormat target, KvFormat source, String reason) {
    List<String> problems = target.problems(source);
    Assertions.assertTrue(problems.stream().anyMatch(p -> p.contains(reason)), problems::toString);
  }

  /** Rows are checked before any byte moves. */
  @Test
  public void slotsCellsAndSizesThatDoNotFitAreRefused() {
    TestModel m = TestModel.gemma3(DataType.F32, SEED);
    KvSlot foreign = format(TestModel.gemma4(DataType.F32, SEED), DataType.F32).slots().getLast();
    try (ModelSession s = new ModelSession(backend(), m)) {
      KvStorage kv = s.chain().program().kv();
      KvSlot slot = kv.format().slots().getFirst();
      long bytes = kv.format().rowBytes(slot);
      MemorySegment two = Arena.ofAuto().allocate(2 * bytes, 64);
      kv.exportRows(slot, ints(0, ModelSession.CELLS - 1), two);
      checkRefused(kv, foreign, ints(0), two);
      checkRefused(kv, slot, ints(0, ModelSession.CELLS), two);
      checkRefused(kv, slot, ints(-1, 0), two);
      checkRefused(kv, slot, ints(0, 1), two.asSlice(0, 2 * bytes - 1));
    }
  }

  /** A storage itself refuses rows of another graph, type or shape, and keeps its own. */
  @Test
  public void rowsOfAnotherFormatAreRefusedByTheStorage() {
    TestModel m = TestModel.gemma3(DataType.F32, SEED);
    try (ModelSession s = new ModelSession(backend(), m)) {
      KvStorage kv = s.chain().program().kv();
      KvFormat own = kv.format();
      KvSlot slot = own.slots().getFirst();
      MemorySegment row = Arena.ofAuto().allocate(own.rowBytes(slot), 64);
      row.fill((byte) 7);
      DataType other = own.type() == DataType.F32 ? DataType.F16 : DataType.F32;
      List<KvFormat> foreign =
          List.of(
              new KvFormat(own.version() + 1, own.graphDigest(), own.type(), own.slots()),
              new KvFormat(own.version(), "another graph", own.type(), own.slots()),
              new KvFormat(own.version(), own.graphDigest(), other, own.slots()),
              new KvFormat(own.version(), own.graphDigest(), own.type(), List.of(slot)));
      MemorySegment before = Arena.ofAuto().allocate(own.rowBytes(slot), 64);
      kv.exportRows(slot, ints(0), before);
      for (KvFormat f : foreign) {
        Assertions.assertThrows(
            IllegalArgumentException.class, () -> kv.importRows(f, slot, ints(0), row));
      }
      MemorySegment after = Arena.ofAuto().allocate(own.rowBytes(slot), 64);
      kv.exportRows(slot, ints(0), after);
      Assertions.assertEquals(-1, before.mismatch(after), "a refused row was stored");
      kv.importRows(own, slot, ints(0), row);
      kv.exportRows(slot, ints(0), after);
      Assertions.assertEquals(-1, row.mismatch(after), "an accepted row was not stored");
    }
  }

  private static void checkRefused(
      KvStorage kv, KvSlot slot, MemorySegment cells, MemorySegment rows) {
    Assertions.assertThrows(IllegalArgumentException.class, () -> kv.exportRows(slot, cells, rows));
    Assertions.assertThrows(
        IllegalArgumentException.class, () -> kv.importRows(kv.format(), slot, cells, rows));
  }
}
