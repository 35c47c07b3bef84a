package dev.serval.tck.reference;

import dev.serval.api.backend.CompileSpec;
import dev.serval.api.backend.Device;
import dev.serval.api.backend.Outcome;
import dev.serval.api.backend.Program;
import dev.serval.api.backend.Step;
import dev.serval.api.backend.StepLayout;
import dev.serval.api.graph.Graph;
import dev.serval.api.graph.Mark;
import dev.serval.api.kv.KvStorage;
import dev.serval.api.memory.MemoryUse;
import dev.serval.tck.memory.Lease;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * A graph, interpreted. Queued steps are computed in order by the thread that awaits them, so that
 * no thread of its own is needed; between submit and await a step counts as under way.
 */
final class ReferenceProgram implements Program {

  private final Graph graph;
  private final CompileSpec spec;
  private final ReferencePlacement placement;
  private final StepLayout layout;
  private final Optional<Lease> kvMemory;
  private final ReferenceKv kv;
  private final Interpreter interpreter;
  private final Consumer<Mark> probe;
  private final Deque<Step> queue = new ArrayDeque<>();
  private final IdentityHashMap<Step, Outcome> outcomes = new IdentityHashMap<>();
  private boolean interrupted;
  private boolean unusable;
  private boolean closed;
  private long stepBytes;

  ReferenceProgram(
      Graph graph, ReferencePlacement placement, CompileSpec spec, Consumer<Mark> probe) {
    this.graph = graph;
    this.probe = probe;
    this.spec = spec;
    this.placement = placement;
    this.layout = new StepLayout(graph, spec.limits());
    long kvBytes = ReferenceKv.bytes(graph, spec);
    WeightReader weights = new WeightReader(placement.open(graph.digest()));
    try {
      this.kvMemory =
          kvBytes == 0 ? Optional.empty() : Optional.of(Lease.of(kvBytes, "kv", spec.resources()));
    } catch (RuntimeException | Error e) {
      placement.release();
      throw e;
    }
    MemorySegment rows = kvMemory.map(Lease::segment).orElse(MemorySegment.NULL);
    this.kv = new ReferenceKv(graph, spec, rows, weights);
    CellTable table = new CellTable(graph.groups().size(), spec.limits().maxSequences());
    this.interpreter = new Interpreter(graph.lowered(c -> false), weights, kv, table);
  }

  @Override
  public String numericsId() {
    return "reference 1, kv "
        + spec.kvType()
        + ", graph "
        + graph.digest()
        + ", from "
        + graph.boundaryInputs()
        + " to "
        + graph.boundaryOutputs().stream().filter(v -> !graph.observed().contains(v)).toList();
  }

  @Override
  public Device device() {
    return placement.device();
  }

  @Override
  public synchronized MemoryUse use() {
    return new MemoryUse(0, kvMemory.map(Lease::leasedBytes).orElse(0L), 0, stepBytes);
  }

  @Override
  public synchronized Step newStep() {
    requireOpen();
    Lease lease = Lease.of(layout.bytes(), "step", spec.resources());
    stepBytes += lease.leasedBytes();
    return new Step(layout, lease.segment(), () -> closeStep(lease));
  }

  private synchronized void closeStep(Lease lease) {
    stepBytes -= lease.leasedBytes();
    lease.close();
  }

  @Override
  public synchronized void submit(Step step) {
    requireOpen();
    if (unusable) {
      throw new IllegalStateException("the program is lost");
    }
    if (step.layout() != layout) {
      throw new IllegalStateException("the step is another program's");
    }
    if (queue.contains(step)) {
      throw new IllegalStateException("the step is under way already");
    }
    outcomes.remove(step);
    queue.add(step);
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("the program is closed");
    }
  }

  @Override
  public Outcome await(Step step, long deadlineNanos) {
    while (true) {
      Step head;
      synchronized (this) {
        Outcome outcome = outcomes.get(step);
        if (outcome != null) {
          return outcome;
        }
        if (!queue.contains(step)) {
          throw new IllegalStateException("the step was not submitted");
        }
        head = queue.getFirst();
      }
      Outcome outcome = run(head, deadlineNanos);
      synchronized (this) {
        outcomes.put(head, outcome);
        queue.remove(head);
        interrupted = false;
      }
    }
  }

  private Outcome run(Step step, long deadlineNanos) {
    boolean ended = false;
    try {
      ended = interpreter.run(step, probe, () -> !isInterrupted() && !isLate(deadlineNanos));
      if (ended) {
        return Outcome.done();
      }
      if (isInterrupted()) {
        ended = true;
        return Outcome.aborted();
      }
      return new Outcome.Lost("the step's deadline has passed");
    } finally {
      if (!ended) {
        makeUnusable();
      }
    }
  }

  private synchronized void makeUnusable() {
    unusable = true;
  }

  private synchronized boolean isInterrupted() {
    return interrupted;
  }

  private static boolean isLate(long deadlineNanos) {
    return System.nanoTime() - deadlineNanos > 0;
  }

  @Override
  public synchronized void interrupt() {
    interrupted = !queue.isEmpty();
  }

  @Override
  public KvStorage kv() {
    return kv;
  }

  @Override
  public synchronized void close() {
    requireOpen();
    closed = true;
    kvMemory.ifPresent(Lease::close);
    placement.release();
  }
}
