package dev.serval.backend.cpu;

import dev.serval.api.backend.CompileSpec;
import dev.serval.api.backend.Device;
import dev.serval.api.backend.Outcome;
import dev.serval.api.backend.Program;
import dev.serval.api.backend.Step;
import dev.serval.api.graph.Graph;
import dev.serval.api.kv.KvStorage;
import dev.serval.api.memory.BufferPool;
import dev.serval.api.memory.MemoryUse;
import dev.serval.api.memory.PooledBuffer;
import dev.serval.backend.cpu.instruction.Instruction;
import dev.serval.backend.cpu.instruction.MatMulInstruction;
import dev.serval.backend.cpu.instruction.StepRun;
import dev.serval.backend.cpu.layout.ProgramLayout;
import dev.serval.backend.cpu.team.ComputeTeam;
import dev.serval.backend.cpu.team.DeviceQueue;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A compiled graph. A step goes from {@link #submit} through the {@link DeviceQueue} to {@link
 * #execute}, which runs one {@link Instruction} after the other; each spreads its work over the
 * {@link ComputeTeam} and calls kernels.
 */
final class CpuProgram implements Program {

  private static final Logger LOG = LoggerFactory.getLogger(CpuProgram.class);

  /** How long closing waits for a step under way: instructions take milliseconds. */
  private static final long CLOSE_NANOS = TimeUnit.SECONDS.toNanos(3);

  private final String numericsId;
  private final CpuDevice device;
  private final DeviceQueue queue;
  private final ProgramLayout layout;
  private final CompileSpec.Resources resources;
  private final long weightBytes;
  private final Leases leases;
  private final KvStorage kv;
  private final Instruction[] instructions;
  private final StepRun run;
  private final StepCounters counters;
  private final Consumer<CpuProgram> onClose;
  private final List<CpuStep> steps = new CopyOnWriteArrayList<>();
  private volatile long submitted;
  private volatile long interruptedThrough;
  private volatile @Nullable String lostReason;
  private volatile boolean closed;

  /**
   * Leases memory and compiles.
   *
   * @param graph the graph as the caller has it
   * @param onClose called once, when the program is closed
   */
  CpuProgram(
      CpuDevice device,
      Graph graph,
      ProgramLayout layout,
      CpuPlacement placement,
      CompileSpec spec,
      Consumer<CpuProgram> onClose) {
    this.device = device;
    this.queue = device.queue();
    this.layout = layout;
    this.resources = spec.resources();
    this.onClose = onClose;
    this.weightBytes = placement.leasedBytes();
    this.numericsId = NumericsId.of(graph, layout, spec.kvType());
    this.leases = new Leases(resources);
    boolean compiled = false;
    try {
      MemorySegment kvMemory = leases.lease(layout.kv().bytes(), "kv");
      MemorySegment activations = leases.lease(layout.activations().bytes(), "activations");
      List<MemorySegment> scratch = scratch(activations);
      KeyShift shift = new KeyShift(device, layout.kv(), placement.weights(), kvMemory, scratch);
      this.kv = new CpuKvStorage(graph.digest(), layout.kv(), kvMemory, shift, this::requireOpen);
      MatMulInstruction.Counters products = new MatMulInstruction.Counters();
      this.instructions =
          new GraphCompiler(layout, placement.weights(), kvMemory, activations, products)
              .compile()
              .toArray(new Instruction[0]);
      this.counters =
          new StepCounters(resources.metrics(), device.threads(), instructions, products);
      this.run = new StepRun(scratch);
      compiled = true;
    } finally {
      if (!compiled) {
        leases.close();
      }
    }
  }

  private List<MemorySegment> scratch(MemorySegment activations) {
    List<MemorySegment> all = new ArrayList<>();
    for (int i = 0; i < device.threads(); i++) {
      long offset = layout.activations().scratchOffset(i);
      all.add(activations.asSlice(offset, layout.activations().scratchBytes()));
    }
    return all;
  }

  @Override
  public String numericsId() {
    return numericsId;
  }

  @Override
  public Device device() {
    return device.description();
  }

  @Override
  public MemoryUse use() {
    MemoryUse plan = layout.use();
    long staging = steps.size() * BufferPool.leasedBytes(layout.step().bytes());
    return new MemoryUse(weightBytes, plan.kvBytes(), plan.activationBytes(), staging);
  }

  @Override
  public Step newStep() {
    requireOpen();
    PooledBuffer buffer = Leases.lease(resources, layout.step().bytes(), "step");
    CpuStep step = new CpuStep(this, layout.step(), buffer);
    steps.add(step);
    return step;
  }

  /** Takes a step back. */
  void closed(CpuStep step, PooledBuffer buffer) {
    if (isIdle(step, System.nanoTime() + CLOSE_NANOS)) {
      steps.remove(step);
      Leases.release(resources, buffer);
    } else {
      LOG.error("{}: a step did not end; its memory stays leased", resources.holder());
    }
  }

  /** Ends a step if it is under way; whether it did end in time. */
  private boolean isIdle(CpuStep step, long deadlineNanos) {
    if (!step.isPending()) {
      return true;
    }
    interrupt();
    return step.awaitOutcome(deadlineNanos) != null;
  }

  @Override
  public void submit(Step step) {
    requireOpen();
    String reason = lostReason;
    if (reason != null) {
      throw new IllegalStateException("the program is lost: " + reason);
    }
    CpuStep s = own(step);
    long number = submitted + 1;
    s.markSubmitted(number);
    submitted = number;
    queue.submit(s);
  }

  private CpuStep own(Step step) {
    if (step instanceof CpuStep s && s.program() == this) {
      return s;
    }
    throw new IllegalStateException("the step belongs to another program");
  }

  /** Computes a step. Called on the device queue's thread; throws nothing. */
  Outcome execute(CpuStep step, ComputeTeam team) {
    String reason = lostReason;
    if (reason != null) {
      return new Outcome.Lost(reason);
    }
    run.begin(step, team, device.kernels());
    int scalarFrom = device.coldStart().next(weightBytes, step.tokens(), instructions.length);
    counters.begin(team);
    int computed = 0;
    try {
      for (int i = 0; i < instructions.length; i++) {
        if (step.number() <= interruptedThrough) {
          return Outcome.aborted();
        }
        if (i == scalarFrom) {
          run.continueWith(device.coldStart().scalar());
        }
        counters.next(i);
        instructions[i].run(run);
      }
      computed = step.tokens();
      return Outcome.done();
    } catch (Throwable e) {
      LOG.error("a step of {} failed", resources.holder(), e);
      return lose("cpu: " + e);
    } finally {
      counters.end(team, computed);
      run.end();
    }
  }

  /** Makes the program unusable. */
  Outcome lose(String reason) {
    if (lostReason == null) {
      lostReason = reason;
    }
    return new Outcome.Lost(Objects.requireNonNullElse(lostReason, reason));
  }

  @Override
  public Outcome await(Step step, long deadlineNanos) {
    Outcome outcome = own(step).awaitOutcome(deadlineNanos);
    if (outcome != null) {
      return outcome;
    }
    interrupt();
    return lose("cpu: no answer before the deadline");
  }

  @Override
  public void interrupt() {
    interruptedThrough = submitted;
  }

  @Override
  public KvStorage kv() {
    return kv;
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("the program is closed");
    }
  }

  /** Ends the step under way, if any, then frees all memory; closing again does nothing. */
  @Override
  public void close() {
    synchronized (this) {
      if (closed) {
        return;
      }
      closed = true;
    }
    long deadline = System.nanoTime() + CLOSE_NANOS;
    boolean idle = true;
    for (CpuStep step : steps) {
      idle &= isIdle(step, deadline);
    }
    onClose.accept(this);
    if (idle) {
      leases.close();
    } else {
      LOG.error("{}: a step did not end; its memory stays leased", resources.holder());
    }
  }
}
