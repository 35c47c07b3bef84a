package dev.serval.launcher;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Interrupts a thread when the process is told to end, and gives it a moment to clean up after
 * itself; until closed, by that thread.
 */
final class EndOfProcess implements AutoCloseable {

  private static final long CLEAN_UP_SECONDS = 5;

  private final CountDownLatch closed = new CountDownLatch(1);
  private final Thread hook;

  private EndOfProcess(Thread worker) {
    hook =
        new Thread(
            () -> {
              worker.interrupt();
              try {
                closed.await(CLEAN_UP_SECONDS, TimeUnit.SECONDS);
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            },
            "serval-end");
  }

  /** Begins to watch, for one thread. */
  static EndOfProcess interrupts(Thread worker) {
    EndOfProcess watch = new EndOfProcess(worker);
    Runtime.getRuntime().addShutdownHook(watch.hook);
    return watch;
  }

  @Override
  public void close() {
    closed.countDown();
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      Thread.currentThread().interrupt(); // the process is ending already: so should its work
    }
  }
}
