package dev.serval.engine.run;

import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.error.ServalException;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.LongAdder;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.StressOptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * The queue of requests under all orders in which its callers and the runner thread can meet: each
 * outcome is one that some order of whole calls gives.
 */
@Tag("nightly")
public class SchedulerStressTest {

  private static final int RUNNING = 2;
  private static final int WAITING = 2;

  private final Scheduler scheduler =
      new Scheduler(new Scheduler.Limits(RUNNING, 8, 8, 8, false), () -> WAITING, new LongAdder());

  /** For Lincheck, which makes one for each scenario. */
  public SchedulerStressTest() {}

  /** A request from any thread; the reason where it is refused. */
  @Operation
  public String submit() {
    try {
      scheduler.submit(new Nothing());
      return "accepted";
    } catch (RequestRejectedException e) {
      return e.reason().name();
    }
  }

  /** A look from any thread. */
  @Operation
  public int waiting() {
    return scheduler.waiting();
  }

  /** An end from any thread. */
  @Operation
  public void close() {
    scheduler.close();
  }

  /** The runner thread lets requests run. */
  @Operation(nonParallelGroup = "runner")
  public int admit() {
    scheduler.admit(s -> {}, s -> {});
    return scheduler.active().size();
  }

  /** The runner thread ends one. */
  @Operation(nonParallelGroup = "runner")
  public boolean retire() {
    if (scheduler.active().isEmpty()) {
      return false;
    }
    scheduler.retire(scheduler.active().getFirst());
    return true;
  }

  /** What the calls mean, one after the other. */
  public static final class OneAfterTheOther {
    private int waiting;
    private int active;
    private boolean closed;

    /** For Lincheck. */
    public OneAfterTheOther() {}

    /** See the method of the test. */
    public String submit() {
      if (closed) {
        return "MODEL_CLOSED";
      }
      if (waiting == WAITING) {
        return "QUEUE_FULL";
      }
      waiting++;
      return "accepted";
    }

    /** See the method of the test. */
    public int waiting() {
      return waiting;
    }

    /** See the method of the test. */
    public void close() {
      closed = true;
    }

    /** See the method of the test. */
    public int admit() {
      int n = Math.min(waiting, RUNNING - active);
      waiting -= n;
      active += n;
      return active;
    }

    /** See the method of the test. */
    public boolean retire() {
      boolean any = active > 0;
      active -= any ? 1 : 0;
      return any;
    }
  }

  @Test
  void queueIsLinearizable() {
    new StressOptions()
        .iterations(50)
        .invocationsPerIteration(2_000)
        .threads(3)
        .actorsPerThread(3)
        .sequentialSpecification(OneAfterTheOther.class)
        .check(SchedulerStressTest.class);
  }

  /** A request without tokens. */
  private static final class Nothing extends Sequence {

    @Override
    int length() {
      return 0;
    }

    @Override
    int token(int position) {
      return 0;
    }

    @Override
    boolean wants(int position) {
      return false;
    }

    @Override
    int wanted(int n) {
      return 0;
    }

    @Override
    void take(int position, MemorySegment logits) {}

    @Override
    boolean isEnded() {
      return false;
    }

    @Override
    void endCancelled() {}

    @Override
    void fail(ServalException failure) {}
  }
}
