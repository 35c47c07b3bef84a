package dev.serval.engine.plan;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A model to be put on devices, in sizes. Layers are numbered from 0; the last one is the output.
 * All sizes are bytes.
 *
 * @param devices devices, by index
 * @param layerBytes weights and cache of each layer, and of the output
 * @param partialGraphBytes further memory of a device if some layers are elsewhere
 * @param fullGraphBytes further memory of a device that has them all
 * @param options what was asked for
 */
public record PlacementProblem(
    List<Capacity> devices,
    List<Long> layerBytes,
    long partialGraphBytes,
    long fullGraphBytes,
    Options options) {

  /** As many layers as fit. */
  public static final int AUTOMATIC = -1;

  /**
   * What a user may ask for.
   *
   * @param requestedLayers layers to put on devices, counted from the end; {@link #AUTOMATIC} for
   *     as many as fit, 0 for none, more than there are for all
   * @param spread whether to use all devices even where fewer do
   * @param requireFull whether a placement of fewer layers is of no use
   * @param overheadBytes memory of each device that something else will take
   */
  public record Options(
      int requestedLayers, boolean spread, boolean requireFull, long overheadBytes) {

    /** As many layers as fit on as few devices as possible. */
    public static final Options DEFAULT = new Options(AUTOMATIC, false, false, 0);

    /** Checks ranges. */
    public Options {
      if (requestedLayers < AUTOMATIC || overheadBytes < 0) {
        throw new IllegalArgumentException(
            "requestedLayers=" + requestedLayers + ", overheadBytes=" + overheadBytes);
      }
    }
  }

  /** Copies the lists and checks sizes. */
  public PlacementProblem {
    devices = List.copyOf(devices);
    layerBytes = List.copyOf(layerBytes);
    if (layerBytes.isEmpty() || partialGraphBytes < 0 || fullGraphBytes < 0) {
      throw new IllegalArgumentException(
          layerBytes.size()
              + " layers, partialGraphBytes="
              + partialGraphBytes
              + ", fullGraphBytes="
              + fullGraphBytes);
    }
    for (long bytes : layerBytes) {
      if (bytes < 0) {
        throw new IllegalArgumentException("a layer of " + bytes + " bytes");
      }
    }
  }

  /** Layers, the output included. */
  int layers() {
    return layerBytes.size();
  }

  /** What the layers from {@code first} until {@code end} take. */
  long bytes(int first, int end) {
    long sum = 0;
    for (long bytes : layerBytes.subList(first, end)) {
      sum = saturatedSum(sum, bytes);
    }
    return sum;
  }

  /**
   * Indices of the devices, one list for each library; best devices and their libraries first:
   * those with memory of their own, then by free memory.
   */
  List<List<Integer>> devicesByLibrary() {
    List<Integer> order = new ArrayList<>();
    for (int i = 0; i < devices.size(); i++) {
      order.add(i);
    }
    order.sort(
        Comparator.comparing((Integer i) -> devices.get(i).integrated())
            .thenComparing(i -> devices.get(i).freeBytes(), Comparator.reverseOrder()));
    Map<String, List<Integer>> groups = new LinkedHashMap<>();
    for (int i : order) {
      groups.computeIfAbsent(devices.get(i).library(), l -> new ArrayList<>()).add(i);
    }
    return List.copyOf(groups.values());
  }

  /** The sum, or {@link Long#MAX_VALUE} if that is less. */
  static long saturatedSum(long a, long b) {
    return a > Long.MAX_VALUE - b ? Long.MAX_VALUE : a + b;
  }

  /** The difference, or 0 if that is more. */
  static long saturatedDifference(long a, long b) {
    return Math.max(0, a - b);
  }
}
