package dev.serval.engine.plan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.engine.plan.Assignment.Span;
import dev.serval.engine.plan.PlacementProblem.Options;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Against known results of Ollama's {@code llm/memory.go}. */
class RoundRobinPlacementTest {

  private static final long MIB = 1 << 20;
  private static final long RESERVE = 457 * MIB;
  private static final Options SPREAD = new Options(-1, true, false, 0);

  private final PlacementStrategy strategy = new RoundRobinPlacement();

  @ParameterizedTest
  @CsvSource({
    // layers each device has room for, layers it gets
    "1, 1, 1, 1",
    "2, 1, 2, 1",
    "2, 2, 2, 2",
    "1, 2, 1, 2",
    "3, 3, 3, 3",
    "4, 4, 3, 3",
    "6, 6, 3, 3",
    "0, 3, 0, 3"
  })
  void dealsLayersOfADummyLlama(int room0, int room1, int layers0, int layers1) {
    OriginEstimate llama = new OriginEstimate(4096, 32, 32, 128, 1, 5);
    OriginEstimate.Run run = OriginEstimate.Run.f16(2048, 1);
    assertEquals(33_554_432, llama.kvPerBlock(run));
    OriginEstimate.Graphs graphs = llama.llamaGraphs(run);
    assertEquals(new OriginEstimate.Graphs(171_968_512, 202_377_216), graphs);
    long layer = llama.kvPerBlock(run) + 4;
    List<Long> layers = new ArrayList<>(Collections.nCopies(5, layer));
    layers.add(4L);
    List<Capacity> devices = new ArrayList<>();
    boolean first = true;
    for (int room : new int[] {room0, room1}) {
      long free = RESERVE + layer * (1 + room) + 1 + graphs.partial();
      if (first && room > 0) {
        free += 4;
        first = false;
      }
      devices.add(new Capacity("cuda", free, RESERVE, false));
    }
    PlacementProblem p =
        new PlacementProblem(devices, layers, graphs.partial(), graphs.full(), SPREAD);
    Assignment a = strategy.place(p);
    assertEquals(layers0, a.layers(0));
    assertEquals(layers1, a.layers(1));
    assertTrue(a.totalBytes() >= a.placedBytes());
    assertEquals(layers0 + layers1 == 6, a.totalBytes() == a.placedBytes());
    assertEquals(layers0 + layers1 == 6, a.isComplete(p));
  }

  @Test
  void leavesTheOutputOfALargeGemmaToTheHost() {
    List<Long> layers = new ArrayList<>(Collections.nCopies(62, 250 * MIB));
    layers.add(2900 * MIB);
    Capacity device = new Capacity("cuda", 11_366 * MIB, RESERVE, false);
    PlacementProblem p =
        new PlacementProblem(
            List.of(device, device), layers, 1625 * MIB, 1625 * MIB, Options.DEFAULT);
    Assignment a = strategy.place(p);
    assertEquals(List.of(new Span(0, 0, 31), new Span(1, 31, 62)), a.spans());
    assertEquals(List.of(10_082 * MIB, 10_082 * MIB), a.deviceBytes()); // 9.85 GiB
    assertEquals(2900 * MIB, a.overflowBytes());
    assertFalse(a.isComplete(p));
  }

  @Test
  void usesOneDeviceWhereOneIsEnough() {
    Capacity small = new Capacity("cuda", 2000 * MIB, RESERVE, false);
    Capacity large = new Capacity("cuda", 4000 * MIB, RESERVE, false);
    List<Long> layers = Collections.nCopies(5, 300 * MIB);
    Assignment one =
        strategy.place(new PlacementProblem(List.of(small, large), layers, 0, 0, Options.DEFAULT));
    assertEquals(List.of(new Span(1, 0, 5)), one.spans());
    Assignment spread =
        strategy.place(new PlacementProblem(List.of(small, large), layers, 0, 0, SPREAD));
    assertEquals(List.of(new Span(1, 0, 3), new Span(0, 3, 5)), spread.spans());
  }

  @ParameterizedTest
  @CsvSource({"0, 0, 0", "1, 4, 5", "3, 2, 5", "5, 0, 5", "6, 0, 6", "999, 0, 6"})
  void placesTheLayersThatAreAskedFor(int requested, int first, int end) {
    PlacementProblem p =
        new PlacementProblem(
            List.of(new Capacity("cuda", 100_000, 0, false)),
            Collections.nCopies(6, 10L),
            5,
            5,
            new Options(requested, false, false, 0));
    List<Span> expected = end == 0 ? List.of() : List.of(new Span(0, first, end));
    assertEquals(expected, strategy.place(p).spans());
  }

  @Test
  void neitherReserveNorOverheadWrapAround() {
    Capacity tiny = new Capacity("cuda", 100 * MIB, RESERVE, false);
    List<Long> layers = Collections.nCopies(4, 90 * MIB);
    for (long overhead : new long[] {0, 200 * MIB, Long.MAX_VALUE}) {
      Options options = new Options(-1, false, false, overhead);
      PlacementProblem p = new PlacementProblem(List.of(tiny), layers, Long.MAX_VALUE, 0, options);
      assertEquals(List.of(), strategy.place(p).spans());
    }
  }
}
