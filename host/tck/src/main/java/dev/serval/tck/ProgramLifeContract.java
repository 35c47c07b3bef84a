package dev.serval.tck;

import dev.serval.api.backend.Backend;
import dev.serval.api.backend.CompileSpec;
import dev.serval.api.backend.Outcome;
import dev.serval.api.backend.Placement;
import dev.serval.api.backend.Program;
import dev.serval.api.backend.Step;
import dev.serval.api.error.OutOfBudgetException;
import dev.serval.api.memory.MemoryUse;
import dev.serval.api.tensor.DataType;
import dev.serval.tck.graphs.ModelSession;
import dev.serval.tck.graphs.TestModel;
import dev.serval.tck.memory.TestMemory;
import dev.serval.tck.run.Chain;
import dev.serval.tck.run.SequenceRunner;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * The life of a program: its memory is planned to the byte and comes back, steps can be interrupted
 * and can be given up.
 */
public abstract class ProgramLifeContract extends BackendContract {

  private static final int[] PROMPT = {
    3, 14, 15, 92, 65, 35, 89, 79, 32, 38, 46, 26, 43, 38, 32, 79, 50, 28, 84, 19, 71, 69, 39
  };

  private static final int ATTEMPTS = 40;
  private static final long SEED = 4;

  /** For subclasses. */
  protected ProgramLifeContract() {}

  /** Plans hold for models, sizes, modes and cache types alike, and steps lease nothing. */
  @TestFactory
  public Stream<DynamicTest> planIsWhatIsLeased() {
    List<DynamicTest> tests = new ArrayList<>();
    for (TestModel m :
        List.of(
            TestModel.gemma3(DataType.Q8_0, SEED),
            TestModel.gptOss(DataType.MXFP4, SEED),
            TestModel.gemma3n(DataType.Q4_0, SEED),
            TestModel.encoder(DataType.F16, SEED))) {
      for (int maxTokens : new int[] {1, 5, 64}) {
        for (CompileSpec.Mode mode : CompileSpec.Mode.values()) {
          for (DataType kvType :
              List.of(DataType.F32, DataType.F16, DataType.Q8_0, DataType.Q4_0)) {
            String name = m.source().name() + ", " + maxTokens + " " + mode + " " + kvType;
            tests.add(DynamicTest.dynamicTest(name, () -> checkPlan(m, maxTokens, mode, kvType)));
          }
        }
      }
    }
    return chosen(tests);
  }

  private void checkPlan(TestModel m, int maxTokens, CompileSpec.Mode mode, DataType kvType) {
    Backend backend = backend();
    try (TestMemory memory = new TestMemory()) {
      CompileSpec spec =
          memory.spec(m.graph(), maxTokens, 2, 4000).withMode(mode).withKvType(kvType);
      MemoryUse plan = backend.plan(m.graph(), spec, device().profile());
      Assertions.assertEquals(0, memory.pool().metrics().leases(), "a plan leases nothing");
      Assertions.assertEquals(0, memory.budget().reservedBytes(), "a plan reserves nothing");
      try (Placement placement = backend.place(m.weights(), m.graph(), spec, device())) {
        Assertions.assertEquals(plan.weightsBytes(), placement.leasedBytes(), "weights");
      }
      try (Chain chain = Chain.of(backend, device(), m.weights(), m.graph(), spec)) {
        Assertions.assertEquals(plan, chain.program().use());
        long misses = memory.pool().metrics().misses() + memory.pool().metrics().oversize();
        Assertions.assertEquals(plan.totalBytes(), memory.pool().metrics().leasedBytes(), "leased");
        Assertions.assertEquals(plan.totalBytes(), memory.budget().reservedBytes(), "reserved");
        int n = Math.min(maxTokens, PROMPT.length);
        new SequenceRunner(chain, m.graph(), spec.limits()).add(0, Arrays.copyOf(PROMPT, n)).run();
        long after = memory.pool().metrics().misses() + memory.pool().metrics().oversize();
        Assertions.assertEquals(misses, after, "a step leases nothing");
        try (Step second = chain.program().newStep()) {
          Assertions.assertTrue(second.layout().bytes() > 0);
          Assertions.assertTrue(chain.program().use().stagingBytes() > plan.stagingBytes());
        }
        Assertions.assertEquals(plan, chain.program().use(), "after the second step is closed");
      }
    }
  }

  /** The plan fits its budget exactly; a byte less is refused, and nothing is left behind. */
  @Test
  public void exceededBudgetLeavesNothingBehind() {
    TestModel m = TestModel.gptOss(DataType.Q8_0, SEED);
    long total;
    try (TestMemory memory = new TestMemory()) {
      CompileSpec spec = memory.spec(m.graph(), 16, 2, 4000);
      total = backend().plan(m.graph(), spec, device().profile()).totalBytes();
    }
    try (TestMemory memory = new TestMemory(total)) {
      CompileSpec spec = memory.spec(m.graph(), 16, 2, 4000);
      Chain.of(backend(), device(), m.weights(), m.graph(), spec).close();
      Assertions.assertEquals(total, memory.budget().mostBytes());
    }
    for (long limit : new long[] {total - 1, total / 2, total / 4, 1, 0}) {
      try (TestMemory memory = new TestMemory(limit)) {
        CompileSpec spec = memory.spec(m.graph(), 16, 2, 4000);
        Assertions.assertThrows(
            OutOfBudgetException.class,
            () -> Chain.of(backend(), device(), m.weights(), m.graph(), spec).close(),
            () -> "limit " + limit + " of " + total);
      }
    }
  }

  /** Placements of the same weights for the same graph take their memory once. */
  @Test
  public void placementsOfTheSameWeightsShareTheirMemory() {
    TestModel m = TestModel.gptOss(DataType.Q8_0, SEED);
    Backend backend = backend();
    try (TestMemory memory = new TestMemory()) {
      CompileSpec spec = memory.spec(m.graph(), 16, 2, 64);
      long planned = backend.plan(m.graph(), spec, device().profile()).weightsBytes();
      Placement one = backend.place(m.weights(), m.graph(), spec, device());
      Placement two = backend.place(m.weights(), m.graph(), spec, device());
      Assertions.assertEquals(planned, memory.budget().reservedBytes(), "both");
      one.close();
      Assertions.assertEquals(planned, memory.budget().reservedBytes(), "the second alone");
      two.close();
      Assertions.assertEquals(0, memory.budget().reservedBytes(), "none");
    }
  }

  /** Two placements of the same weights outlive each other, and compute the same. */
  @Test
  public void secondProgramOfTheSameWeightsComputesTheSame() {
    TestModel m = TestModel.gemma3(DataType.Q8_0, SEED);
    try (ModelSession first = new ModelSession(backend(), m)) {
      List<float[]> want = first.runner().add(0, PROMPT).run();
      try (ModelSession second = new ModelSession(backend(), m)) {
        Assertions.assertEquals(
            first.chain().program().numericsId(), second.chain().program().numericsId());
        checkEqual(want, second.runner().add(0, PROMPT).run());
      }
      first.runner().forget(0);
      checkEqual(want, first.runner().add(0, PROMPT).run());
    }
  }

  private static void checkEqual(List<float[]> want, List<float[]> got) {
    Assertions.assertEquals(want.size(), got.size());
    for (int i = 0; i < want.size(); i++) {
      Assertions.assertArrayEquals(want.get(i), got.get(i), "row " + i);
    }
  }

  /** A step under way ends ABORTED, and the program goes on as if it had never been. */
  @Test
  public void interruptedStepIsAbortedAndTheProgramStaysUsable() {
    TestModel m = TestModel.gemma3n(DataType.F32, SEED);
    try (ModelSession s = new ModelSession(backend(), m)) {
      SequenceRunner r = s.runner();
      Program program = s.chain().program();
      program.interrupt();
      List<float[]> want = r.add(0, PROMPT).run();
      r.forget(0);
      boolean aborted = false;
      for (int i = 0; i < ATTEMPTS && !aborted; i++) {
        r.add(0, PROMPT);
        Outcome outcome = r.run(program::interrupt, Chain.PATIENCE_NANOS);
        Assertions.assertFalse(outcome instanceof Outcome.Lost, outcome::toString);
        aborted = outcome instanceof Outcome.Aborted;
        r.forget(0);
      }
      Assertions.assertTrue(aborted, "no step of " + ATTEMPTS + " was aborted");
      checkEqual(want, r.add(0, PROMPT).run());
    }
  }

  /** A deadline that has passed makes the program lost; its memory comes back all the same. */
  @Test
  public void missedDeadlineLosesTheProgram() {
    TestModel m = TestModel.gemma3n(DataType.F32, SEED);
    for (int i = 0; i < ATTEMPTS; i++) {
      try (ModelSession s = new ModelSession(backend(), m)) {
        s.runner().add(0, PROMPT);
        if (s.runner().run(() -> {}, -1) instanceof Outcome.Lost lost) {
          Assertions.assertFalse(lost.reason().isEmpty());
          Assertions.assertThrows(
              IllegalStateException.class, () -> s.chain().program().submit(s.chain().last()));
          return;
        }
      }
    }
    Assertions.fail("no step of " + ATTEMPTS + " was given up at a deadline in the past");
  }

  /** A step belongs to its program. */
  @Test
  public void stepOfAnotherProgramIsRefused() {
    TestModel m = TestModel.gemma3(DataType.F32, SEED);
    try (ModelSession a = new ModelSession(backend(), m);
        ModelSession b = new ModelSession(backend(), m)) {
      Step foreign = b.chain().last();
      foreign.begin();
      Assertions.assertThrows(
          IllegalStateException.class, () -> a.chain().program().submit(foreign));
    }
  }
}
