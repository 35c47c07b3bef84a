package dev.serval.tck.far;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.backend.Backend;
import dev.serval.api.backend.CompileSpec;
import dev.serval.api.backend.Device;
import dev.serval.api.backend.Outcome;
import dev.serval.api.backend.Output;
import dev.serval.api.backend.Program;
import dev.serval.api.backend.Step;
import dev.serval.api.graph.Mark;
import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.TensorInfo;
import dev.serval.api.tensor.Weights;
import dev.serval.tck.graphs.TestModel;
import dev.serval.tck.memory.TestMemory;
import dev.serval.tck.reference.ReferenceBackend;
import dev.serval.tck.run.Chain;
import dev.serval.tck.run.SequenceRunner;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What is far cannot be reached, and who tries is told. */
@Timeout(60)
class FarBackendTest {

  private static final TestModel MODEL = TestModel.gemma3(DataType.F32, 8);
  private static final int[] TEXT = {3, 14, 15, 92, 65, 35, 89, 79};

  private final CountDownLatch released = new CountDownLatch(1);
  private volatile Thread held = Thread.currentThread();
  private final FarBackend far = new FarBackend(new ReferenceBackend(this::hold));
  private final TestMemory memory = new TestMemory();
  private final CompileSpec spec = memory.spec(MODEL.graph(), 16, 2, 32);

  @AfterEach
  void givesEverythingBack() throws InterruptedException {
    released.countDown();
    far.close();
    memory.close();
    for (Thread t : Thread.getAllStackTraces().keySet()) {
      if (t.getName().startsWith("serval-far")) {
        assertTrue(t.join(Duration.ofSeconds(5)), "a thread is left: " + t.getName());
      }
    }
  }

  /** Holds the thread up that is to be held. */
  private void hold(Mark mark) {
    if (held.getName().equals(Thread.currentThread().getName()) && mark.equals(Mark.layer(1))) {
      try {
        assertTrue(released.await(20, TimeUnit.SECONDS));
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }
  }

  private void holdUp(Device device) {
    held = Thread.ofPlatform().name("serval-" + device.id()).unstarted(() -> {});
  }

  private Device device(int i) {
    return far.devices().devices().get(i);
  }

  private Chain chain(Weights weights, int device) {
    return Chain.of(far, device(device), weights, MODEL.graph(), spec);
  }

  private static void fill(Step step) {
    for (int row = 0; row < TEXT.length; row++) {
      step.token(TEXT[row], row, 0);
      for (int group = 0; group < 2; group++) {
        step.visible(
            group, row, row, MODEL.graph().groups().get(group).mask().visibleFrom(row), row + 1);
      }
    }
    step.want(TEXT.length - 1, Output.full());
  }

  private static Outcome await(Program program, Step step) {
    return program.await(step, System.nanoTime() + Chain.PATIENCE_NANOS);
  }

  @Test
  void hasTwoDevices() {
    assertEquals(
        List.of("far0", "far1"), far.devices().devices().stream().map(Device::id).toList());
    assertEquals(1, far.score(device(1)));
    assertEquals(0, far.score(new ReferenceBackend().devices().devices().getFirst()));
  }

  @Test
  void submittedStepIsPoisonUntilItIsAwaited() {
    holdUp(device(0));
    try (Chain chain = chain(MODEL.weights(), 0)) {
      Step step = chain.last();
      step.begin();
      fill(step);
      chain.program().submit(step);
      for (long i = 0; i < step.memory().byteSize() / 4; i++) {
        assertTrue(Float.isNaN(step.memory().getAtIndex(ValueLayout.JAVA_FLOAT, i)));
        assertTrue(step.memory().getAtIndex(ValueLayout.JAVA_INT, i) < 0);
      }
      released.countDown();
      assertInstanceOf(Outcome.Done.class, await(chain.program(), step));
      assertEquals(TEXT[3], step.tokenId(3));
      assertEquals(5, step.position(5));
      for (float x : step.outputRow(0).toArray(ValueLayout.JAVA_FLOAT)) {
        assertTrue(Float.isFinite(x));
      }
    }
  }

  private void requireCaught(String reason, Consumer<Step> touch) {
    try (Chain chain = chain(MODEL.weights(), 0)) {
      Step step = chain.last();
      step.begin();
      fill(step);
      chain.program().submit(step);
      touch.accept(step);
      RuntimeException e =
          assertThrows(IllegalStateException.class, () -> await(chain.program(), step));
      assertTrue(e.toString().contains(reason), e::toString);
    }
  }

  @Test
  void hostThatWritesASubmittedStepIsCaught() {
    requireCaught("byte 4 ", s -> s.memory().set(ValueLayout.JAVA_INT, 4, 7));
    requireCaught("was written", s -> s.outputRow(0).set(ValueLayout.JAVA_FLOAT, 0, 1));
    requireCaught("was written", s -> s.token(1, TEXT.length, 1));
  }

  @Test
  void hostThatEmptiesASubmittedStepIsCaught() {
    requireCaught("was changed", Step::begin);
  }

  @Test
  void hostThatSubmitsTwiceIsCaught() {
    try (Chain chain = chain(MODEL.weights(), 0)) {
      Step step = chain.last();
      step.begin();
      fill(step);
      chain.program().submit(step);
      assertThrows(IllegalStateException.class, () -> chain.program().submit(step));
      assertInstanceOf(Outcome.Done.class, await(chain.program(), step));
      assertThrows(IllegalStateException.class, () -> await(chain.program(), step));
    }
  }

  @Test
  void rowsDoNotTravelWhileAStepIsUnderWay() {
    try (Chain chain = chain(MODEL.weights(), 0)) {
      Program program = chain.program();
      var slot = program.kv().format().slots().getFirst();
      MemorySegment cell = Arena.ofAuto().allocate(4);
      MemorySegment row = Arena.ofAuto().allocate(program.kv().format().rowBytes(slot));
      chain.last().begin();
      fill(chain.last());
      program.submit(chain.last());
      assertThrows(IllegalStateException.class, () -> program.kv().exportRows(slot, cell, row));
      assertThrows(
          IllegalStateException.class,
          () -> program.kv().importRows(program.kv().format(), slot, cell, row));
      assertInstanceOf(Outcome.Done.class, await(program, chain.last()));
      program.kv().exportRows(slot, cell, row);
    }
  }

  /** Weights of a file that is unmapped after they were placed. */
  private static final class Removable implements Weights {
    private final Arena arena = Arena.ofShared();

    @Override
    public MemorySegment data(TensorInfo tensor) {
      return arena.allocate(tensor.bytes(), 64).copyFrom(MODEL.weights().data(tensor));
    }

    void remove() {
      arena.close();
    }
  }

  @Test
  void weightsAreCopiedWhenTheyArePlaced() {
    Removable weights = new Removable();
    try (Chain chain = chain(weights, 0)) {
      weights.remove();
      chain.run(FarBackendTest::fill);
    }
    Removable others = new Removable();
    Backend near = new ReferenceBackend();
    Device device = near.devices().devices().getFirst();
    try (Chain chain = Chain.of(near, device, others, MODEL.graph(), spec)) {
      others.remove();
      assertThrows(IllegalStateException.class, () -> chain.run(FarBackendTest::fill));
    }
  }

  @Test
  void eachDeviceHasAQueueOfItsOwn() {
    try (Chain zero = chain(MODEL.weights(), 0);
        Chain behind = chain(MODEL.weights(), 0);
        Chain one = chain(MODEL.weights(), 1)) {
      holdUp(device(0));
      for (Chain c : List.of(zero, behind)) {
        c.last().begin();
        fill(c.last());
        c.program().submit(c.last());
      }
      one.run(FarBackendTest::fill);
      float[] want = one.last().outputRow(0).toArray(ValueLayout.JAVA_FLOAT);
      assertFalse(isNumber(zero.last()));
      released.countDown();
      for (Chain c : List.of(behind, zero)) {
        assertInstanceOf(Outcome.Done.class, await(c.program(), c.last()));
        assertArrayEquals(want, c.last().outputRow(0).toArray(ValueLayout.JAVA_FLOAT));
      }
    }
  }

  private static boolean isNumber(Step step) {
    return !Float.isNaN(step.outputRow(0).get(ValueLayout.JAVA_FLOAT, 0));
  }

  @Test
  void interruptReachesStepsThatStillWait() {
    try (Chain zero = chain(MODEL.weights(), 0);
        Chain behind = chain(MODEL.weights(), 0)) {
      holdUp(device(0));
      for (Chain c : List.of(zero, behind)) {
        c.last().begin();
        fill(c.last());
        c.program().submit(c.last());
      }
      behind.program().interrupt();
      released.countDown();
      assertInstanceOf(Outcome.Done.class, await(zero.program(), zero.last()));
      assertInstanceOf(Outcome.Aborted.class, await(behind.program(), behind.last()));
      assertEquals(TEXT[2], behind.last().tokenId(2));
      assertFalse(isNumber(behind.last()), "results of an aborted step are void");
      behind.run(FarBackendTest::fill);
    }
  }

  @Test
  void failureThereLosesTheProgramWithItsReason() {
    try (Chain chain = chain(MODEL.weights(), 0)) {
      Outcome outcome =
          chain.run(
              s -> {
                s.token(TestModel.VOCABULARY, 0, 0);
                s.visible(0, 0, 0, 0, 1);
                s.visible(1, 0, 0, 0, 1);
              },
              () -> {},
              Chain.PATIENCE_NANOS);
      Outcome.Lost lost = assertInstanceOf(Outcome.Lost.class, outcome);
      assertTrue(lost.reason().startsWith("far0"), lost.reason());
      assertThrows(IllegalStateException.class, () -> chain.program().submit(chain.last()));
    }
  }

  @Test
  void placementsAndProgramsAreClosedInOrderAndOnce() {
    var placement = far.place(MODEL.weights(), MODEL.graph(), spec, device(1));
    Program program = far.compile(MODEL.graph(), placement, spec);
    Step step = program.newStep();
    assertThrows(IllegalStateException.class, program::close);
    step.close();
    step.close();
    program.close();
    assertThrows(IllegalStateException.class, program::close);
    assertThrows(IllegalStateException.class, program::newStep);
    placement.close();
    assertThrows(IllegalStateException.class, placement::close);
  }

  @Test
  void closedBackendRefusesWorkInsteadOfHanging() {
    Chain chain = chain(MODEL.weights(), 0);
    far.close();
    chain.last().begin();
    fill(chain.last());
    assertThrows(IllegalStateException.class, () -> chain.program().submit(chain.last()));
    assertThrows(IllegalStateException.class, () -> chain(MODEL.weights(), 1));
    chain.close();
  }

  @Test
  void stagesOnTwoDevicesComputeWhatTheWholeComputes() {
    var stages = MODEL.graph().cut(List.of(Mark.layer(2)));
    var places = List.of(new Chain.Place(far, device(0)), new Chain.Place(far, device(1)));
    try (Chain whole = chain(MODEL.weights(), 0);
        Chain split = Chain.of(places, MODEL.weights(), stages, spec)) {
      List<float[]> want =
          new SequenceRunner(whole, MODEL.graph(), spec.limits()).prefill(0, 5, TEXT);
      List<float[]> got =
          new SequenceRunner(split, MODEL.graph(), spec.limits()).prefill(0, 5, TEXT);
      for (int i = 0; i < want.size(); i++) {
        assertArrayEquals(want.get(i), got.get(i));
      }
    }
  }
}
