package dev.serval.engine.plan;

import static dev.serval.engine.plan.PlacementProblem.saturatedDifference;
import static dev.serval.engine.plan.PlacementProblem.saturatedSum;

import dev.serval.engine.plan.Assignment.Span;
import java.util.ArrayList;
import java.util.List;

/**
 * Puts as many layers as possible on as few devices of one library as possible, and balances those:
 * devices are filled from the last layer to the first, from the least device to the best, and the
 * smallest share of every device's memory that still takes as many layers decides. If not all
 * layers fit, the output is the first to go.
 *
 * <p>Ollama's algorithm since 2025 ({@code llm/server.go}), in double precision.
 */
public final class BalancedPlacement implements PlacementStrategy {

  /** A share of memory that no demand exceeds in practice: for layers that must be placed. */
  private static final double FORCED_SHARE = 1000;

  /** How exactly the share is found. */
  private static final double SHARE_STEP = 1e-6;

  /** Creates the strategy, which has no state. */
  public BalancedPlacement() {}

  /** Devices to be filled together, best first. */
  private record Group(List<Integer> devices, List<Long> usableBytes) {}

  @Override
  public Assignment place(PlacementProblem p) {
    List<Span> most = List.of();
    for (List<Integer> devices : p.devicesByLibrary()) {
      List<Span> spans = assign(p, devices);
      if (count(spans) > count(most)) {
        most = spans;
      }
    }
    return assignment(p, most);
  }

  private static long usableBytes(PlacementProblem p, int device) {
    Capacity c = p.devices().get(device);
    long graph = Math.max(p.partialGraphBytes(), p.fullGraphBytes());
    long kept = saturatedSum(c.reserveBytes(), saturatedSum(p.options().overheadBytes(), graph));
    return saturatedDifference(c.freeBytes(), kept);
  }

  private static int count(List<Span> spans) {
    return spans.stream().mapToInt(Span::layers).sum();
  }

  /** The devices of one library: all layers, else all but the output. */
  private static List<Span> assign(PlacementProblem p, List<Integer> devices) {
    PlacementProblem.Options options = p.options();
    List<Span> spans = List.of();
    for (int end = p.layers(); end >= p.layers() - 1; end--) {
      int requested = Math.min(end, options.requestedLayers());
      int n = options.spread() ? devices.size() : 1;
      while (true) {
        boolean forced = n == devices.size() && !options.requireFull();
        spans = bestFit(p, devices.subList(0, n), end, requested, forced);
        int count = count(spans);
        if (n == devices.size() || count == end || count == requested) {
          break;
        }
        n++;
      }
      if (count(spans) == p.layers()) {
        break;
      }
    }
    return spans;
  }

  /** Layers until {@code end}, on devices with memory of their own, then on the others. */
  private static List<Span> bestFit(
      PlacementProblem p, List<Integer> devices, int end, int requested, boolean forced) {
    List<Span> all = new ArrayList<>();
    int left = end;
    int stillRequested = requested;
    for (Group group : groups(p, devices)) {
      double high = stillRequested >= 0 && forced ? FORCED_SHARE : 1;
      double low = 0;
      List<Span> best = fill(p, group, left, high, stillRequested);
      int count = count(best);
      while (high - low > SHARE_STEP) {
        double middle = (low + high) / 2;
        List<Span> spans = fill(p, group, left, middle, stillRequested);
        if (count(spans) == count) {
          high = middle;
          best = spans;
        } else {
          low = middle;
        }
      }
      all.addAll(0, best);
      left -= count;
      stillRequested = requested < 0 ? requested : stillRequested - count;
    }
    return all;
  }

  /** Who asks for a number of layers wants them by memory, whatever the kind of device. */
  private static List<Group> groups(PlacementProblem p, List<Integer> devices) {
    boolean equal = p.options().requestedLayers() >= 0 || p.options().spread();
    List<Group> groups = new ArrayList<>();
    for (boolean integrated : new boolean[] {false, true}) {
      List<Integer> members =
          devices.stream()
              .filter(d -> (!equal && p.devices().get(d).integrated()) == integrated)
              .toList();
      if (!members.isEmpty()) {
        groups.add(new Group(members, members.stream().map(d -> usableBytes(p, d)).toList()));
      }
    }
    return groups;
  }

  /** Fills a share of each device, the last device and the last layer first. */
  private static List<Span> fill(
      PlacementProblem p, Group group, int end, double share, int requested) {
    List<Span> spans = new ArrayList<>();
    int lowest = requested < 0 ? 0 : Math.max(0, end - requested);
    int layer = end;
    for (int i = group.devices().size() - 1; i >= 0 && layer > lowest; i--) {
      long free = (long) (group.usableBytes().get(i) * share);
      int last = layer;
      while (layer > lowest && p.layerBytes().get(layer - 1) <= free) {
        layer--;
        free -= p.layerBytes().get(layer);
      }
      if (layer < last) {
        spans.addFirst(new Span(group.devices().get(i), layer, last));
      }
    }
    return spans;
  }

  private static Assignment assignment(PlacementProblem p, List<Span> spans) {
    int first = spans.isEmpty() ? p.layers() : spans.getFirst().first();
    int end = spans.isEmpty() ? p.layers() : spans.getLast().end();
    long[] bytes = new long[p.devices().size()];
    for (Span s : spans) {
      Capacity c = p.devices().get(s.device());
      long graph = first == 0 && end == p.layers() ? p.fullGraphBytes() : p.partialGraphBytes();
      bytes[s.device()] =
          saturatedSum(saturatedSum(c.reserveBytes(), graph), p.bytes(s.first(), s.end()));
    }
    List<Long> deviceBytes = new ArrayList<>();
    for (long b : bytes) {
      deviceBytes.add(b);
    }
    long overflow = saturatedSum(p.bytes(0, first), p.bytes(end, p.layers()));
    return new Assignment(spans, deviceBytes, overflow);
  }
}
