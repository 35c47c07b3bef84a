package dev.serval.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.backend.Backend;
import dev.serval.api.backend.CompileSpec;
import dev.serval.api.backend.Step;
import dev.serval.api.kv.KvGroup;
import dev.serval.api.kv.KvSlot;
import dev.serval.api.kv.KvStorage;
import dev.serval.api.tensor.DataType;
import dev.serval.backend.cpu.CpuBackend;
import dev.serval.backend.cpu.CpuOptions;
import dev.serval.backend.cpu.kernel.KernelSets;
import dev.serval.engine.kv.Resumption;
import dev.serval.tck.graphs.ModelSession;
import dev.serval.tck.graphs.TestModel;
import dev.serval.tck.ops.Bound;
import dev.serval.tck.reference.ReferenceBackend;
import dev.serval.tck.run.SequenceRunner;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Texts that are forked, pruned, scattered, resumed and cut compute what the same text computes
 * from its start in a new program: the same bits, but for keys that were moved.
 */
class CachedTextTest {

  private static final CpuBackend CPU = new CpuBackend(new CpuOptions(2, KernelSets.best().set()));

  /** A backend, a model with a window of 6, and the type of its cache. */
  record Case(String name, Backend backend, TestModel model, DataType kvType) {

    CachedModel open() {
      return new CachedModel(backend, model, kvType);
    }

    List<float[]> fresh(int... tokens) {
      return CachedModel.fresh(backend, model, kvType, tokens);
    }

    @Override
    public String toString() {
      return name;
    }
  }

  static Stream<Case> cases() {
    TestModel gemma = TestModel.gemma3(DataType.Q8_0, 5);
    TestModel gptOss = TestModel.gptOss(DataType.F32, 5);
    Backend reference = new ReferenceBackend();
    return Stream.of(
        new Case("reference gemma3 F16", reference, gemma, DataType.F16),
        new Case("cpu gemma3 F32", CPU, gemma, DataType.F32),
        new Case("cpu gemma3 F16", CPU, gemma, DataType.F16),
        new Case("cpu gpt-oss F16", CPU, gptOss, DataType.F16));
  }

  @AfterAll
  static void close() {
    CPU.close();
  }

  private static int[] text(int n, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    return IntStream.range(0, n).map(i -> random.nextInt(TestModel.VOCABULARY)).toArray();
  }

  private static int[] join(int[] a, int... b) {
    int[] all = Arrays.copyOf(a, a.length + b.length);
    System.arraycopy(b, 0, all, a.length, b.length);
    return all;
  }

  /** Compares the last rows of a text with those that were computed. */
  private static void check(String what, Bound bound, List<float[]> text, List<float[]> got) {
    List<float[]> want = text.subList(text.size() - got.size(), text.size());
    for (int i = 0; i < got.size(); i++) {
      bound.check(what + ", row " + i, want.get(i), got.get(i));
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void prunedTextGoesOnAsIfItWereWhole(Case c) {
    int[] text = text(80, 1);
    try (CachedModel m = c.open()) {
      check("pruned", Bound.EQUAL, c.fresh(text), m.prefill(0, text));
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void forkAndOriginGoOnAlone(Case c) {
    int[] text = text(30, 2);
    int[] left = text(5, 3);
    int[] right = text(9, 4);
    try (CachedModel m = c.open()) {
      m.prefill(0, text);
      m.cache().fork(0, 2, 30);
      List<float[]> both = m.runBoth(0, left, 2, right);
      check("origin", Bound.EQUAL, c.fresh(join(text, left)), both.subList(0, 5));
      check("fork", Bound.EQUAL, c.fresh(join(text, right)), both.subList(5, 14));
      m.cache().fork(2, 1, 37);
      assertEquals(37, m.cache().resume(1, 37).position());
      m.cache().remove(0, 0);
      m.cache().remove(2, 0);
      int[] prefix = join(text, Arrays.copyOf(right, 7));
      check("fork of fork", Bound.EQUAL, c.fresh(join(prefix, left)), m.run(1, left));
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void everyOtherCellIsAsGoodAsARow(Case c) {
    int[] text = text(40, 5);
    try (CachedModel m = c.open()) {
      for (int token : text(30, 6)) {
        m.runBoth(0, new int[] {token}, 1, new int[] {token});
      }
      m.cache().remove(1, 0);
      check("scattered", Bound.EQUAL, c.fresh(text), m.prefill(3, text));
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void checkpointTakesATextBackToItsPrompt(Case c) {
    int[] prompt = text(33, 7);
    int[] other = text(6, 8);
    try (CachedModel m = c.open()) {
      m.prefill(0, prompt);
      assertTrue(m.cache().checkpoint(0, 33));
      m.prefill(0, text(120, 9));
      m.cache().fork(0, 1, 33);
      assertEquals(new Resumption(32, 32, true, ""), m.cache().resume(1, 32));
      int[] again = join(new int[] {prompt[32]}, other);
      check("fork", Bound.EQUAL, c.fresh(join(prompt, other)), m.run(1, again));
      assertEquals(new Resumption(33, 33, true, ""), m.cache().resume(0, 33));
      check("itself", Bound.EQUAL, c.fresh(join(prompt, other)), m.run(0, other));
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void abortedForkIsToldAgain(Case c) {
    int[] text = text(20, 10);
    try (CachedModel m = c.open()) {
      m.prefill(0, text);
      m.cache().fork(0, 1, 20);
      Step step = m.newStep();
      step.begin();
      step.token(3, 20, 1);
      m.cells().place(step, 0, 1, 20, 1);
      m.cache().remove(1, 20);
      step.close();
      int[] more = text(5, 11);
      check("fork", Bound.EQUAL, c.fresh(join(text, more)), m.run(1, more));
    }
  }

  /** Against the same rows, their keys rotated in double precision, in a new program. */
  @ParameterizedTest
  @MethodSource("cases")
  void textWithoutItsMiddleGoesOnWithMovedKeys(Case c) {
    int[] text = text(31, 12);
    int[] more = text(8, 13);
    List<float[]> want = moved(c, text, 4, 15, more);
    try (CachedModel m = c.open()) {
      m.prefill(0, text);
      m.cache().remove(0, 4, 15);
      assertEquals(20, m.cache().resume(0, 20).position());
      // moved keys are rounded to the cache's type; F32 sums through four layers
      Bound bound = Bound.absolute(c.kvType() == DataType.F32 ? 1e-3 : 1e-2);
      check("moved", bound, want, m.run(0, more));
    }
  }

  private static List<float[]> moved(Case c, int[] text, int begin, int end, int... more) {
    UnaryOperator<CompileSpec> type = s -> s.withKvType(c.kvType());
    int length = text.length - (end - begin);
    try (ModelSession old = new ModelSession(c.backend(), c.model(), type);
        ModelSession oracle = new ModelSession(new ReferenceBackend(), c.model(), type);
        ModelSession fresh = new ModelSession(c.backend(), c.model(), type)) {
      old.runner().prefill(0, 7, text);
      fresh.runner().adopt(0, length);
      KvStorage rows = old.chain().program().kv();
      KvStorage exact = oracle.chain().program().kv();
      for (KvGroup g : c.model().graph().groups()) {
        for (int p = g.mask().visibleFrom(length); p < length; p++) {
          int by = p < begin ? 0 : begin - end;
          MemorySegment from = cell(old.runner(), g, p - by);
          MemorySegment to = cell(fresh.runner(), g, p);
          for (KvSlot slot : g.slots()) {
            MemorySegment row = Arena.ofAuto().allocate(rows.format().rowBytes(slot), 64);
            rows.exportRows(slot, from, row);
            exact.importRows(rows.format(), slot, from, row);
            exact.shiftKeys(slot, from, by);
            exact.exportRows(slot, from, row);
            fresh.chain().program().kv().importRows(rows.format(), slot, to, row);
          }
        }
      }
      return new ArrayList<>(fresh.runner().add(0, more).run());
    }
  }

  private static MemorySegment cell(SequenceRunner runner, KvGroup g, int position) {
    Map<Integer, Integer> cells = runner.cells(g.index(), 0);
    return Arena.ofAuto()
        .allocateFrom(ValueLayout.JAVA_INT, cells.getOrDefault(position, Integer.MAX_VALUE));
  }

  /** What is shared is copied before it moves: the text goes on as it does alone, to the bit. */
  @ParameterizedTest
  @MethodSource("cases")
  void sharedTextWithoutItsMiddleGoesOnAsAlone(Case c) {
    int[] text = text(25, 14);
    int[] more = text(3, 15);
    List<float[]> alone;
    try (CachedModel m = c.open()) {
      m.prefill(0, text);
      m.cache().remove(0, 3, 9);
      alone = m.run(0, more);
    }
    try (CachedModel m = c.open()) {
      m.prefill(0, text);
      m.cache().fork(0, 1, 25);
      m.cache().remove(0, 3, 9);
      assertEquals(19, m.cache().resume(0, 19).position());
      check("shared", Bound.EQUAL, alone, m.run(0, more));
      check("other", Bound.EQUAL, c.fresh(join(text, more)), m.run(1, more));
    }
  }

  /** More than 64 tokens see each other; those before and behind see what they always do. */
  @ParameterizedTest
  @MethodSource("cases")
  void imageTokensSeeEachOther(Case c) {
    int[] text = text(90, 16);
    try (CachedModel m = c.open();
        CachedModel reference = new CachedModel(new ReferenceBackend(), c.model(), c.kvType())) {
      m.run(0, 1, 2, 3);
      reference.run(0, 1, 2, 3);
      List<float[]> got = m.runSeeing(10, 80, 0, text);
      Bound bound = Bound.absolute(c.kvType() == DataType.F32 ? 1e-3 : 1e-2);
      check("image", bound, reference.runSeeing(10, 80, 0, text), got);
      List<float[]> causal = c.fresh(join(new int[] {1, 2, 3}, text)).subList(3, 93);
      check("before", Bound.EQUAL, causal.subList(0, 10), got.subList(0, 10));
      assertThrows(
          AssertionError.class,
          () -> Bound.absolute(0.05).check("image", causal.get(10), got.get(10)));
      int[] more = text(4, 17);
      check("next step", bound, reference.run(0, more), m.run(0, more));
    }
  }
}
