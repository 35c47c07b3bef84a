package dev.serval.backend.cpu.team;

import java.util.ArrayDeque;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The in-order queue of the device: jobs of all programs, one after the other, in the order of
 * submission. Its thread is member 0 of the {@link ComputeTeam}.
 *
 * <p>Thread-safe. A submission allocates nothing once the queue has grown to its usual length.
 */
public final class DeviceQueue implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(DeviceQueue.class);

  private static final long JOIN_MILLIS = 3_000;

  private final Object lock = new Object();
  private final ArrayDeque<DeviceJob> jobs = new ArrayDeque<>();
  private final ComputeTeam team;
  private final Thread thread;
  private boolean closed;

  /** Starts the queue and its team of {@code members} threads, the queue's own included. */
  public DeviceQueue(int members, String name) {
    team = new ComputeTeam(members, name);
    thread = Thread.ofPlatform().daemon().name(name + "0").start(this::work);
  }

  /** Adds a job and returns at once; cancels it if the queue is closed. */
  public void submit(DeviceJob job) {
    synchronized (lock) {
      if (!closed) {
        jobs.add(job);
        lock.notifyAll();
        return;
      }
    }
    job.cancel("the backend is closed");
  }

  private void work() {
    while (true) {
      DeviceJob job = next();
      if (job == null) {
        return;
      }
      try {
        job.run(team);
      } catch (Throwable e) {
        LOG.error("a job of the device queue failed", e);
      }
    }
  }

  /** The next job, or nothing once the queue is closed. */
  private @Nullable DeviceJob next() {
    synchronized (lock) {
      while (jobs.isEmpty() && !closed) {
        try {
          lock.wait();
        } catch (InterruptedException e) {
          // nobody has a reason to interrupt this thread: closing is what ends it
          LOG.debug("interrupt ignored", e);
        }
      }
      return closed ? null : jobs.poll();
    }
  }

  /** Cancels waiting jobs, waits for the one under way, and ends all threads. */
  @Override
  public void close() {
    DeviceJob[] waiting;
    synchronized (lock) {
      closed = true;
      waiting = jobs.toArray(new DeviceJob[0]);
      jobs.clear();
      lock.notifyAll();
    }
    for (DeviceJob job : waiting) {
      job.cancel("the backend is closed");
    }
    boolean interrupted = false;
    long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(JOIN_MILLIS);
    try {
      thread.join(TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime()));
    } catch (InterruptedException e) {
      interrupted = true;
    }
    if (thread.isAlive()) {
      LOG.error("thread {} is still computing after {} ms", thread.getName(), JOIN_MILLIS);
    }
    team.close();
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
