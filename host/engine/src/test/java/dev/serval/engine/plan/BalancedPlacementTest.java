package dev.serval.engine.plan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.engine.plan.Assignment.Span;
import dev.serval.engine.plan.PlacementProblem.Options;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Against known results of Ollama's {@code llm/server.go}. */
class BalancedPlacementTest {

  private static final long MIB = 1 << 20;
  private static final long RESERVE = 457 * MIB;

  private final PlacementStrategy strategy = new BalancedPlacement();

  private static Capacity device(long usableMib) {
    return new Capacity("cuda", usableMib * MIB + RESERVE, RESERVE, false);
  }

  private static Options asked(int layers) {
    return new Options(layers, false, false, 0);
  }

  private static PlacementProblem problem(Options o, List<Capacity> devices, long... layersMib) {
    List<Long> layers = Arrays.stream(layersMib).map(m -> m * MIB).boxed().toList();
    return new PlacementProblem(devices, layers, 0, 0, o);
  }

  private List<Span> place(Options o, List<Capacity> devices, long... layersMib) {
    return strategy.place(problem(o, devices, layersMib)).spans();
  }

  private static Span span(int device, int first, int last) {
    return new Span(device, first, last + 1);
  }

  @Test
  void fillsOneDevice() {
    List<Capacity> one = List.of(device(256));
    assertEquals(List.of(span(0, 0, 2)), place(Options.DEFAULT, one, 50, 50, 50));
    assertEquals(List.of(span(0, 1, 2)), place(Options.DEFAULT, one, 100, 100, 100, 100));
    assertEquals(List.of(span(0, 1, 1)), place(asked(1), one, 50, 50, 50));
    assertEquals(List.of(), place(asked(0), one, 50, 50, 50));
    assertEquals(List.of(span(0, 0, 3)), place(asked(999), one, 100, 100, 100, 100));
  }

  @Test
  void fillsTwoDevices() {
    List<Capacity> two = List.of(device(128), device(256));
    assertEquals(List.of(span(1, 0, 2)), place(Options.DEFAULT, two, 50, 50, 50));
    assertEquals(List.of(span(1, 0, 0), span(0, 1, 2)), place(Options.DEFAULT, two, 256, 50, 50));
    assertEquals(List.of(span(1, 1, 1)), place(Options.DEFAULT, two, 256, 256, 50));
    assertEquals(List.of(span(1, 0, 0), span(0, 1, 1)), place(asked(2), two, 256, 50, 50));
    assertEquals(List.of(span(1, 0, 1), span(0, 2, 2)), place(asked(999), two, 256, 256, 50));
  }

  @Test
  void staysWithinOneLibrary() {
    List<Capacity> two =
        List.of(device(128), new Capacity("rocm", 256 * MIB + RESERVE, RESERVE, false));
    assertEquals(List.of(span(1, 0, 1)), place(Options.DEFAULT, two, 128, 128, 50));
  }

  @Test
  void takesIntegratedDevicesLast() {
    List<Capacity> two =
        List.of(new Capacity("cuda", 256 * MIB + RESERVE, RESERVE, true), device(128));
    assertEquals(
        List.of(span(0, 0, 1), span(1, 2, 2)), place(Options.DEFAULT, two, 100, 100, 100, 100));
    assertEquals(List.of(span(1, 0, 0), span(0, 1, 3)), place(asked(999), two, 100, 100, 100, 100));
  }

  @Test
  void saysWhenAllLayersAreRequiredAndDoNotFit() {
    Options full = new Options(-1, false, true, 0);
    PlacementProblem p = problem(full, List.of(device(256)), 100, 100, 100, 100);
    assertFalse(strategy.place(p).isComplete(p));
    PlacementProblem fits = problem(full, List.of(device(400)), 100, 100, 100, 100);
    assertTrue(strategy.place(fits).isComplete(fits));
    PlacementProblem nowhere = problem(full, List.of(), 100, 100, 100, 100);
    assertEquals(List.of(), strategy.place(nowhere).spans());
    assertTrue(strategy.place(nowhere).isComplete(nowhere));
  }

  @Test
  void balancesDevicesByMemory() {
    long[] ten = new long[10];
    Arrays.fill(ten, 512);
    List<Capacity> equal = List.of(device(4096), device(4096));
    assertEquals(List.of(span(0, 0, 4), span(1, 5, 9)), place(Options.DEFAULT, equal, ten));
    List<Capacity> half = List.of(device(4096), device(2048));
    assertEquals(List.of(span(0, 0, 6), span(1, 7, 9)), place(Options.DEFAULT, half, ten));
  }

  @Test
  void dropsAnOutputThatIsTooLarge() {
    List<Span> spans = place(Options.DEFAULT, List.of(device(2048)), 512, 512, 512, 512, 3000);
    assertEquals(List.of(span(0, 0, 3)), spans);
  }

  @Test
  void placesALargeGemmaWhole() {
    List<Long> layers = new ArrayList<>(Collections.nCopies(62, 250 * MIB));
    layers.add(2900 * MIB);
    Capacity device = new Capacity("cuda", 11_366 * MIB, RESERVE, false);
    PlacementProblem p =
        new PlacementProblem(
            List.of(device, device), layers, 1625 * MIB, 1625 * MIB, Options.DEFAULT);
    Assignment a = strategy.place(p);
    assertEquals(List.of(span(0, 0, 36), span(1, 37, 62)), a.spans());
    assertEquals(List.of(11_332 * MIB, 11_232 * MIB), a.deviceBytes());
    assertEquals(0, a.overflowBytes());
  }

  @Test
  void spreadsOverAllDevicesWhenTold() {
    Options spread = new Options(-1, true, false, 0);
    List<Capacity> three = List.of(device(1000), device(1000), device(1000));
    List<Span> spans = place(spread, three, 100, 100, 100, 100, 100, 100);
    assertEquals(List.of(span(0, 0, 1), span(1, 2, 3), span(2, 4, 5)), spans);
  }

  @Test
  void placesMoreWhereLessIsReserved() {
    long[] layers = {100, 100, 100, 100, 100};
    Capacity careful = new Capacity("cuda", 700 * MIB, RESERVE, false);
    Capacity careless = new Capacity("cuda", 700 * MIB, 0, false);
    assertEquals(List.of(span(0, 2, 3)), place(Options.DEFAULT, List.of(careful), layers));
    assertEquals(List.of(span(0, 0, 4)), place(Options.DEFAULT, List.of(careless), layers));
    Options overhead = new Options(-1, false, false, 500 * MIB);
    assertEquals(List.of(span(0, 2, 3)), place(overhead, List.of(careless), layers));
  }

  @Test
  void neitherReserveNorOverheadWrapAround() {
    Capacity tiny = new Capacity("cuda", 100 * MIB, RESERVE, false);
    for (long overhead : new long[] {0, 200 * MIB, Long.MAX_VALUE}) {
      assertEquals(
          List.of(), place(new Options(-1, false, false, overhead), List.of(tiny), 1, 1, 1));
    }
  }
}
