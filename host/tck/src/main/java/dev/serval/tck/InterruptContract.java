package dev.serval.tck;

import dev.serval.api.backend.Backend;
import dev.serval.api.backend.Outcome;
import dev.serval.api.backend.Program;
import dev.serval.api.graph.Mark;
import dev.serval.api.tensor.DataType;
import dev.serval.tck.graphs.ModelSession;
import dev.serval.tck.graphs.TestModel;
import dev.serval.tck.run.Chain;
import dev.serval.tck.run.SequenceRunner;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;

/**
 * Steps that are interrupted or given up at a chosen layer. A concrete subclass supplies a backend
 * that says which layer it computes.
 */
public abstract class InterruptContract {

  /** Layers of the model that is run. */
  protected static final int LAYERS = 4;

  private static final int[] PROMPT = {
    3, 14, 15, 92, 65, 35, 89, 79, 32, 38, 46, 26, 43, 38, 32, 79, 50, 28, 84, 19, 71, 69, 39
  };

  private static final int NEXT = 12;
  private static final int[] NEIGHBOUR = {7, 6, 5, 4, 3, 2, 1};
  private static final long SEED = 6;
  private static final long SHORT_NANOS = TimeUnit.MILLISECONDS.toNanos(30);

  private final TestModel model = TestModel.gemma3(DataType.F32, SEED);
  private final Hook hook = new Hook();

  /** Does something once, when a step reaches a certain part of the graph. */
  private static final class Hook implements Consumer<Mark> {

    private final List<Mark> reached = new ArrayList<>();
    private Mark where = Mark.EMBED;
    private Runnable action = () -> {};
    private boolean armed;

    synchronized void arm(Mark mark, Runnable what) {
      reached.clear();
      where = mark;
      action = what;
      armed = true;
    }

    @Override
    public void accept(Mark mark) {
      Runnable now = () -> {};
      synchronized (this) {
        if (!reached.contains(mark)) {
          reached.add(mark);
        }
        if (armed && mark.equals(where)) {
          armed = false;
          now = action;
        }
      }
      now.run();
    }

    synchronized Mark last() {
      return reached.getLast();
    }

    synchronized boolean isArmed() {
      return armed;
    }
  }

  /** For subclasses. */
  protected InterruptContract() {}

  /**
   * A new backend, closed by the subclass after each test.
   *
   * @param probe to be called while a layer of the graph is computed, at least once in each layer
   *     of each step but for the first step of a program, from any thread
   */
  protected abstract Backend backend(Consumer<Mark> probe);

  private static void checkEqual(String what, List<float[]> want, List<float[]> got) {
    Assertions.assertEquals(want.size(), got.size(), what);
    for (int i = 0; i < want.size(); i++) {
      Assertions.assertArrayEquals(want.get(i), got.get(i), what + ", row " + i);
    }
  }

  /** At each layer of a prompt and of a single token; run again, they give the same bits. */
  @Test
  public void stepInterruptedAtAnyLayerEndsThereAndGivesTheSameWhenRunAgain() {
    try (ModelSession s = new ModelSession(backend(hook), model)) {
      SequenceRunner r = s.runner();
      List<float[]> neighbour = r.add(1, NEIGHBOUR).run();
      List<float[]> prefill = r.add(0, PROMPT).run();
      List<float[]> decode = r.add(0, NEXT).run();
      List<float[]> further = r.add(1, NEXT).run();
      r.forget(1);
      checkEqual("neighbour", neighbour, r.add(1, NEIGHBOUR).run());
      for (int i = 0; i < LAYERS; i++) {
        r.forget(0);
        Mark layer = Mark.layer(i);
        checkAborted(s, layer, PROMPT);
        checkEqual("prompt after " + layer, prefill, r.add(0, PROMPT).run());
        checkAborted(s, layer, NEXT);
        checkEqual("token after " + layer, decode, r.add(0, NEXT).run());
      }
      checkEqual("neighbour's next", further, r.add(1, NEXT).run());
    }
  }

  private void checkAborted(ModelSession s, Mark layer, int... tokens) {
    hook.arm(layer, s.chain().program()::interrupt);
    Outcome outcome = s.runner().add(0, tokens).run(() -> {}, Chain.PATIENCE_NANOS);
    Assertions.assertFalse(hook.isArmed(), layer + " was never reached");
    Assertions.assertInstanceOf(Outcome.Aborted.class, outcome, layer.toString());
    Assertions.assertEquals(layer, hook.last(), "the last layer that began");
  }

  /** Past the last layer a step may as well end; it is never half done. */
  @Test
  public void stepInterruptedAtItsOutputIsAbortedOrDone() {
    try (ModelSession s = new ModelSession(backend(hook), model)) {
      SequenceRunner r = s.runner();
      List<float[]> want = r.add(0, PROMPT).run();
      r.forget(0);
      hook.arm(Mark.OUTPUT, s.chain().program()::interrupt);
      Outcome outcome = r.add(0, PROMPT).run(() -> {}, Chain.PATIENCE_NANOS);
      Assertions.assertFalse(hook.isArmed(), "the output was never reached");
      if (outcome instanceof Outcome.Done) {
        checkEqual("done", want, r.results());
      } else {
        Assertions.assertInstanceOf(Outcome.Aborted.class, outcome);
      }
      r.forget(0);
      checkEqual("next", want, r.add(0, PROMPT).run());
    }
  }

  /** An interrupt is for the steps of its program only. */
  @Test
  public void interruptOfAnotherProgramChangesNothing() {
    Backend backend = backend(hook);
    try (ModelSession s = new ModelSession(backend, model);
        ModelSession other = new ModelSession(backend, model)) {
      List<float[]> want = s.runner().add(0, PROMPT).run();
      s.runner().forget(0);
      hook.arm(Mark.layer(1), other.chain().program()::interrupt);
      checkEqual("same", want, s.runner().add(0, PROMPT).run());
      Assertions.assertFalse(hook.isArmed(), "the layer was never reached");
      checkEqual("other", want, other.runner().add(0, PROMPT).run());
    }
  }

  /** A step that misses its deadline costs its program only. */
  @Test
  public void lateStepLosesItsProgramAndTheQueueGoesOnForOthers() {
    Backend backend = backend(hook);
    try (ModelSession late = new ModelSession(backend, model);
        ModelSession other = new ModelSession(backend, model)) {
      List<float[]> want = other.runner().add(0, PROMPT).run();
      other.runner().forget(0);
      late.runner().add(0, PROMPT).run();
      late.runner().forget(0);
      Thread host = Thread.currentThread();
      CountDownLatch released = new CountDownLatch(1);
      hook.arm(Mark.layer(2), () -> beLate(host, released));
      long start = System.nanoTime();
      Outcome outcome = late.runner().add(0, PROMPT).run(() -> {}, SHORT_NANOS);
      long waited = System.nanoTime() - start;
      Outcome.Lost lost = Assertions.assertInstanceOf(Outcome.Lost.class, outcome);
      Assertions.assertFalse(lost.reason().isEmpty());
      Assertions.assertTrue(waited < Chain.PATIENCE_NANOS / 2, "waited past the deadline");
      Program program = late.chain().program();
      Assertions.assertThrows(
          IllegalStateException.class, () -> program.submit(late.chain().last()));
      outcome = other.runner().add(0, PROMPT).run(released::countDown, Chain.PATIENCE_NANOS);
      Assertions.assertInstanceOf(Outcome.Done.class, outcome);
      checkEqual("other", want, other.runner().results());
    }
  }

  /**
   * Holds a step up until the host has given it up; where the host's thread itself computes, until
   * the time is over that it has.
   */
  private static void beLate(Thread host, CountDownLatch released) {
    if (Thread.currentThread().equals(host)) {
      long until = System.nanoTime() + 2 * SHORT_NANOS;
      while (System.nanoTime() - until < 0) {
        LockSupport.parkNanos(until - System.nanoTime());
      }
      return;
    }
    try {
      Assertions.assertTrue(released.await(Chain.PATIENCE_NANOS, TimeUnit.NANOSECONDS));
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}
