package dev.serval.tck;

import dev.serval.api.backend.Backend;
import dev.serval.api.backend.CompileSpec;
import dev.serval.api.backend.Device;
import dev.serval.api.backend.DeviceProfile;
import dev.serval.api.backend.DeviceReport;
import dev.serval.api.backend.Outcome;
import dev.serval.api.backend.Placement;
import dev.serval.api.backend.Program;
import dev.serval.api.backend.Step;
import dev.serval.api.backend.Support;
import dev.serval.api.error.ModelRefusedException;
import dev.serval.api.graph.Graph;
import dev.serval.api.graph.Mark;
import dev.serval.api.graph.Op;
import dev.serval.api.kv.KvFormat;
import dev.serval.api.kv.KvSlot;
import dev.serval.api.kv.KvStorage;
import dev.serval.api.memory.MemoryUse;
import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.Weights;
import dev.serval.tck.reference.ReferenceBackend;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.function.Consumer;

/** The reference backend with one thing wrong. */
final class FaultyBackend implements Backend {

  /** What is wrong. */
  enum Fault {
    /** Nothing. */
    NONE,
    /** Support for everything is denied, and compiling refused. */
    REFUSES,
    /** Ten more bytes are planned than leased. */
    PLANS_MORE,
    /** Compiling takes memory that never comes back. */
    LEAKS,
    /** Results are a little too large. */
    DRIFTS,
    /** The first number of a result is NaN. */
    NOT_A_NUMBER,
    /** Results depend on the number of rows. */
    COUNTS_ROWS,
    /** Results differ when somebody looks at values on the way. */
    HEEDS_OBSERVERS,
    /** One float after the results is overwritten. */
    OVERRUNS,
    /** Interrupts are ignored. */
    NEVER_STOPS,
    /** Deadlines are ignored. */
    NEVER_LATE,
    /** The program is lost where it should only abort a step. */
    DIES_OF_INTERRUPTS,
    /** Weights are reserved for each placement anew. */
    PLACES_TWICE,
    /** The last of some imported cache rows is forgotten. */
    FORGETS_A_ROW,
    /** Cache rows are not checked. */
    TAKES_ANY_ROW,
    /** Keys are moved the wrong way. */
    SHIFTS_BACKWARDS,
    /** Keys that are moved are scaled again. */
    SHIFTS_WITH_MAGNITUDE,
    /** Keys are said not to be movable. */
    DENIES_SHIFTS
  }

  private final Backend inner;
  private final Fault fault;

  FaultyBackend(Fault fault) {
    this(fault, _ -> {});
  }

  FaultyBackend(Fault fault, Consumer<Mark> probe) {
    this.fault = fault;
    this.inner = new ReferenceBackend(probe);
  }

  @Override
  public String name() {
    return inner.name();
  }

  @Override
  public DeviceReport devices() {
    return inner.devices();
  }

  @Override
  public int score(Device device) {
    return inner.score(device);
  }

  @Override
  public Support supports(Op op, DataType kvType, Device device) {
    return fault == Fault.REFUSES ? Support.no("not today") : inner.supports(op, kvType, device);
  }

  @Override
  public MemoryUse plan(Graph graph, CompileSpec spec, DeviceProfile profile) {
    MemoryUse plan = inner.plan(graph, spec, profile);
    return fault == Fault.PLANS_MORE ? plan.plus(new MemoryUse(0, 0, 10, 0)) : plan;
  }

  @Override
  public Placement place(Weights weights, Graph graph, CompileSpec spec, Device device) {
    if (fault == Fault.PLACES_TWICE) {
      spec.resources().budget().reserve(1, "once more");
    }
    return inner.place(weights, graph, spec, device);
  }

  @Override
  public Program compile(Graph graph, Placement placement, CompileSpec spec) {
    if (fault == Fault.REFUSES) {
      throw new ModelRefusedException(ModelRefusedException.Reason.NO_BACKEND, "not today");
    }
    if (fault == Fault.LEAKS) {
      spec.resources().pool().lease(1, "forgotten");
    }
    return new FaultyProgram(inner.compile(graph, placement, spec));
  }

  private final class FaultyProgram implements Program {

    private final Program program;

    FaultyProgram(Program program) {
      this.program = program;
    }

    @Override
    public String numericsId() {
      return program.numericsId();
    }

    @Override
    public Device device() {
      return program.device();
    }

    @Override
    public MemoryUse use() {
      return program.use();
    }

    @Override
    public Step newStep() {
      return program.newStep();
    }

    @Override
    public void submit(Step step) {
      program.submit(step);
    }

    @Override
    public Outcome await(Step step, long deadlineNanos) {
      boolean patient = fault == Fault.NEVER_LATE;
      Outcome outcome =
          program.await(step, patient ? System.nanoTime() + Long.MAX_VALUE / 2 : deadlineNanos);
      if (fault == Fault.DIES_OF_INTERRUPTS && outcome instanceof Outcome.Aborted) {
        return new Outcome.Lost("interrupted");
      }
      if (fault == Fault.HEEDS_OBSERVERS) {
        heedObservers(step);
      } else if (!step.layout().graph().boundaryOutputs().isEmpty()) {
        spoil(step, step.layout().boundaryOutputOffset(0), rowFloats(step));
      } else if (step.wanted() > 0) {
        spoil(step, step.layout().outputOffset(), 0);
      }
      return outcome;
    }

    private void heedObservers(Step step) {
      if (!step.layout().graph().observed().isEmpty()) {
        MemorySegment row = step.outputRow(0);
        float first = row.get(ValueLayout.JAVA_FLOAT, 0);
        row.set(ValueLayout.JAVA_FLOAT, 0, Math.nextUp(first));
      }
    }

    private long rowFloats(Step step) {
      return (long) step.tokens()
          * step.layout().graph().boundaryOutputs().getFirst().type().width();
    }

    private void spoil(Step step, long at, long end) {
      float first = step.memory().get(ValueLayout.JAVA_FLOAT, at);
      switch (fault) {
        case DRIFTS -> step.memory().set(ValueLayout.JAVA_FLOAT, at, first + 0.05f);
        case NOT_A_NUMBER -> step.memory().set(ValueLayout.JAVA_FLOAT, at, Float.NaN);
        case COUNTS_ROWS ->
            step.memory().set(ValueLayout.JAVA_FLOAT, at, first + step.tokens() * 1e-6f);
        case OVERRUNS -> step.memory().set(ValueLayout.JAVA_FLOAT, at + 4 * end, 1);
        default -> {}
      }
    }

    @Override
    public void interrupt() {
      if (fault != Fault.NEVER_STOPS) {
        program.interrupt();
      }
    }

    @Override
    public KvStorage kv() {
      return new FaultyKv(program.kv());
    }

    @Override
    public void close() {
      program.close();
    }
  }

  private final class FaultyKv implements KvStorage {

    private final KvStorage kv;

    FaultyKv(KvStorage kv) {
      this.kv = kv;
    }

    @Override
    public KvFormat format() {
      return kv.format();
    }

    @Override
    public void exportRows(KvSlot slot, MemorySegment cells, MemorySegment target) {
      try {
        kv.exportRows(slot, cells, target);
      } catch (IllegalArgumentException e) {
        if (fault != Fault.TAKES_ANY_ROW) {
          throw e;
        }
      }
    }

    @Override
    public void importRows(KvFormat from, KvSlot slot, MemorySegment cells, MemorySegment source) {
      boolean forget = fault == Fault.FORGETS_A_ROW;
      kv.importRows(from, slot, forget ? cells.asSlice(0, cells.byteSize() - 4) : cells, source);
    }

    @Override
    public List<String> shiftProblems() {
      return fault == Fault.DENIES_SHIFTS ? List.of("not today") : kv.shiftProblems();
    }

    @Override
    public void shiftKeys(KvSlot slot, MemorySegment cells, int by) {
      kv.shiftKeys(slot, cells, fault == Fault.SHIFTS_BACKWARDS ? -by : by);
      if (fault == Fault.SHIFTS_WITH_MAGNITUDE) {
        long bytes = format().rowBytes(slot) * cells.byteSize() / 4;
        MemorySegment rows = Arena.ofAuto().allocate(bytes, 64);
        kv.exportRows(slot, cells, rows);
        double m = slot.rotation().orElseThrow().magnitude();
        for (long i = 0; i < slot.keyWidth(); i++) {
          float x = rows.getAtIndex(ValueLayout.JAVA_FLOAT, i);
          rows.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) (m * x));
        }
        kv.importRows(format(), slot, cells, rows);
      }
    }
  }
}
