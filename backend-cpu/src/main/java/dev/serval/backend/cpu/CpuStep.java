package dev.serval.backend.cpu;

import dev.serval.api.backend.Outcome;
import dev.serval.api.backend.Step;
import dev.serval.api.backend.StepLayout;
import dev.serval.api.memory.PooledBuffer;
import dev.serval.backend.cpu.team.ComputeTeam;
import dev.serval.backend.cpu.team.DeviceJob;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A step of a {@link CpuProgram}, and its job in the device queue: submitting allocates nothing.
 */
final class CpuStep extends Step implements DeviceJob {

  private final CpuProgram program;
  private final PooledBuffer memory;
  private final Object lock = new Object();
  private boolean pending;
  private @Nullable Outcome outcome;
  private volatile long number;
  private boolean closed;

  CpuStep(CpuProgram program, StepLayout layout, PooledBuffer memory) {
    super(layout, memory.segment(), () -> {});
    this.program = program;
    this.memory = memory;
  }

  @Override
  public void close() {
    super.close();
    if (!closed) {
      closed = true;
      program.closed(this, memory);
    }
  }

  /** The program it belongs to. */
  CpuProgram program() {
    return program;
  }

  /** Number of this submission in its program, from 1. */
  long number() {
    return number;
  }

  /**
   * Makes it ready for the queue.
   *
   * @throws IllegalStateException if it is in the queue already
   */
  void markSubmitted(long newNumber) {
    synchronized (lock) {
      if (pending) {
        throw new IllegalStateException("the step is under way already");
      }
      pending = true;
      outcome = null;
      number = newNumber;
    }
  }

  @Override
  public void run(ComputeTeam team) {
    finish(program.execute(this, team));
  }

  @Override
  public void cancel(String reason) {
    finish(program.lose(reason));
  }

  private void finish(Outcome result) {
    synchronized (lock) {
      pending = false;
      outcome = result;
      lock.notifyAll();
    }
  }

  /** Whether it is in the queue or being computed. */
  boolean isPending() {
    synchronized (lock) {
      return pending;
    }
  }

  /**
   * Waits for the end.
   *
   * @return the outcome, or nothing if the deadline passed
   * @throws IllegalStateException if it was never submitted
   */
  @Nullable Outcome awaitOutcome(long deadlineNanos) {
    boolean interrupted = false;
    try {
      synchronized (lock) {
        while (pending) {
          long left = deadlineNanos - System.nanoTime();
          if (left <= 0) {
            return null;
          }
          try {
            TimeUnit.NANOSECONDS.timedWait(lock, left);
          } catch (InterruptedException e) {
            // the step goes on either way; whoever interrupted finds the flag set again
            interrupted = true;
          }
        }
        if (outcome == null) {
          throw new IllegalStateException("the step was not submitted");
        }
        return outcome;
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
