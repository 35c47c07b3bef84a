package dev.serval.engine.plan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.backend.CompileSpec;
import dev.serval.api.backend.DeviceProfile;
import dev.serval.api.graph.Graph;
import dev.serval.api.graph.Mark;
import dev.serval.api.memory.MemoryUse;
import dev.serval.api.metrics.Metrics;
import dev.serval.api.runtime.MemoryPlan;
import dev.serval.api.runtime.PlanRequest.Strategy;
import dev.serval.api.tensor.DataType;
import dev.serval.engine.kv.KvSizes;
import dev.serval.engine.memory.DeviceBudget;
import dev.serval.engine.plan.PlacementProblem.Options;
import dev.serval.tck.graphs.TestModel;
import dev.serval.tck.memory.TestPool;
import dev.serval.tck.reference.ReferenceBackend;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Exact plans of stages, on devices that do not exist. */
class PlannerTest {

  private static final long MIB = 1 << 20;
  private static final int CONTEXT = 16_384;

  /** Four layers; at this context the caches are most of it. */
  private static final Graph GEMMA = TestModel.gemma3(DataType.F32, 1).graph();

  /** Twelve layers, of which the last four read caches of earlier ones. */
  private static final Graph SHARING = TestModel.gemma3n(DataType.F32, 1).graph();

  private static final ReferenceBackend BACKEND = new ReferenceBackend();

  private static PlacementStrategy strategy(Strategy name) {
    return switch (name) {
      case BALANCED -> new BalancedPlacement();
      case ROUND_ROBIN -> new RoundRobinPlacement();
    };
  }

  private static CompileSpec spec(Graph graph, int contextLength) {
    int tokens = Math.min(64, contextLength);
    List<Integer> cells = KvSizes.cells(graph.groups(), contextLength, 2, tokens, 512);
    return new CompileSpec(
        new CompileSpec.Limits(tokens, Math.min(tokens, 2), 2, cells, false),
        DataType.F16,
        CompileSpec.Mode.DEFAULT,
        CompileSpec.Flash.AUTO,
        new CompileSpec.Resources(
            "test", new TestPool(), new DeviceBudget(Long.MAX_VALUE), new Metrics()));
  }

  private static PlanDevice device(String id, Graph graph, long freeBytes, long reserveBytes) {
    DeviceProfile profile = new DeviceProfile(freeBytes, 1, 0, Map.of());
    return new PlanDevice(id, BACKEND, profile, graph, _ -> 0, freeBytes, reserveBytes, false);
  }

  private static Planner planner(
      Graph graph, PlacementStrategy strategy, Options options, long host, long... free) {
    List<PlanDevice> devices = new ArrayList<>();
    for (long bytes : free) {
      devices.add(device("d" + devices.size(), graph, bytes, 0));
    }
    Optional<PlanDevice> cpu =
        host < 0 ? Optional.empty() : Optional.of(device("host", graph, host, 0));
    return new Planner(new Planner.Setting(devices, cpu, strategy, options), n -> spec(graph, n));
  }

  private static Options options(int layers, boolean spread, boolean full) {
    return new Options(layers, spread, full, 0);
  }

  private static long total(Graph graph, int contextLength) {
    CompileSpec spec = spec(graph, contextLength);
    return BACKEND.plan(graph, spec, new DeviceProfile(0, 1, 0, Map.of())).totalBytes();
  }

  /** The marks at which the stages begin, from their names. */
  private static List<Mark> cuts(Layout layout) {
    return layout.stages().stream()
        .skip(1)
        .map(s -> new Mark(s.name().split("\\.\\.", 2)[0]))
        .toList();
  }

  @ParameterizedTest
  @EnumSource
  void everyStageIsLegalAndPlannedExactly(Strategy s) {
    for (Graph graph : List.of(GEMMA, SHARING)) {
      long whole = total(graph, CONTEXT);
      int split = 0;
      for (long free = MIB; free < whole + MIB; free += whole / 23) {
        Layout layout =
            planner(graph, strategy(s), Options.DEFAULT, Long.MAX_VALUE, free, 3 * free / 4)
                .plan(CONTEXT);
        List<Mark> cuts = cuts(layout);
        assertEquals(List.of(), graph.cutProblems(cuts));
        List<Graph> stages = cuts.isEmpty() ? List.of(graph) : graph.cut(cuts);
        for (int i = 0; i < stages.size(); i++) {
          MemoryUse exact =
              BACKEND.plan(
                  stages.get(i), spec(graph, CONTEXT), new DeviceProfile(free, 1, 0, Map.of()));
          assertEquals(exact, layout.stages().get(i).use(), layout.stages().get(i).name());
        }
        assertTrue(layout.fits(), layout.toString());
        split += stages.size() > 2 ? 1 : 0;
      }
      assertTrue(split > 0, "some model is on both devices and the host");
    }
  }

  @Test
  void sharedCachesStayWithTheirLayers() {
    Units units = Units.of(SHARING);
    assertEquals(13, SHARING.marks().stream().filter(m -> !m.equals(Mark.EMBED)).count());
    assertEquals(13, units.layers());
    assertTrue(units.count() < 13, units.toString());
    assertEquals(6, Units.of(GEMMA).count());
    assertEquals(5, Units.of(GEMMA).layers());
  }

  @Test
  void fillsADeviceToTheLastByte() {
    long whole = total(GEMMA, CONTEXT);
    Layout fits = planner(GEMMA, new BalancedPlacement(), Options.DEFAULT, -1, whole).plan(CONTEXT);
    assertTrue(fits.fits());
    assertEquals(0, fits.leftBytes(0));
    Layout lacks =
        planner(GEMMA, new BalancedPlacement(), Options.DEFAULT, -1, whole - 1).plan(CONTEXT);
    assertFalse(lacks.fits());
    assertEquals(1, lacks.missingBytes());
  }

  @Test
  void largestContextFitsAndTheNextDoesNot() {
    long budget = total(GEMMA, 5000) + 100_000;
    for (long[] devices : new long[][] {{budget}, {budget / 2, budget / 2}}) {
      Planner planner =
          planner(GEMMA, new BalancedPlacement(), options(-1, false, true), -1, devices);
      int largest = planner.largestContext(CONTEXT, false).orElseThrow();
      assertTrue(planner.plan(largest).fits());
      assertFalse(planner.plan(largest + 1).fits());
    }
    assertEquals(
        OptionalInt.empty(),
        planner(GEMMA, new BalancedPlacement(), Options.DEFAULT, -1, 1000)
            .largestContext(CONTEXT, false));
  }

  @ParameterizedTest
  @EnumSource
  void putsAsManyLayersOnDevicesAsAskedFor(Strategy s) {
    long plenty = 1L << 40;
    Planner none = planner(GEMMA, strategy(s), options(0, false, false), plenty, plenty);
    assertEquals(List.of("embed..output"), none.plan(CONTEXT).names(1));
    Planner two = planner(GEMMA, strategy(s), options(2, false, false), plenty, plenty);
    Layout layout = two.plan(CONTEXT);
    assertEquals(List.of("layer 2..layer 3"), layout.names(0));
    assertEquals(List.of("embed..layer 1", "output"), layout.names(1));
    Planner all = planner(GEMMA, strategy(s), options(999, false, false), plenty, plenty);
    assertEquals(List.of("embed..output"), all.plan(CONTEXT).names(0));
  }

  @ParameterizedTest
  @EnumSource
  void placesLayersThatAreDemandedWhereTheyDoNotFit(Strategy s) {
    for (long[] devices : new long[][] {{0}, {MIB, MIB}, {2 * MIB, 3 * MIB}}) {
      Layout all =
          planner(GEMMA, strategy(s), options(999, false, false), 1L << 40, devices).plan(CONTEXT);
      assertFalse(all.fits());
      assertTrue(all.complete());
      Layout three =
          planner(GEMMA, strategy(s), options(3, false, false), 1L << 40, devices).plan(CONTEXT);
      assertFalse(three.fits());
      assertEquals("embed..layer 0", three.stages().getFirst().name());
      assertEquals("output", three.stages().getLast().name());
    }
  }

  @Test
  void leavesNothingToTheHostIfAllIsRequired() {
    long whole = total(GEMMA, CONTEXT);
    Planner planner =
        planner(GEMMA, new BalancedPlacement(), options(-1, false, true), 1L << 40, whole / 2);
    Layout layout = planner.plan(CONTEXT);
    assertFalse(layout.fits());
    assertEquals(List.of(), layout.names(1));
    assertEquals(whole - whole / 2, layout.missingBytes());
  }

  @Test
  void leavesTheEmbeddingToTheHostIfOnlyThatDoesNotFit() {
    Graph graph = SHARING;
    int context = 64;
    long whole = total(graph, context);
    Layout layout =
        planner(graph, new BalancedPlacement(), Options.DEFAULT, 1L << 40, whole - 1).plan(context);
    assertTrue(layout.fits());
    assertTrue(layout.names(1).getFirst().startsWith("embed"), layout.toString());
  }

  @Test
  void spreadsOverDevicesOfWhichOneWouldDo() {
    long plenty = 1L << 40;
    Layout layout =
        planner(GEMMA, new BalancedPlacement(), options(-1, true, false), plenty, plenty, plenty)
            .plan(CONTEXT);
    assertFalse(layout.names(0).isEmpty());
    assertFalse(layout.names(1).isEmpty());
  }

  @Test
  void placesMoreWhereLessIsReserved() {
    long free = total(GEMMA, CONTEXT);
    long placed = -1;
    for (long reserve : new long[] {free, free / 2, 0}) {
      Planner planner =
          new Planner(
              new Planner.Setting(
                  List.of(device("d", GEMMA, free, reserve)),
                  Optional.of(device("host", GEMMA, 1L << 40, 0)),
                  new BalancedPlacement(),
                  Options.DEFAULT),
              n -> spec(GEMMA, n));
      Layout layout = planner.plan(CONTEXT);
      long bytes = layout.use(0).totalBytes();
      assertTrue(bytes > placed, "reserve " + reserve);
      placed = bytes;
    }
  }

  @Test
  void reportSaysWhatIsMissing() {
    long whole = total(GEMMA, CONTEXT);
    PlanReport.Subject subject = new PlanReport.Subject("gemma", "gemma3", CONTEXT, 2);
    MemoryPlan lacking =
        PlanReport.of(
            subject,
            planner(GEMMA, new BalancedPlacement(), Options.DEFAULT, whole - 5),
            List.of("a note"));
    MemoryPlan.Shortfall shortfall = lacking.shortfall().orElseThrow();
    assertEquals(5, shortfall.missingBytes());
    assertTrue(shortfall.largestContext().orElseThrow() < CONTEXT);
    assertEquals(0, lacking.rows().getFirst().memory().freeBytes());
    assertEquals(whole, lacking.use().totalBytes());
    MemoryPlan fitting =
        PlanReport.of(
            subject,
            planner(GEMMA, new BalancedPlacement(), Options.DEFAULT, whole, whole - 1),
            List.of());
    assertTrue(fitting.shortfall().isEmpty());
    assertEquals(2, fitting.rows().size());
    assertTrue(fitting.notes().getFirst().startsWith("layers are left to the host"));
  }
}
