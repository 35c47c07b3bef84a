package dev.serval.engine.plan;

import static dev.serval.engine.plan.PlacementProblem.saturatedSum;

import dev.serval.engine.plan.Assignment.Span;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Deals layers out to devices in turn, from the last layer to the first, so that devices get equal
 * numbers as long as they have room. Each device keeps room for one layer more than it gets. The
 * numbers are what counts: layers are then handed out in their order, so that each device has
 * neighbours.
 *
 * <p>Ollama's algorithm until 2025 ({@code llm/memory.go}). Uses as few devices of one library as
 * hold the whole model; if none do, the library that takes most.
 */
public final class RoundRobinPlacement implements PlacementStrategy {

  /** Creates the strategy, which has no state. */
  public RoundRobinPlacement() {}

  @Override
  public Assignment place(PlacementProblem p) {
    @Nullable Assignment most = null;
    for (List<Integer> devices : p.devicesByLibrary()) {
      int fewest = p.options().spread() ? devices.size() : 1;
      for (int n = fewest; n <= devices.size(); n++) {
        Assignment a = new Deal(p, devices.subList(0, n)).assignment();
        if (a.layers() > 0 && a.isComplete(p)) {
          return a;
        }
        if (n == devices.size() && (most == null || a.placedBytes() > most.placedBytes())) {
          most = a;
        }
      }
    }
    return most != null ? most : new Deal(p, List.of()).assignment();
  }

  /** One round of cards. */
  private static final class Deal {
    private final PlacementProblem problem;
    private final List<Integer> devices;
    private final int blocks;
    private final long partialGraph;
    private final long fullGraph;
    private final long[] taken;
    private final int[] counts;

    /** Devices that still take layers. */
    private final List<Integer> open = new ArrayList<>();

    private int placed;
    private boolean outputPlaced;

    Deal(PlacementProblem problem, List<Integer> devices) {
      this.problem = problem;
      this.devices = devices;
      blocks = problem.layers() - 1;
      partialGraph = problem.partialGraphBytes();
      fullGraph = devices.size() > 1 ? partialGraph : problem.fullGraphBytes();
      taken = new long[problem.devices().size()];
      counts = new int[problem.devices().size()];
      open();
      dealBlocks();
      dealOutput();
    }

    /** Leaves devices out that have no room for a graph and two layers. */
    private void open() {
      long layer = problem.layerBytes().getFirst();
      for (int d : devices) {
        long reserve = problem.devices().get(d).reserveBytes();
        long least = saturatedSum(saturatedSum(reserve, layer), layer);
        if (problem.devices().get(d).freeBytes() >= withGraph(least)) {
          open.add(d);
          taken[d] = reserve + layer;
        }
      }
    }

    /** Adds what every device needs beside layers. */
    private long withGraph(long bytes) {
      long graph = Math.max(partialGraph, fullGraph);
      return saturatedSum(saturatedSum(problem.options().overheadBytes(), graph), bytes);
    }

    private boolean wanted() {
      int requested = problem.options().requestedLayers();
      return requested == PlacementProblem.AUTOMATIC || placed < requested;
    }

    private boolean give(int device, int layer) {
      long after = saturatedSum(taken[device], problem.layerBytes().get(layer));
      if (problem.devices().get(device).freeBytes() <= withGraph(after)) {
        return false;
      }
      taken[device] = after;
      counts[device]++;
      placed++;
      return true;
    }

    private void dealBlocks() {
      for (int layer = blocks - 1; layer >= 0 && wanted(); layer--) {
        while (!open.isEmpty()) {
          int turn = layer % open.size();
          if (give(open.get(turn), layer)) {
            break;
          }
          open.remove(/* index */ turn);
        }
      }
    }

    private void dealOutput() {
      if (wanted()) {
        for (int n = open.size(); n > 0 && !outputPlaced; n--) {
          outputPlaced = give(open.get(placed % n), blocks);
        }
      }
    }

    Assignment assignment() {
      List<Span> spans = new ArrayList<>();
      List<Long> bytes = new ArrayList<>();
      int end = outputPlaced ? blocks + 1 : blocks;
      int first = end - placed;
      long overflow = saturatedSum(problem.bytes(0, first), problem.bytes(end, blocks + 1));
      for (int d : devices) {
        if (counts[d] > 0) {
          spans.add(new Span(d, first, first + counts[d]));
          first += counts[d];
        }
      }
      long graph = placed >= blocks + 1 ? fullGraph : partialGraph;
      for (int d = 0; d < taken.length; d++) {
        bytes.add(counts[d] > 0 ? saturatedSum(taken[d], graph) : taken[d]);
      }
      return new Assignment(spans, bytes, overflow);
    }
  }
}
