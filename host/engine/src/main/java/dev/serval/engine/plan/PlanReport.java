package dev.serval.engine.plan;

import dev.serval.api.memory.ByteSize;
import dev.serval.api.memory.DeviceMemory;
import dev.serval.api.runtime.MemoryPlan;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/** Puts a planner's result into the words of the api. */
public final class PlanReport {

  private PlanReport() {}

  /**
   * What is planned.
   *
   * @param name name of the model
   * @param architecture its architecture
   * @param contextLength tokens a sequence may hold
   * @param maxSequences sequences at once
   */
  public record Subject(String name, String architecture, int contextLength, int maxSequences) {}

  /**
   * Plans, and says what is missing and which context would fit.
   *
   * @param planner devices and wishes
   * @param notes what else the user should know
   */
  public static MemoryPlan of(Subject subject, Planner planner, List<String> notes) {
    int context = subject.contextLength();
    Layout layout = planner.plan(context);
    List<MemoryPlan.Row> rows = new ArrayList<>();
    for (int d = 0; d < layout.devices().size(); d++) {
      PlanDevice device = layout.devices().get(d);
      if (layout.names(d).isEmpty() && d == planner.hostIndex()) {
        continue; // a host that takes no part
      }
      DeviceMemory memory =
          new DeviceMemory(
              device.id(), layout.use(d), device.reserveBytes(), Math.max(0, layout.leftBytes(d)));
      rows.add(new MemoryPlan.Row(memory, device.backend().name(), layout.names(d)));
    }
    List<String> all = new ArrayList<>(notes);
    if (layout.fits() && !layout.complete() && planner.isAutomatic()) {
      OptionalInt largest = planner.largestContext(context, true);
      all.add(
          "layers are left to the host: the devices lack "
              + ByteSize.format(planner.everywhere(context).missingBytes())
              + " for all of them; "
              + (largest.isPresent()
                  ? "they hold all at a context of " + largest.getAsInt()
                  : "they hold all at no context"));
    }
    Optional<MemoryPlan.Shortfall> shortfall =
        layout.fits()
            ? Optional.empty()
            : Optional.of(
                new MemoryPlan.Shortfall(
                    layout.missingBytes(), planner.largestContext(context, false)));
    return new MemoryPlan(
        subject.name(),
        subject.architecture(),
        context,
        subject.maxSequences(),
        planner.layers(),
        rows,
        shortfall,
        all);
  }
}
