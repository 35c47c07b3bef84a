package dev.serval.tck.far;

import dev.serval.api.backend.CompileSpec;
import dev.serval.api.backend.Device;
import dev.serval.api.backend.Outcome;
import dev.serval.api.backend.Program;
import dev.serval.api.backend.Step;
import dev.serval.api.backend.StepLayout;
import dev.serval.api.graph.Graph;
import dev.serval.api.kv.KvStorage;
import dev.serval.api.memory.BufferPool;
import dev.serval.api.memory.MemoryUse;
import dev.serval.tck.memory.Lease;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A program of the wrapped backend. Its thread is the device's; the lock guards the flags only and
 * is never held while somebody waits for the device.
 */
final class FarProgram implements Program {

  /** The host's deadline is kept by {@link #await}; the device itself is in no hurry. */
  private static final long NO_HURRY_NANOS = TimeUnit.DAYS.toNanos(1);

  private final FarPlacement placement;
  private final FarDevice device;
  private final Program there;
  private final StepLayout layout;
  private final CompileSpec.Resources resources;
  private final FarKv kv;
  private final Set<FarStep> steps = ConcurrentHashMap.newKeySet();
  private final Object lock = new Object();
  private long submitted;
  private long interruptedThrough;
  private @Nullable String lostReason;
  private boolean closed;

  /**
   * Leases the buffer for cache rows.
   *
   * @param there the wrapped program; closed with this one
   */
  FarProgram(Graph graph, CompileSpec spec, FarPlacement placement, Program there) {
    this.placement = placement;
    this.device = placement.far();
    this.there = there;
    this.layout = new StepLayout(graph, spec.limits());
    this.resources = spec.resources();
    this.kv = new FarKv(device, there.kv(), resources, this::requireIdle);
  }

  /** Bytes that the buffer for cache rows and one step take on top of the wrapped program's. */
  static long stagingBytes(Graph graph, CompileSpec spec) {
    long step = new StepLayout(graph, spec.limits()).bytes();
    return FarKv.leasedBytes(graph, spec.kvType()) + 2 * BufferPool.leasedBytes(step);
  }

  @Override
  public String numericsId() {
    return there.numericsId();
  }

  @Override
  public Device device() {
    return device.description();
  }

  @Override
  public MemoryUse use() {
    long staging = kv.leasedBytes();
    for (FarStep step : steps) {
      staging += step.leasedBytes();
    }
    return there.use().plus(new MemoryUse(placement.copyBytes(), 0, 0, staging));
  }

  @Override
  public Step newStep() {
    requireOpen();
    Lease memory = Lease.of(layout.bytes(), "step", resources);
    @Nullable Lease shadow = null;
    boolean made = false;
    try {
      shadow = Lease.of(layout.bytes(), "step", resources);
      FarStep step = new FarStep(this, layout, memory, shadow, device.call(there::newStep));
      steps.add(step);
      made = true;
      return step;
    } finally {
      if (!made) {
        if (shadow != null) {
          shadow.close();
        }
        memory.close();
      }
    }
  }

  /** Takes a step back; one under way is interrupted and waited for. */
  void closed(FarStep step, Step inner) {
    if (step.isUnderWay()) {
      interrupt();
    }
    device.cleanUp(inner::close);
    steps.remove(step);
  }

  @Override
  public void submit(Step step) {
    requireOpen();
    FarStep s = own(step);
    long number;
    synchronized (lock) {
      if (lostReason != null) {
        throw new IllegalStateException("the program is lost: " + lostReason);
      }
      number = ++submitted;
    }
    s.depart();
    device.enqueue(() -> s.arrive(compute(s, number)));
  }

  /** Computes a step on the device's thread. */
  private Outcome compute(FarStep step, long number) {
    Outcome outcome;
    try {
      outcome = start(step, number);
      if (outcome instanceof Outcome.Done) {
        outcome = there.await(step.there(), System.nanoTime() + NO_HURRY_NANOS);
      }
      if (outcome instanceof Outcome.Done) {
        step.download();
      }
    } catch (RuntimeException | Error e) {
      outcome = new Outcome.Lost(placement.device().id() + ": " + e);
    }
    return outcome instanceof Outcome.Lost lost ? lose(lost.reason()) : outcome;
  }

  /**
   * Submits a step to the wrapped program, unless it is interrupted. Atomic with {@link
   * #interrupt}, so that no interrupt falls between.
   */
  private Outcome start(FarStep step, long number) {
    synchronized (lock) {
      if (lostReason != null) {
        return new Outcome.Lost(lostReason);
      }
      if (number <= interruptedThrough) {
        return Outcome.aborted();
      }
      step.upload();
      there.submit(step.there());
      return Outcome.done();
    }
  }

  private Outcome.Lost lose(String reason) {
    synchronized (lock) {
      if (lostReason == null) {
        lostReason = reason;
      }
      return new Outcome.Lost(lostReason);
    }
  }

  @Override
  public Outcome await(Step step, long deadlineNanos) {
    Outcome outcome = own(step).awaitArrival(deadlineNanos);
    if (outcome != null) {
      return outcome;
    }
    Outcome.Lost lost = lose(placement.device().id() + ": no answer before the deadline");
    interrupt();
    return lost;
  }

  private FarStep own(Step step) {
    if (step instanceof FarStep s && steps.contains(s)) {
      return s;
    }
    throw new IllegalStateException("the step is closed or another program's");
  }

  @Override
  public void interrupt() {
    synchronized (lock) {
      interruptedThrough = submitted;
      there.interrupt();
    }
  }

  @Override
  public KvStorage kv() {
    return kv;
  }

  private void requireOpen() {
    synchronized (lock) {
      if (closed) {
        throw new IllegalStateException("the program is closed");
      }
    }
  }

  private void requireIdle() {
    requireOpen();
    for (FarStep step : steps) {
      if (step.isUnderWay()) {
        throw new IllegalStateException("a step is under way");
      }
    }
  }

  @Override
  public void close() {
    requireOpen();
    if (!steps.isEmpty()) {
      throw new IllegalStateException(steps.size() + " steps of the program are open");
    }
    synchronized (lock) {
      closed = true;
    }
    device.cleanUp(there::close);
    kv.close();
  }
}
