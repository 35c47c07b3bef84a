package dev.serval.engine.plan;

import dev.serval.api.backend.CompileSpec;
import dev.serval.api.graph.Graph;
import dev.serval.api.memory.MemoryUse;
import dev.serval.engine.plan.Assignment.Span;
import dev.serval.engine.plan.Layout.Stage;
import dev.serval.engine.plan.PlacementProblem.Options;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.IntFunction;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/**
 * Plans where a model goes. A strategy proposes, from what backends say about each part of the
 * graph alone; then each stage is planned as a whole, which is exact, and where that differs from
 * the sum of the parts the strategy is asked again. Whatever has no device is the host's.
 *
 * <p>Allocates no memory of any device, and needs none to exist. Confined to one thread.
 */
public final class Planner {

  /** Proposals after which the best one so far is taken. */
  private static final int MAX_ROUNDS = 32;

  /** What a planner plans for: devices, the host if there is one, and what was asked for. */
  public record Setting(
      List<PlanDevice> devices,
      Optional<PlanDevice> host,
      PlacementStrategy strategy,
      Options options) {}

  private final Setting setting;
  private final List<PlanDevice> all;
  private final IntFunction<CompileSpec> specs;
  private final Units units;

  /** Units before this one are not for the strategy to place: the embedding goes with the rest. */
  private final int firstPlaced;

  /**
   * Creates a planner.
   *
   * @param setting devices and wishes
   * @param specs what a program is compiled for, by context length
   */
  public Planner(Setting setting, IntFunction<CompileSpec> specs) {
    this.setting = setting;
    this.specs = specs;
    all = new ArrayList<>(setting.devices());
    setting.host().ifPresent(all::add);
    Units separable = Units.of(all.getFirst().graph());
    boolean free =
        setting.host().isPresent()
            && !setting.options().requireFull()
            && separable.startsWithEmbedding();
    units = !free && separable.startsWithEmbedding() ? separable.joinFirst(1) : separable;
    firstPlaced = free ? 1 : 0;
  }

  /** Layers of the model, the output included. */
  int layers() {
    return units.layers();
  }

  /** Index of the host in layouts, past their end without one. */
  int hostIndex() {
    return setting.devices().size();
  }

  /** Whether the number of layers on devices is the planner's choice. */
  boolean isAutomatic() {
    return setting.options().requestedLayers() == PlacementProblem.AUTOMATIC;
  }

  /** Plans for a context length; what comes back need not fit. */
  Layout plan(int contextLength) {
    CompileSpec spec = specs.apply(contextLength);
    Options options = setting.options();
    if (setting.devices().isEmpty()) {
      return whole(hostIndex(), spec);
    }
    int demanded = isAutomatic() ? 0 : units.unitsOfLayers(options.requestedLayers());
    boolean all = isAutomatic() || demanded >= placeable();
    if (all && !options.spread()) {
      Optional<Layout> single = single(spec);
      if (single.isPresent()) {
        return single.get();
      }
    }
    int requested = isAutomatic() ? PlacementProblem.AUTOMATIC : demanded;
    Layout placed = place(spec, setting.strategy(), requested);
    boolean hostTakesTheRest = setting.host().isPresent() && !options.requireFull();
    if (isAutomatic()) {
      return placed.complete() || hostTakesTheRest ? placed : demanded(spec, placeable());
    }
    return placed.placed() >= Math.min(demanded, placeable()) ? placed : demanded(spec, demanded);
  }

  /** All layers on devices, whether they fit there or not. */
  Layout everywhere(int contextLength) {
    CompileSpec spec = specs.apply(contextLength);
    if (setting.devices().isEmpty()) {
      return whole(hostIndex(), spec);
    }
    Optional<Layout> single = setting.options().spread() ? Optional.empty() : single(spec);
    return single.orElseGet(() -> demanded(spec, placeable()));
  }

  /** Units that a strategy places. */
  private int placeable() {
    return units.count() - firstPlaced;
  }

  /** So many units on devices, whether they fit there or not. */
  private Layout demanded(CompileSpec spec, int demanded) {
    int all = placeable();
    int n = Math.min(demanded, all);
    Layout placed = place(spec, new BalancedPlacement(), n);
    if (placed.placed() >= n) {
      return placed;
    }
    int end = n == all ? all : all - 1; // the output is the first to go
    Span span = new Span(bestDevice(), Math.max(0, end - n), end);
    return exact(new Assignment(List.of(span), List.of(), 0), spec);
  }

  /**
   * The largest number for which something fits, if what fits for a number fits for all below.
   *
   * @param most number to start from
   * @return at most {@code most}; nothing if not even 1 fits
   */
  public static OptionalInt largest(int most, IntPredicate fits) {
    int fitting = 0;
    int failing = most + 1;
    while (failing - fitting > 1) {
      int middle = fitting + (failing - fitting) / 2;
      if (fits.test(middle)) {
        fitting = middle;
      } else {
        failing = middle;
      }
    }
    return fitting == 0 ? OptionalInt.empty() : OptionalInt.of(fitting);
  }

  /**
   * The largest context, up to {@code most}, that fits.
   *
   * @param everywhere whether all layers must be on devices
   */
  OptionalInt largestContext(int most, boolean everywhere) {
    return largest(most, n -> (everywhere ? everywhere(n) : plan(n)).fits());
  }

  private Layout whole(int device, CompileSpec spec) {
    boolean placed = setting.devices().isEmpty() || device < hostIndex();
    List<Stage> stages = List.of(stage(device, 0, units.count(), spec));
    return new Layout(all, stages, placed ? placeable() : 0, placeable());
  }

  private Stage stage(int device, int first, int end, CompileSpec spec) {
    PlanDevice d = all.get(device);
    Graph part = units.stage(d.graph(), first, end);
    return new Stage(device, units.name(first, end), d.plan(part, spec));
  }

  /** The whole model on the best device that holds it. */
  private Optional<Layout> single(CompileSpec spec) {
    for (List<Integer> library : noLayers().devicesByLibrary()) {
      for (int device : library) {
        Layout layout = whole(device, spec);
        if (layout.fits()) {
          return Optional.of(layout);
        }
      }
    }
    return Optional.empty();
  }

  private int bestDevice() {
    return noLayers().devicesByLibrary().getFirst().getFirst();
  }

  private PlacementProblem noLayers() {
    long[] none = new long[setting.devices().size()];
    return problem(List.of(0L), 0, none, Options.DEFAULT);
  }

  private PlacementProblem problem(
      List<Long> layerBytes, long graphBytes, long[] corrections, Options options) {
    List<Capacity> capacities = new ArrayList<>();
    for (int d = 0; d < setting.devices().size(); d++) {
      PlanDevice device = setting.devices().get(d);
      long reserve = device.reserveBytes() + corrections[d];
      capacities.add(
          new Capacity(
              device.backend().name(),
              PlacementProblem.saturatedSum(device.freeBytes(), Math.max(0, -reserve)),
              Math.max(0, reserve),
              device.integrated()));
    }
    return new PlacementProblem(capacities, layerBytes, graphBytes, graphBytes, options);
  }

  /** Asks the strategy until what it proposes is what the exact plans allow. */
  private Layout place(CompileSpec spec, PlacementStrategy strategy, int requested) {
    List<Long> layerBytes = layerBytes(spec);
    long graphBytes = graphBytes(spec);
    boolean automatic = requested == PlacementProblem.AUTOMATIC;
    Options wish = setting.options();
    boolean requireFull = automatic && wish.requireFull();
    Options options = new Options(requested, wish.spread(), requireFull, 0);
    long[] corrections = new long[setting.devices().size()];
    Set<List<Span>> seen = new HashSet<>();
    @Nullable Layout best = null;
    boolean tooMuch = false;
    for (int round = 0; round < MAX_ROUNDS; round++) {
      Assignment a = strategy.place(problem(layerBytes, graphBytes, corrections, options));
      Layout layout = exact(a, spec);
      best = best == null || isBetter(layout, best, automatic) ? layout : best;
      boolean fits = true;
      for (Span s : a.spans()) {
        long lacking = -layout.leftBytes(s.device());
        if (lacking > 0) {
          corrections[s.device()] += lacking;
          fits = false;
        }
      }
      tooMuch |= !fits;
      boolean repeated = !seen.add(a.spans());
      if (fits && (repeated || tooMuch)) {
        break;
      }
      if (fits) {
        for (Span s : a.spans()) {
          long estimate = graphBytes;
          for (long bytes : layerBytes.subList(s.first(), s.end())) {
            estimate = PlacementProblem.saturatedSum(estimate, bytes);
          }
          corrections[s.device()] = layout.use(s.device()).totalBytes() - estimate;
        }
      }
    }
    Layout result = Objects.requireNonNull(best); // of the first round, at least
    boolean hostWillDo = automatic && !result.fits() && setting.host().isPresent();
    return hostWillDo ? whole(hostIndex(), spec) : result;
  }

  /** A number of layers that is asked for counts more than whether they fit. */
  private static boolean isBetter(Layout layout, Layout best, boolean automatic) {
    boolean lacksLess = layout.missingBytes() < best.missingBytes();
    boolean lacksAsMuch = layout.missingBytes() == best.missingBytes();
    boolean placesMore = layout.placed() > best.placed();
    return automatic
        ? lacksLess || (lacksAsMuch && placesMore)
        : placesMore || (lacksLess && layout.placed() == best.placed());
  }

  /** Weights and cache of each unit alone, on the device that takes most for it. */
  private List<Long> layerBytes(CompileSpec spec) {
    List<Long> bytes = new ArrayList<>();
    for (int u = firstPlaced; u < units.count(); u++) {
      long most = 0;
      for (PlanDevice d : kinds()) {
        MemoryUse use = d.plan(units.stage(d.graph(), u, u + 1), spec);
        most = Math.max(most, Math.addExact(use.weightsBytes(), use.kvBytes()));
      }
      bytes.add(most);
    }
    return bytes;
  }

  /** What else a device needs that computes the whole model. */
  private long graphBytes(CompileSpec spec) {
    long most = 0;
    for (PlanDevice d : kinds()) {
      MemoryUse use = d.plan(d.graph(), spec);
      most = Math.max(most, Math.addExact(use.activationBytes(), use.stagingBytes()));
    }
    return most;
  }

  /** Devices that differ. */
  private List<PlanDevice> kinds() {
    List<PlanDevice> kinds = new ArrayList<>();
    for (PlanDevice d : setting.devices()) {
      if (kinds.stream().noneMatch(d::isLike)) {
        kinds.add(d);
      }
    }
    return kinds;
  }

  /** The stages of an assignment, and the host's before and after them. */
  private Layout exact(Assignment a, CompileSpec spec) {
    boolean hasHost = setting.host().isPresent();
    if (a.spans().isEmpty() || (!hasHost && a.layers() < placeable())) {
      List<Stage> stages = whole(hasHost ? hostIndex() : bestDevice(), spec).stages();
      return new Layout(all, stages, 0, placeable());
    }
    Span first = a.spans().getFirst();
    int begin = first.first() + firstPlaced;
    int end = a.spans().getLast().end() + firstPlaced;
    List<Stage> stages = new ArrayList<>();
    for (Span s : a.spans()) {
      stages.add(stage(s.device(), s.first() + firstPlaced, s.end() + firstPlaced, spec));
    }
    if (begin > 0 && begin == firstPlaced) {
      Stage joined = stage(first.device(), 0, first.end() + firstPlaced, spec);
      if (joined.use().totalBytes() <= all.get(first.device()).usableBytes()) {
        stages.set(0, joined);
        begin = 0;
      }
    }
    if (begin > 0) {
      stages.addFirst(stage(hostIndex(), 0, begin, spec));
    }
    if (end < units.count()) {
      stages.add(stage(hostIndex(), end, units.count(), spec));
    }
    return new Layout(all, stages, a.layers(), placeable());
  }
}
