package dev.serval.engine.plan;

import java.util.List;

/**
 * Which layers go to which device. The spans are neighbours, in the order of the layers; what is
 * before the first and after the last has no device.
 *
 * @param spans layers of each device that has any
 * @param deviceBytes bytes that the strategy counted for each device, by index
 * @param overflowBytes weights and cache of layers without device
 */
public record Assignment(List<Span> spans, List<Long> deviceBytes, long overflowBytes) {

  /**
   * Layers of one device.
   *
   * @param device index of the device
   * @param first first layer
   * @param end layer after the last
   */
  public record Span(int device, int first, int end) {

    /** Checks that there is a layer. */
    public Span {
      if (device < 0 || first < 0 || end <= first) {
        throw new IllegalArgumentException(
            "device=" + device + ", layers [" + first + ", " + end + ")");
      }
    }

    /** Number of layers. */
    public int layers() {
      return end - first;
    }
  }

  /** Checks that the spans are neighbours. */
  public Assignment {
    spans = List.copyOf(spans);
    deviceBytes = List.copyOf(deviceBytes);
    for (int i = 1; i < spans.size(); i++) {
      if (spans.get(i).first() != spans.get(i - 1).end()) {
        throw new IllegalArgumentException("not contiguous: " + spans);
      }
    }
  }

  /** Number of layers that have a device. */
  public int layers() {
    return spans.stream().mapToInt(Span::layers).sum();
  }

  /** Number of layers on one device. */
  public int layers(int device) {
    return spans.stream().filter(s -> s.device() == device).mapToInt(Span::layers).sum();
  }

  /** Bytes counted on all devices. */
  public long placedBytes() {
    return deviceBytes.stream()
        .mapToLong(Long::longValue)
        .reduce(0, PlacementProblem::saturatedSum);
  }

  /** Bytes counted in all. */
  public long totalBytes() {
    return PlacementProblem.saturatedSum(placedBytes(), overflowBytes);
  }

  /** Whether as many layers have a device as were asked for; true where there is no device. */
  public boolean isComplete(PlacementProblem problem) {
    int requested = problem.options().requestedLayers();
    return problem.devices().isEmpty()
        || layers() == problem.layers()
        || (requested != PlacementProblem.AUTOMATIC && layers() >= requested);
  }
}
