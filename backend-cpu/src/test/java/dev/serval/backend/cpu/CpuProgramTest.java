package dev.serval.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.backend.CompileSpec;
import dev.serval.api.backend.Device;
import dev.serval.api.backend.Outcome;
import dev.serval.api.backend.Output;
import dev.serval.api.backend.Placement;
import dev.serval.api.backend.Program;
import dev.serval.api.backend.Step;
import dev.serval.api.error.OutOfBudgetException;
import dev.serval.api.graph.Graph;
import dev.serval.api.graph.Mark;
import dev.serval.api.kv.KvGroup;
import dev.serval.api.kv.KvSlot;
import dev.serval.api.memory.MemoryUse;
import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.TensorInfo;
import dev.serval.api.tensor.Weights;
import dev.serval.backend.cpu.kernel.KernelSets;
import dev.serval.tck.memory.TestMemory;
import dev.serval.tck.run.Chain;
import dev.serval.tck.run.SequenceRunner;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class CpuProgramTest {

  private static final GemmaLike MODEL = new GemmaLike();
  private static final int MAX_TOKENS = 40;
  private static final int CELLS = 64;

  private final TestMemory memory = new TestMemory();
  private final CpuBackend backend = backend(2);

  private static CpuBackend backend(int threads) {
    return new CpuBackend(new CpuOptions(threads, KernelSets.best().set()));
  }

  private static Device device(CpuBackend backend) {
    return backend.devices().devices().getFirst();
  }

  @AfterEach
  void givesEverythingBack() {
    backend.close();
    memory.close();
    assertTrue(
        Thread.getAllStackTraces().keySet().stream()
            .noneMatch(t -> t.getName().startsWith("serval-cpu-") && t.isAlive()),
        "a thread is left");
  }

  private CompileSpec spec() {
    return memory.spec(MODEL.graph, MAX_TOKENS, 3, CELLS);
  }

  private Chain chain(CpuBackend on, CompileSpec spec, List<Graph> stages) {
    return Chain.of(on, device(on), MODEL.weights, stages, spec);
  }

  private List<float[]> logits(CpuBackend on, CompileSpec spec, int chunk, int... tokens) {
    try (Chain chain = chain(on, spec, List.of(MODEL.graph))) {
      return new SequenceRunner(chain, MODEL.graph, spec.limits()).prefill(0, chunk, tokens);
    }
  }

  private static void assertSameBits(List<float[]> expected, List<float[]> got, String what) {
    assertEquals(expected.size(), got.size(), what);
    for (int i = 0; i < expected.size(); i++) {
      assertArrayEquals(expected.get(i), got.get(i), what + ", row " + i);
    }
  }

  @Test
  void everyChunkingGivesTheSameBits() {
    int[] text = GemmaLike.text(33);
    List<float[]> expected = logits(backend, spec(), 33, text);
    for (int chunk = 1; chunk < 33; chunk += chunk < 17 ? 1 : 15) {
      assertSameBits(expected, logits(backend, spec(), chunk, text), "chunk " + chunk);
    }
  }

  @Test
  void everyNumberOfThreadsGivesTheSameBits() {
    int[] text = GemmaLike.text(20);
    List<float[]> expected = logits(backend, spec(), 19, text);
    for (int threads : new int[] {1, 3}) {
      try (CpuBackend other = backend(threads)) {
        assertSameBits(expected, logits(other, spec(), 19, text), threads + " threads");
      }
    }
  }

  @Test
  void neighboursAndCellsChangeNoBit() {
    int[] text = GemmaLike.text(12);
    CompileSpec spec = spec();
    List<float[]> expected = logits(backend, spec, 12, text);
    try (Chain chain = chain(backend, spec, List.of(MODEL.graph))) {
      SequenceRunner runner = SequenceRunner.scattered(chain, MODEL.graph, spec.limits(), 9);
      runner.add(2, 3, 1, 4, 1, 5);
      runner.add(0, text);
      runner.add(1, 9, 2, 6);
      assertSameBits(expected, runner.run().subList(5, 17), "among others");
    }
  }

  @Test
  void stagesGiveTheBitsOfTheWhole() {
    int[] text = GemmaLike.text(9);
    CompileSpec spec = spec();
    List<float[]> expected = logits(backend, spec, 5, text);
    List<Graph> stages = MODEL.graph.cut(List.of(Mark.layer(1), Mark.OUTPUT));
    try (Chain chain = chain(backend, spec, stages)) {
      SequenceRunner runner = new SequenceRunner(chain, MODEL.graph, spec.limits());
      assertSameBits(expected, runner.prefill(0, 5, text), "three stages");
    }
  }

  @Test
  void forkedSequencesContinueFromSharedCells() {
    int[] text = GemmaLike.text(14);
    CompileSpec spec = spec();
    List<float[]> expected = logits(backend, spec, 14, text);
    try (Chain chain = chain(backend, spec, List.of(MODEL.graph))) {
      SequenceRunner runner = new SequenceRunner(chain, MODEL.graph, spec.limits());
      runner.add(0, Arrays.copyOf(text, 10)).run();
      runner.fork(0, 1, 10);
      runner.add(1, Arrays.copyOfRange(text, 10, 14));
      assertSameBits(expected.subList(10, 14), runner.run(), "fork");
    }
  }

  @Test
  void useAfterOneStepEqualsThePlan() {
    List<CompileSpec> specs =
        List.of(
            spec(),
            spec().withKvType(DataType.F16),
            spec().withLimits(new CompileSpec.Limits(1, 1, 1, List.of(7, 9), false)),
            spec().withLimits(new CompileSpec.Limits(64, 0, 64, List.of(3000, 1), true)));
    for (CompileSpec spec : specs) {
      MemoryUse plan = backend.plan(MODEL.graph, spec, device(backend).profile());
      try (Placement placement = backend.place(MODEL.weights, MODEL.graph, spec, device(backend));
          Program program = backend.compile(MODEL.graph, placement, spec);
          Step step = program.newStep()) {
        assertEquals(0, step.tokens());
        assertEquals(plan, program.use());
        assertEquals(plan.totalBytes(), memory.pool().metrics().leasedBytes());
        assertEquals(plan.totalBytes(), memory.budget().reservedBytes());
      }
    }
  }

  @Test
  void placementsOfTheSameWeightsShareTheirMemory() {
    Placement one = backend.place(MODEL.weights, MODEL.graph, spec(), device(backend));
    Placement two = backend.place(MODEL.weights, MODEL.graph, spec(), device(backend));
    assertEquals(one.leasedBytes(), memory.pool().metrics().leasedBytes());
    one.close();
    assertEquals(two.leasedBytes(), memory.pool().metrics().leasedBytes());
    one.close();
    assertEquals(two.leasedBytes(), memory.pool().metrics().leasedBytes(), "closed twice");
    two.close();
    assertEquals(0, memory.pool().metrics().leasedBytes());
  }

  @Test
  void stagesOfOneGraphDoNotShareWeights() {
    List<Graph> stages = MODEL.graph.cut(List.of(Mark.layer(1)));
    try (Placement one = backend.place(MODEL.weights, stages.get(0), spec(), device(backend));
        Placement two = backend.place(MODEL.weights, stages.get(1), spec(), device(backend))) {
      assertEquals(one.leasedBytes() + two.leasedBytes(), memory.pool().metrics().leasedBytes());
    }
  }

  @Test
  void refusedBudgetLeavesNothingBehind() {
    MemoryUse plan = backend.plan(MODEL.graph, spec(), device(backend).profile());
    try (TestMemory small = new TestMemory(plan.totalBytes() - plan.stagingBytes() - 1)) {
      CompileSpec spec = small.spec(MODEL.graph, MAX_TOKENS, 3, CELLS);
      try (Placement placement = backend.place(MODEL.weights, MODEL.graph, spec, device(backend))) {
        long before = small.budget().reservedBytes();
        assertThrows(
            OutOfBudgetException.class, () -> backend.compile(MODEL.graph, placement, spec));
        assertEquals(before, small.budget().reservedBytes());
      }
    }
  }

  @Test
  void failureOfAKernelLosesTheProgramAndNothingHangs() {
    CompileSpec spec = spec();
    try (Chain chain = chain(backend, spec, List.of(MODEL.graph))) {
      Outcome outcome =
          chain.run(
              s -> {
                s.token(GemmaLike.VOCAB, 0, 0);
                s.visible(0, 0, 0, 0, 1);
                s.visible(1, 0, 0, 0, 1);
              },
              () -> {},
              TimeUnit.SECONDS.toNanos(20));
      Outcome.Lost lost = assertInstanceOf(Outcome.Lost.class, outcome);
      assertTrue(lost.reason().contains("id " + GemmaLike.VOCAB), lost.reason());
      assertThrows(IllegalStateException.class, () -> chain.program().submit(chain.last()));
    }
  }

  /** Weights that hold the device queue up while they are read. */
  private static final class BlockingWeights implements Weights {
    private final CountDownLatch reached = new CountDownLatch(1);
    private final CountDownLatch released = new CountDownLatch(1);

    @Override
    public MemorySegment data(TensorInfo tensor) {
      reached.countDown();
      try {
        assertTrue(released.await(20, TimeUnit.SECONDS));
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
      return MODEL.weights.data(tensor);
    }
  }

  @Test
  void interruptAbortsTheStepUnderWayAndNoLaterOne() throws InterruptedException {
    CompileSpec spec = spec();
    BlockingWeights blocking = new BlockingWeights();
    try (Chain chain = chain(backend, spec, List.of(MODEL.graph))) {
      Thread placing =
          Thread.ofPlatform()
              .start(() -> backend.place(blocking, MODEL.graph, spec, device(backend)).close());
      assertTrue(blocking.reached.await(20, TimeUnit.SECONDS));
      SequenceRunner runner = new SequenceRunner(chain, MODEL.graph, spec.limits());
      runner.add(0, 1, 2, 3);
      Outcome outcome =
          runner.run(
              () -> {
                chain.program().interrupt();
                blocking.released.countDown();
              },
              TimeUnit.SECONDS.toNanos(20));
      assertInstanceOf(Outcome.Aborted.class, outcome);
      runner.add(0, 1, 2, 3);
      assertEquals(3, runner.run().size());
      placing.join();
    }
  }

  @Test
  void passedDeadlineLosesTheProgramAndNothingHangs() throws InterruptedException {
    CompileSpec spec = spec();
    BlockingWeights blocking = new BlockingWeights();
    try (Chain chain = chain(backend, spec, List.of(MODEL.graph))) {
      Thread placing =
          Thread.ofPlatform()
              .start(() -> backend.place(blocking, MODEL.graph, spec, device(backend)).close());
      assertTrue(blocking.reached.await(20, TimeUnit.SECONDS));
      SequenceRunner runner = new SequenceRunner(chain, MODEL.graph, spec.limits());
      Outcome outcome = runner.add(0, 1, 2, 3).run(() -> {}, 1);
      assertInstanceOf(Outcome.Lost.class, outcome);
      assertThrows(IllegalStateException.class, () -> chain.program().submit(chain.last()));
      blocking.released.countDown();
      placing.join();
    }
  }

  @Test
  void bothThreadsAndBothProductsWork() {
    logits(backend, spec(), 32, GemmaLike.text(33));
    var counters = memory.metrics().snapshot();
    assertNotEquals(0, counters.value("cpu.matmul.tiled"));
    assertNotEquals(0, counters.value("cpu.matmul.matvec"));
    assertNotEquals(0, counters.value("cpu.team.member.0"));
    assertEquals(2, counters.value("cpu.steps"));
    assertEquals(33, counters.value("cpu.tokens"));
    // on a busy machine the other thread may come too late for every item of a step
    while (memory.metrics().snapshot().value("cpu.team.member.1") == 0) {
      logits(backend, spec(), 32, GemmaLike.text(33));
    }
  }

  @Test
  void candidatesAreTheBestOfTheFullRow() {
    CompileSpec spec = spec();
    List<Integer> ids = new ArrayList<>(List.of(3, 999, 0));
    Output asked = new Output.Candidates(10, ids);
    float[] full = logits(backend, spec, 4, 5, 6, 7, 8).getLast();
    try (Chain chain = chain(backend, spec, List.of(MODEL.graph))) {
      SequenceRunner runner = new SequenceRunner(chain, MODEL.graph, spec.limits());
      runner.add(0, Optional.empty(), 5, 6, 7).add(0, Optional.of(asked), 8).run();
      MemorySegment row = chain.last().outputRow(0);
      float best = Float.POSITIVE_INFINITY;
      for (int i = 0; i < 10; i++) {
        float logit = row.getAtIndex(ValueLayout.JAVA_FLOAT, 10 + i);
        assertEquals(full[row.getAtIndex(ValueLayout.JAVA_INT, i)], logit);
        assertTrue(logit <= best);
        best = logit;
      }
      assertEquals(full[999], row.getAtIndex(ValueLayout.JAVA_FLOAT, 21));
      double sum = 0;
      for (float x : full) {
        sum += Math.exp(x);
      }
      assertEquals(Math.log(sum), row.getAtIndex(ValueLayout.JAVA_FLOAT, 23), 1e-5);
    }
  }

  @Test
  void rowsTravelToAnotherProgram() {
    int[] text = GemmaLike.text(12);
    CompileSpec spec = spec().withKvType(DataType.F16);
    List<float[]> expected = logits(backend, spec, 12, text);
    try (Chain from = chain(backend, spec, List.of(MODEL.graph));
        Chain to = chain(backend, spec, List.of(MODEL.graph));
        Arena arena = Arena.ofConfined()) {
      SequenceRunner source = new SequenceRunner(from, MODEL.graph, spec.limits());
      source.prefill(0, 8, Arrays.copyOf(text, 8));
      SequenceRunner target = SequenceRunner.scattered(to, MODEL.graph, spec.limits(), 4);
      target.adopt(1, 8);
      for (KvGroup group : MODEL.graph.groups()) {
        for (KvSlot slot : group.slots()) {
          var here = new TreeMap<>(source.cells(group.index(), 0));
          var there = new TreeMap<>(target.cells(group.index(), 1));
          here.keySet().retainAll(there.keySet());
          MemorySegment rows =
              arena.allocate(here.size() * from.program().kv().format().rowBytes(slot), 8);
          from.program().kv().exportRows(slot, ints(arena, here.values()), rows);
          to.program()
              .kv()
              .importRows(from.program().kv().format(), slot, ints(arena, there.values()), rows);
        }
      }
      target.add(1, Arrays.copyOfRange(text, 8, 12));
      assertSameBits(expected.subList(8, 12), target.run(), "after the journey");
    }
  }

  private static MemorySegment ints(Arena arena, Collection<Integer> numbers) {
    int[] all = numbers.stream().mapToInt(i -> i).toArray();
    return arena.allocateFrom(ValueLayout.JAVA_INT, all);
  }

  @Test
  void suppliedEmbeddingsTakeThePlaceOfTokens() {
    CompileSpec.Limits limits = spec().limits();
    CompileSpec spec =
        spec()
            .withLimits(
                new CompileSpec.Limits(limits.maxTokens(), MAX_TOKENS, 3, limits.cells(), true));
    float[] row = new float[GemmaLike.EMBEDDING];
    Arrays.fill(row, 0.5f);
    row[3] = -2;
    try (Chain chain = chain(backend, spec, List.of(MODEL.graph))) {
      SequenceRunner runner = new SequenceRunner(chain, MODEL.graph, spec.limits());
      List<float[]> alone = runner.addSupplied(0, row).run();
      List<float[]> mixed = runner.add(1, 7).addSupplied(2, row).run();
      assertArrayEquals(alone.get(0), mixed.get(1));
      assertNotEquals(alone.get(0)[0], mixed.get(0)[0]);
    }
  }

  @Test
  void refusesStepsOfOtherPrograms() {
    try (Chain one = chain(backend, spec(), List.of(MODEL.graph));
        Chain two = chain(backend, spec(), List.of(MODEL.graph))) {
      assertThrows(IllegalStateException.class, () -> one.program().submit(two.last()));
    }
  }

  @Test
  void closedBackendRefusesWorkInsteadOfHanging() {
    Chain chain = chain(backend, spec(), List.of(MODEL.graph));
    backend.close();
    assertThrows(IllegalStateException.class, () -> chain.program().submit(chain.last()));
    chain.close();
  }
}
