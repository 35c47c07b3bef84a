package dev.serval.engine;

import dev.serval.api.backend.Backend;
import dev.serval.api.backend.CompileSpec;
import dev.serval.api.error.ModelRefusedException;
import dev.serval.api.error.ModelRefusedException.Reason;
import dev.serval.api.error.OutOfBudgetException;
import dev.serval.api.graph.Graph;
import dev.serval.api.memory.ByteSize;
import dev.serval.api.memory.MemoryBudget;
import dev.serval.api.memory.MemoryUse;
import dev.serval.engine.gguf.WeightLoad;
import dev.serval.engine.memory.DeviceBudget;
import dev.serval.engine.memory.MemoryGauge;
import dev.serval.engine.plan.Planner;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A device on which a load fits, with the memory that its plan needs held for it.
 *
 * @param choice backend and device, leased
 * @param load how weights will come into memory
 * @param plan what the load will take in the end, copies of weights included
 * @param budgets hold that much, and what is needed on the way; the owner closes them
 * @param notes devices that would have been better, and what they lack
 */
record DeviceFit(
    BackendChoice choice, WeightLoad load, MemoryUse plan, Budgets budgets, List<String> notes) {

  /** What a program is compiled for. */
  interface Specs {
    /** The spec for a graph at a context length, inside a budget. */
    CompileSpec of(Graph graph, int contextLength, MemoryBudget budget);
  }

  /** How weights come into memory. */
  interface Loads {
    /** The weights of a graph as a backend wants them. */
    WeightLoad of(BackendChoice choice, Graph graph);
  }

  /**
   * What is to be loaded.
   *
   * @param name name of the model
   * @param contextLength tokens a sequence may hold
   * @param specs what programs are compiled for
   * @param loads how weights come into memory
   */
  record Wish(String name, int contextLength, Specs specs, Loads loads) {}

  /**
   * Memory held for a load.
   *
   * @param device for what the backend takes
   * @param host for copies of weights; the same as the device's where the host is the device
   */
  record Budgets(DeviceBudget.Hold device, DeviceBudget.Hold host) implements AutoCloseable {

    /** Has gauges show what is allocated of it. */
    void measure(Collection<MemoryGauge> gauges) {
      device.measure(gauges);
      host.measure(gauges);
    }

    @Override
    public void close() {
      device.close();
      host.close();
    }
  }

  /** A device without room. */
  private record Refused(BackendChoice choice, OutOfBudgetException refusal, int largestContext) {}

  /**
   * The first candidate that has room. Nothing is allocated, there or on the others.
   *
   * @param candidates leased, best first; all but that of the result are released
   * @param budgets budget of the device of a choice
   * @param hosts budget of the memory that takes copies of weights for a choice
   * @throws OutOfBudgetException if none has room: of the candidate that would hold the largest
   *     context
   * @throws ModelRefusedException ({@code NO_BACKEND}) if no backend can plan for the model
   */
  static DeviceFit first(
      List<BackendChoice> candidates,
      Wish wish,
      Function<BackendChoice, DeviceBudget> budgets,
      Function<BackendChoice, DeviceBudget> hosts) {
    @Nullable BackendChoice chosen = null;
    @Nullable Refused best = null;
    List<String> notes = new ArrayList<>();
    try {
      for (BackendChoice c : candidates) {
        Need need = new Need(c, wish, budgets.apply(c), hosts.apply(c));
        try {
          DeviceFit fit = need.hold(notes);
          chosen = c;
          return fit;
        } catch (OutOfBudgetException e) {
          notes.add(c.name() + " lacks " + ByteSize.format(e.missingBytes()));
          int context = need.largestContext();
          if (best == null || context > best.largestContext) {
            best = new Refused(c, e, context);
          }
        } catch (RuntimeException | LinkageError e) {
          notes.add("backend " + c.slot().backend().name() + " failed to plan: " + e);
        }
      }
    } finally {
      for (BackendChoice c : candidates) {
        if (!c.equals(chosen)) {
          c.slot().release();
        }
      }
    }
    if (best == null) {
      throw new ModelRefusedException(Reason.NO_BACKEND, String.join("; ", notes));
    }
    throw new OutOfBudgetException(
        wish.name() + " on " + best.choice.name(),
        best.refusal.requestedBytes(),
        best.refusal.availableBytes(),
        best.largestContext);
  }

  /** Gives back what was held for the time of loading only. */
  void loaded() {
    boolean shared = budgets.device.equals(budgets.host);
    long kept = load.keptBytes();
    budgets.device.lower(plan.totalBytes() - (shared ? 0 : kept));
    if (!shared) {
      budgets.host.lower(kept);
    }
  }

  /** What a load takes of one device, and of the memory for copies. */
  private static final class Need {
    private final BackendChoice choice;
    private final Wish wish;
    private final WeightLoad load;
    private final DeviceBudget device;
    private final DeviceBudget host;

    Need(BackendChoice choice, Wish wish, DeviceBudget device, DeviceBudget host) {
      this.choice = choice;
      this.wish = wish;
      this.load = wish.loads().of(choice, choice.graph());
      this.device = device;
      this.host = host;
    }

    private MemoryUse plan(int contextLength) {
      Backend backend = choice.slot().backend();
      CompileSpec spec = wish.specs().of(choice.graph(), contextLength, device);
      return backend.plan(choice.graph(), spec, choice.device().profile());
    }

    /** The most at one time: copies that pass are gone before anything but weights is there. */
    private long deviceBytes(MemoryUse plan) {
      if (!device.equals(host)) {
        return plan.totalBytes();
      }
      long placing = Math.addExact(plan.weightsBytes(), load.passingBytes());
      return Math.addExact(load.keptBytes(), Math.max(plan.totalBytes(), placing));
    }

    private long hostBytes() {
      return Math.addExact(load.keptBytes(), load.passingBytes());
    }

    DeviceFit hold(List<String> notes) {
      MemoryUse plan = plan(wish.contextLength());
      DeviceBudget.Hold held = device.hold(deviceBytes(plan), wish.name());
      DeviceBudget.Hold copies = held;
      boolean complete = device.equals(host);
      try {
        if (!complete) {
          copies = host.hold(hostBytes(), "copies of " + wish.name());
          complete = true;
        }
      } finally {
        if (!complete) {
          held.close();
        }
      }
      MemoryUse all = plan.plus(new MemoryUse(load.keptBytes(), 0, 0, 0));
      return new DeviceFit(choice, load, all, new Budgets(held, copies), notes);
    }

    /** The largest context that would fit now; 0 if none does. */
    int largestContext() {
      if (!device.equals(host) && hostBytes() > host.availableBytes()) {
        return 0;
      }
      return Planner.largest(
              wish.contextLength(), n -> deviceBytes(plan(n)) <= device.availableBytes())
          .orElse(0);
    }
  }
}
