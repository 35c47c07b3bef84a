package dev.serval.engine;

import dev.serval.api.backend.Device;
import dev.serval.api.backend.DeviceProfile;
import dev.serval.api.runtime.MemoryPlan;
import dev.serval.api.runtime.PlanRequest;
import dev.serval.api.runtime.PlanRequest.ImaginaryDevice;
import dev.serval.engine.memory.DeviceBudget;
import dev.serval.engine.memory.DeviceBudgets;
import dev.serval.engine.plan.BalancedPlacement;
import dev.serval.engine.plan.PlacementProblem.Options;
import dev.serval.engine.plan.PlacementStrategy;
import dev.serval.engine.plan.PlanDevice;
import dev.serval.engine.plan.PlanReport;
import dev.serval.engine.plan.Planner;
import dev.serval.engine.plan.RoundRobinPlacement;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Answers a plan request from the devices that are there, or in their image. */
final class MemoryPlanning {

  private final PlanRequest request;
  private final List<BackendChoice> candidates;
  private final DeviceBudgets budgets;
  private final DeviceFit.Wish wish;

  /**
   * Takes what a plan needs.
   *
   * @param candidates backends and devices that run the model, best first, at least one
   */
  MemoryPlanning(
      PlanRequest request,
      List<BackendChoice> candidates,
      DeviceBudgets budgets,
      DeviceFit.Wish wish) {
    this.request = request;
    this.candidates = candidates;
    this.budgets = budgets;
    this.wish = wish;
  }

  /**
   * Makes the plan.
   *
   * @param architecture architecture of the model
   * @param notes what else the user should know
   */
  MemoryPlan plan(String architecture, List<String> notes) {
    PlanRequest.Options asked = request.options();
    List<String> all = new ArrayList<>(notes);
    Optional<PlanDevice> host =
        candidates.stream()
            .filter(c -> c.device().id().equals(Device.HOST_ID))
            .findFirst()
            .map(this::real);
    List<PlanDevice> devices = new ArrayList<>();
    if (request.devices().isEmpty()) {
      candidates.stream()
          .filter(c -> !c.device().id().equals(Device.HOST_ID))
          .map(this::real)
          .forEach(devices::add);
    } else {
      BackendChoice best = candidates.getFirst();
      request.devices().forEach(d -> devices.add(imaginary(d, best)));
      all.add("imaginary devices are planned as the " + best.name() + " that is here");
    }
    PlacementStrategy strategy =
        switch (asked.strategy()) {
          case BALANCED -> new BalancedPlacement();
          case ROUND_ROBIN -> new RoundRobinPlacement();
        };
    // reserve and overhead are the devices' own here
    Options options = new Options(asked.requestedLayers(), asked.spread(), asked.requireFull(), 0);
    Planner planner =
        new Planner(
            new Planner.Setting(devices, host, strategy, options),
            n ->
                wish.specs()
                    .of(candidates.getFirst().graph(), n, new DeviceBudget(Long.MAX_VALUE)));
    return PlanReport.of(
        new PlanReport.Subject(
            wish.name(), architecture, wish.contextLength(), request.load().maxSequences()),
        planner,
        all);
  }

  private PlanDevice real(BackendChoice c) {
    DeviceBudget budget = budgets.of(c.device());
    return new PlanDevice(
        c.device().id(),
        c.slot().backend(),
        c.device().profile(),
        c.graph(),
        stage -> wish.loads().of(c, stage).keptBytes(),
        budget.totalBytes() - budget.reservedBytes(),
        reserve(DeviceBudgets.reserveBytes(c.device())),
        Boolean.parseBoolean(c.device().profile().attributes().get("integrated")));
  }

  private PlanDevice imaginary(ImaginaryDevice d, BackendChoice like) {
    DeviceProfile p = like.device().profile();
    return new PlanDevice(
        d.id(),
        like.slot().backend(),
        new DeviceProfile(d.memoryBytes(), p.computeUnits(), p.vectorBits(), p.attributes()),
        like.graph(),
        stage -> wish.loads().of(like, stage).keptBytes(),
        d.memoryBytes(),
        reserve(DeviceBudgets.reserveBytes()),
        d.integrated());
  }

  private long reserve(long otherwise) {
    PlanRequest.Options asked = request.options();
    return Math.addExact(
        asked.reserveBytes().orElse(otherwise),
        asked.overheadBytes().orElseGet(DeviceBudgets::overheadBytes));
  }
}
