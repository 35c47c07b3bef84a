package dev.serval.engine.run;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Looks at several rows of logits at once: the thread that calls {@link #run} and helpers of its
 * own, which wait parked in between. Which thread takes which row changes nothing.
 *
 * <p>{@link #run} and {@link #close} are confined to one thread. Allocates nothing per run; starts
 * its helpers at the first run that needs them.
 */
final class SamplingTeam implements AutoCloseable {

  /** What is done with a row; must not throw. */
  @FunctionalInterface
  interface RowTask {
    /** Looks at row {@code i}; from any thread of the team. */
    void row(int i);
  }

  /** More than these are slower to wake than they are of use. */
  private static final int MOST_HELPERS = 7;

  private final String name;
  private final RowTask task;
  private final Thread[] helpers;

  /** Rows not taken yet; taken from the last to the first. */
  private final AtomicInteger left = new AtomicInteger();

  /** Rows not done yet. */
  private final AtomicInteger open = new AtomicInteger();

  private volatile @Nullable Thread caller;
  private volatile boolean closed;
  private boolean started;

  /**
   * Creates a team without threads.
   *
   * @param name name of the model, for the threads
   * @param processors threads that may be busy at once, the caller included
   * @param task what is done with a row
   */
  SamplingTeam(String name, int processors, RowTask task) {
    this.name = name;
    this.task = task;
    helpers = new Thread[Math.clamp(processors - 1, 0, MOST_HELPERS)];
  }

  /**
   * Has each of n rows looked at, and waits for it.
   *
   * @param n number of rows
   */
  void run(int n) {
    caller = Thread.currentThread();
    open.set(n);
    left.set(n);
    wake(Math.min(n - 1, helpers.length));
    takeRows();
    while (open.get() > 0) {
      LockSupport.park(this);
    }
  }

  private void wake(int n) {
    if (n > 0 && !started) {
      started = true;
      for (int i = 0; i < helpers.length; i++) {
        helpers[i] =
            Thread.ofPlatform().daemon().name("serval-sampler-" + name + "-" + i).start(this::help);
      }
    }
    for (int i = 0; i < n; i++) {
      LockSupport.unpark(helpers[i]);
    }
  }

  private void help() {
    while (!closed) {
      takeRows();
      LockSupport.park(this);
    }
  }

  private void takeRows() {
    for (int i = take(); i >= 0; i = take()) {
      task.row(i);
      if (open.decrementAndGet() == 0) {
        LockSupport.unpark(caller);
      }
    }
  }

  /** The next row; negative if none is left. */
  private int take() {
    int n = left.get();
    while (n > 0 && !left.compareAndSet(n, n - 1)) {
      n = left.get();
    }
    return n - 1;
  }

  /** Ends the helpers and waits for them. */
  @Override
  public void close() {
    closed = true;
    if (!started) {
      return;
    }
    boolean interrupted = false;
    for (Thread helper : helpers) {
      while (helper.isAlive()) {
        LockSupport.unpark(helper);
        try {
          helper.join();
        } catch (InterruptedException _) {
          interrupted = true;
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
