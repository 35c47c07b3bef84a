package dev.serval.launcher;

import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * Decides when a repeated run is as fast as it gets.
 *
 * <p>Runs are grouped into windows of at least a second and at least one run. A window that is less
 * than 2 % faster than the best one before it brings nothing; two such windows in a row end the
 * warm-up, so that it takes three windows at least. Only what gets faster counts: a run that
 * another process disturbs does not prolong it. After a minute it ends in any case, and says so.
 *
 * <p>Confined to one thread.
 */
final class WarmUp {

  static final long WINDOW_NANOS = TimeUnit.SECONDS.toNanos(1);
  static final long LIMIT_NANOS = TimeUnit.MINUTES.toNanos(1);
  static final double GAIN = 1.02;
  private static final int IDLE_WINDOWS = 2;

  /** One run. */
  @FunctionalInterface
  interface Run {
    void run() throws InterruptedException;
  }

  /**
   * How a warm-up went.
   *
   * @param runs runs in it
   * @param seconds time it took
   * @param stable false if it ended by its limit
   */
  record Report(int runs, double seconds, boolean stable) {}

  private final LongSupplier clock;
  private double best;
  private int idle;

  private WarmUp(LongSupplier clock) {
    this.clock = clock;
  }

  /**
   * Repeats a run until it gets no faster.
   *
   * @param clock nanoseconds, such as {@link System#nanoTime}
   */
  static Report repeat(Run run, LongSupplier clock) throws InterruptedException {
    return new WarmUp(clock).repeat(run);
  }

  private Report repeat(Run run) throws InterruptedException {
    long begin = clock.getAsLong();
    long window = begin;
    int runs = 0;
    int inWindow = 0;
    while (true) {
      run.run();
      runs++;
      inWindow++;
      long now = clock.getAsLong();
      if (now - window >= WINDOW_NANOS) {
        end(inWindow / (double) (now - window));
        window = now;
        inWindow = 0;
      }
      boolean stable = idle >= IDLE_WINDOWS;
      if (stable || now - begin >= LIMIT_NANOS) {
        return new Report(runs, (now - begin) / (double) TimeUnit.SECONDS.toNanos(1), stable);
      }
    }
  }

  private void end(double runsPerNano) {
    idle = runsPerNano < best * GAIN ? idle + 1 : 0;
    best = Math.max(best, runsPerNano);
  }
}
