package dev.serval.api.backend;

import java.util.Map;

/**
 * What a plan needs to know of a device; also describes imaginary ones.
 *
 * @param memoryBytes memory of the device
 * @param computeUnits threads of a CPU team, multiprocessors of a GPU
 * @param vectorBits width of a CPU's vectors in bits; 0 if there are none
 * @param attributes further facts for reports, such as {@code compute capability}
 */
public record DeviceProfile(
    long memoryBytes, int computeUnits, int vectorBits, Map<String, String> attributes) {

  /** Copies the map. */
  public DeviceProfile {
    attributes = Map.copyOf(attributes);
  }
}
