package dev.serval.backend.cpu;

import dev.serval.api.backend.Device;
import dev.serval.backend.cpu.kernel.KernelSet;
import dev.serval.backend.cpu.team.ComputeTeam;
import dev.serval.backend.cpu.team.DeviceJob;
import dev.serval.backend.cpu.team.DeviceQueue;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/**
 * The processor as a device: its description, its kernels, and its queue, whose threads start with
 * the first job. Thread-safe.
 */
final class CpuDevice implements AutoCloseable {

  private static final String THREAD_PREFIX = "serval-cpu-";

  private final Device description;
  private final CpuOptions options;
  private final ColdStart coldStart;
  private @Nullable DeviceQueue queue;
  private boolean closed;

  CpuDevice(Device description, CpuOptions options, ColdStart coldStart) {
    this.description = description;
    this.options = options;
    this.coldStart = coldStart;
  }

  /** What it is. */
  Device description() {
    return description;
  }

  /** What it computes with. */
  KernelSet kernels() {
    return options.kernels();
  }

  /** What its first steps are computed with. */
  ColdStart coldStart() {
    return coldStart;
  }

  /** Threads that compute together. */
  int threads() {
    return options.threads();
  }

  /**
   * The queue.
   *
   * @throws IllegalStateException if the backend is closed
   */
  synchronized DeviceQueue queue() {
    if (closed) {
      throw new IllegalStateException("the CPU backend is closed");
    }
    if (queue == null) {
      queue = new DeviceQueue(options.threads(), THREAD_PREFIX);
    }
    return queue;
  }

  /** Work for the whole team that its submitter waits for. */
  interface TeamWork {
    /** Does the work on the queue's thread. */
    void run(ComputeTeam team);
  }

  /**
   * Does work on the queue, in turn with the steps of all programs, and returns when it is done.
   *
   * @throws IllegalStateException if the backend is closed meanwhile or the calling thread
   *     interrupted
   */
  void call(TeamWork work) {
    Call call = new Call(work);
    queue().submit(call);
    call.await();
  }

  /** A job that somebody waits for. */
  private static final class Call implements DeviceJob {

    private final TeamWork work;
    private final CountDownLatch done = new CountDownLatch(1);
    private volatile @Nullable RuntimeException failure;

    Call(TeamWork work) {
      this.work = work;
    }

    @Override
    public void run(ComputeTeam team) {
      try {
        work.run(team);
      } catch (RuntimeException | Error e) {
        failure = new IllegalStateException("work on the CPU failed: " + e, e);
      } finally {
        done.countDown();
      }
    }

    @Override
    public void cancel(String reason) {
      failure = new IllegalStateException(reason);
      done.countDown();
    }

    void await() {
      boolean interrupted = false;
      while (true) {
        try {
          done.await();
          break;
        } catch (InterruptedException e) {
          // the work writes to memory that the caller owns, so there is no leaving early
          interrupted = true;
        }
      }
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
      RuntimeException f = failure;
      if (f != null) {
        throw f;
      }
    }
  }

  /** Ends all threads. */
  @Override
  public void close() {
    DeviceQueue q;
    synchronized (this) {
      closed = true;
      q = queue;
      queue = null;
    }
    if (q != null) {
      q.close();
    }
  }
}
