package dev.serval.tck.far;

import dev.serval.api.backend.Device;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;

/**
 * One of the devices of a {@link FarBackend}: a description and a thread on which everything
 * happens that touches the wrapped backend, in the order in which it was asked for. Thread-safe.
 */
final class FarDevice implements AutoCloseable {

  /** Longer than any step or placement of a test takes. */
  private static final long PATIENCE_SECONDS = 60;

  private final Device description;
  private final Device there;
  private final ExecutorService queue;

  /**
   * A device whose thread starts with its first work.
   *
   * @param description what hosts see
   * @param there the wrapped backend's device
   */
  FarDevice(Device description, Device there) {
    this.description = description;
    this.there = there;
    this.queue =
        Executors.newSingleThreadExecutor(
            Thread.ofPlatform().daemon().name("serval-" + description.id()).factory());
  }

  /** What hosts see. */
  Device description() {
    return description;
  }

  /** The wrapped backend's device. */
  Device there() {
    return there;
  }

  /**
   * Queues work, which must not throw, and returns at once.
   *
   * @throws IllegalStateException if the backend is closed
   */
  void enqueue(Runnable work) {
    try {
      queue.execute(work);
    } catch (RejectedExecutionException e) {
      throw new IllegalStateException("the backend of " + description.id() + " is closed", e);
    }
  }

  /**
   * Queues work and waits for it; what it throws is thrown here.
   *
   * @throws IllegalStateException if the backend is closed, or the device does not answer
   */
  <T> T call(Supplier<T> work) {
    try {
      return await(queue.submit(work::get));
    } catch (RejectedExecutionException e) {
      throw new IllegalStateException("the backend of " + description.id() + " is closed", e);
    }
  }

  /** Like {@link #call} without a result. */
  void run(Runnable work) {
    try {
      await(queue.submit(work));
    } catch (RejectedExecutionException e) {
      throw new IllegalStateException("the backend of " + description.id() + " is closed", e);
    }
  }

  /** Like {@link #run}, but on the caller's thread if the backend is closed. */
  void cleanUp(Runnable work) {
    Future<?> done;
    try {
      done = queue.submit(work);
    } catch (RejectedExecutionException e) {
      work.run();
      return;
    }
    await(done);
  }

  private <T> T await(Future<T> future) {
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return future.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
          // the work uses memory of the caller, so there is no leaving early
          interrupted = true;
        } catch (TimeoutException e) {
          throw new IllegalStateException(description.id() + " does not answer", e);
        } catch (ExecutionException e) {
          if (e.getCause() instanceof RuntimeException cause) {
            throw cause;
          }
          if (e.getCause() instanceof Error cause) {
            throw cause;
          }
          throw new IllegalStateException(e);
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** Finishes what is queued and ends the thread. */
  @Override
  public void close() {
    queue.shutdown();
    boolean interrupted = false;
    boolean ended = false;
    while (!ended) {
      try {
        ended = queue.awaitTermination(PATIENCE_SECONDS, TimeUnit.SECONDS);
        if (!ended) {
          throw new IllegalStateException(description.id() + " does not end");
        }
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
