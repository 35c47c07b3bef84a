package dev.serval.engine.run;

import dev.serval.api.backend.Device;
import dev.serval.api.backend.Outcome;
import dev.serval.api.backend.Program;
import dev.serval.api.backend.Step;
import dev.serval.api.error.RequestRejectedException;
import dev.serval.engine.inspect.StepInspector;
import dev.serval.engine.kv.KvCache;
import dev.serval.engine.kv.KvCells;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs a loaded model on a thread of its own, step by step:
 *
 * <ol>
 *   <li>end what was cancelled or has stalled, admit what waits ({@link Scheduler});
 *   <li>fill the {@link Step} with the tokens the scheduler chose, their cells and what they see;
 *   <li>submit it and wait for it, with a deadline;
 *   <li>hand each wanted row to its sequence, which draws a token and hands it on; or each pooled
 *       row to the text that it was made of.
 * </ol>
 *
 * <p>A step that was interrupted is forgotten: its cells are freed and what remains of it is
 * computed again. A failure of one sequence ends that one; a lost backend ends all. Step and
 * program belong to whoever made the runner, and are not used after {@code onEnd} is called.
 *
 * <p>Nothing is allocated from one step to the next: texts become objects where they are delivered.
 */
final class ModelRunner {
  private static final Logger LOG = LoggerFactory.getLogger(ModelRunner.class);

  /** Interrupted steps in a row, without anybody asking, after which a backend counts as lost. */
  private static final int MAX_UNASKED_ABORTS = 16;

  private final String name;
  private final Program program;
  private final Step step;
  private final KvCache cache;
  private final KvCells cells;
  private final Scheduler scheduler;
  private final Supplier<RunnerOptions> options;
  private final StepChecks checks;
  private final RunLog log;
  private final @Nullable StepInspector inspector;
  private final Runnable onEnd;
  private final Batch batch;
  private final Consumer<Sequence> onAdmitted = this::begin;
  private final Consumer<Sequence> onCancelled = ModelRunner::endCancelled;

  private final OutputRows outputs;
  private final PrefixCache prefixes;
  private final StepFiller filler;

  private final Thread thread;
  private final CountDownLatch over = new CountDownLatch(1);
  private final Object stepLock = new Object();
  private @Nullable Batch underWay;
  private int unaskedAborts;

  /**
   * Creates a runner; {@link #start} starts it.
   *
   * @param name name of the model, for the thread and messages
   * @param program what computes
   * @param step a step of the program
   * @param cache cells and rows of the program, nothing in them; closed at the end
   * @param scheduler decides what is computed
   * @param options bounds as they are now
   * @param counters counters of the model
   * @param inspector looks at each step that was computed; null for nobody
   * @param onEnd frees step and program; runs once, last, on the runner thread
   */
  ModelRunner(
      String name,
      Program program,
      Step step,
      KvCache cache,
      Scheduler scheduler,
      Supplier<RunnerOptions> options,
      RunnerCounters counters,
      @Nullable StepInspector inspector,
      Runnable onEnd) {
    this.name = name;
    this.program = program;
    this.step = step;
    this.cache = cache;
    cells = cache.cells();
    this.scheduler = scheduler;
    this.options = options;
    checks = StepChecks.of(step.layout());
    log = new RunLog(name, counters);
    this.inspector = inspector;
    this.onEnd = onEnd;
    batch = new Batch(step.layout().limits().maxSequences());
    outputs = new OutputRows(name, step);
    prefixes = new PrefixCache(cache, step.layout().limits().maxSequences(), scheduler.active());
    filler = new StepFiller(step, cells, prefixes, outputs);
    thread = Thread.ofPlatform().daemon().name("serval-runner-" + name).unstarted(this::run);
  }

  void start() {
    thread.start();
  }

  private void run() {
    try {
      while (!scheduler.isEnding()) {
        turn();
      }
    } catch (InterruptedException e) {
      scheduler.lose("the runner of " + name + " was interrupted");
    } catch (RuntimeException | Error e) {
      LOG.error("the runner of {} failed", name, e);
      scheduler.lose("the runner of " + name + " failed: " + e);
    } finally {
      endAll();
    }
  }

  private void turn() throws InterruptedException {
    endUnwanted();
    scheduler.admit(onCancelled, onAdmitted);
    endWaits();
    scheduler.plan(batch);
    if (batch.isEmpty()) {
      scheduler.awaitChange();
    } else {
      filler.fill(batch);
      conclude(compute());
    }
  }

  /** Lets sequences that wait for room go on, the oldest first. */
  private void endWaits() {
    List<Sequence> active = scheduler.active();
    boolean anyRoom = true;
    for (int i = 0; i < active.size(); i++) {
      Sequence s = active.get(i);
      if (s.isParked()) {
        anyRoom = anyRoom && resume(s);
      } else if (s.overflow() > 0) {
        shift(s);
      }
    }
  }

  private boolean resume(Sequence s) {
    PrefixCache.Reuse reuse = prefixes.resume(s);
    if (reuse == null) {
      return false;
    }
    s.found(reuse);
    log.found(s, reuse);
    return true;
  }

  private void begin(Sequence s) {
    log.admitted(s);
    prefixes.admit(s);
    guarded(s, s::admitted);
    if (s.isEnded()) {
      retire(s);
    }
  }

  private static void endCancelled(Sequence s) {
    guarded(s, s::endCancelled);
  }

  /** Ends sequences that were cancelled, or whose consumer is to be given up. */
  private void endUnwanted() {
    List<Sequence> active = scheduler.active();
    for (int i = 0; i < active.size(); ) {
      Sequence s = active.get(i);
      if (s.isCancelled()) {
        endCancelled(s);
        retire(s);
      } else if (s.isPaused() && s.patienceNanos() <= 0) {
        s.failStalled();
        retire(s);
      } else {
        i++;
      }
    }
  }

  /** Submits the step and waits for it. */
  private Outcome compute() {
    log.stepBegins();
    try {
      checks.check(step, options.get().validation());
      synchronized (stepLock) {
        if (scheduler.isEnding() || batch.hasCancelled()) {
          return Outcome.aborted();
        }
        program.submit(step);
        underWay = batch;
      }
      try {
        return program.await(step, System.nanoTime() + options.get().stepNanos());
      } finally {
        synchronized (stepLock) {
          underWay = null;
        }
      }
    } catch (RuntimeException | Error e) {
      return new Outcome.Lost(e.toString());
    }
  }

  private void conclude(Outcome outcome) {
    switch (outcome) {
      case Outcome.Done _ -> {
        unaskedAborts = 0;
        cells.settle();
        log.stepDone(batch);
        inspect();
        handOut();
      }
      case Outcome.Aborted _ -> forget();
      case Outcome.Lost lost -> {
        Device device = program.device();
        String reason =
            "backend "
                + device.backend()
                + " on "
                + device.id()
                + " lost model "
                + name
                + ": "
                + lost.reason();
        LOG.warn("{}", reason);
        scheduler.lose(reason);
      }
    }
  }

  /** Shows the step to whoever looks; if that fails, so do the sequences in it. */
  private void inspect() {
    try {
      if (inspector != null) {
        inspector.show();
      }
    } catch (RequestRejectedException e) {
      batch.fail(e);
    }
  }

  /** Hands each sequence its rows. */
  private void handOut() {
    outputs.draw();
    int output = 0;
    int endRow = 0;
    for (int i = 0; i < batch.size(); i++) {
      Sequence s = batch.sequence(i);
      endRow += batch.count(i);
      s.advance(batch.count(i));
      for (; output < outputs.count() && outputs.row(output) < endRow; output++) {
        if (!s.isEnded()) {
          take(s, output);
        }
      }
      cache.remember(s.number(), s.promptEnd());
      if (s.isEnded()) {
        retire(s);
      } else if (s.overflow() > 0) {
        shift(s);
      }
    }
  }

  /** Drops tokens of a sequence that fills the context, or has it wait for room for that. */
  private void shift(Sequence s) {
    int n = s.overflow();
    PrefixCache.Shift shift = prefixes.drop(s, n);
    if (shift != null) {
      s.dropped(n, shift);
    }
  }

  /** Hands a sequence a row; guarded without an object for it. */
  private void take(Sequence s, int output) {
    try {
      outputs.take(output);
    } catch (RuntimeException | LinkageError e) {
      s.fail(Sequence.unexpected(e));
    }
  }

  /** Takes back what an interrupted step began. */
  private void forget() {
    log.stepAborted(batch);
    for (int i = 0; i < batch.size(); i++) {
      Sequence s = batch.sequence(i);
      cache.remove(s.number(), s.computed());
    }
    unaskedAborts = scheduler.isEnding() || batch.hasCancelled() ? 0 : unaskedAborts + 1;
    if (unaskedAborts == MAX_UNASKED_ABORTS) {
      conclude(new Outcome.Lost(unaskedAborts + " steps in a row ended without being asked to"));
    }
  }

  private void retire(Sequence s) {
    log.ended();
    prefixes.keep(s);
    scheduler.retire(s);
  }

  /** Runs what may fail for one sequence only: drawing a token, a plugin's tokenizer. */
  private static void guarded(Sequence s, Runnable work) {
    try {
      work.run();
    } catch (RuntimeException | LinkageError e) {
      s.fail(Sequence.unexpected(e));
    }
  }

  /** Ends everything at the end of the thread. */
  private void endAll() {
    try {
      for (Sequence s : List.copyOf(scheduler.active())) {
        guarded(s, () -> scheduler.endFinally(s));
        retire(s);
      }
      for (Sequence s : scheduler.drain()) {
        guarded(s, () -> scheduler.endFinally(s));
      }
    } catch (RuntimeException | Error e) {
      LOG.error("the runner of {} did not end cleanly", name, e);
    } finally {
      outputs.close();
      cache.close();
      onEnd.run();
      over.countDown();
    }
  }

  /** Ends a sequence soon. From any thread. */
  void cancel(Sequence s) {
    s.cancel();
    synchronized (stepLock) {
      if (underWay != null && underWay.isWorthAborting(s)) {
        program.interrupt();
      }
    }
    scheduler.changed();
  }

  /** Ends everything as cancelled. From any thread. */
  void close() {
    scheduler.close();
    interrupt();
  }

  /** Ends everything with a {@link dev.serval.api.error.BackendLostException}. From any thread. */
  void lose(String reason) {
    scheduler.lose(reason);
    interrupt();
  }

  private void interrupt() {
    synchronized (stepLock) {
      if (underWay != null) {
        program.interrupt();
      }
    }
  }

  /**
   * Waits until everything ended and {@code onEnd} ran.
   *
   * @param nanos how long; not at all on the runner thread itself
   * @return whether it is over
   */
  boolean awaitEnd(long nanos) throws InterruptedException {
    return !isRunnerThread() && over.await(nanos, TimeUnit.NANOSECONDS);
  }

  /** Whether the calling thread is the runner thread. */
  boolean isRunnerThread() {
    return Thread.currentThread().equals(thread);
  }

  /** Whether everything ended and {@code onEnd} ran. */
  boolean isOver() {
    return over.getCount() == 0;
  }
}
