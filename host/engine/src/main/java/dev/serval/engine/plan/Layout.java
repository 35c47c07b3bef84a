package dev.serval.engine.plan;

import dev.serval.api.memory.MemoryUse;
import java.util.ArrayList;
import java.util.List;

/**
 * Where the stages of a model go, and what they take there, exact to the byte. Devices are numbered
 * as the planner has them; the host, if there is one, comes after them.
 *
 * @param devices the devices
 * @param stages stages in the order of the graph
 * @param placed units that have a device other than the host, the embedding not counted
 * @param placeable units that could have one
 */
record Layout(List<PlanDevice> devices, List<Stage> stages, int placed, int placeable) {

  /**
   * A stage.
   *
   * @param device index of its device
   * @param name what it holds, for people
   * @param use what it takes
   */
  record Stage(int device, String name, MemoryUse use) {}

  /** Copies the lists. */
  Layout {
    devices = List.copyOf(devices);
    stages = List.copyOf(stages);
  }

  /** What all stages of a device take. */
  MemoryUse use(int device) {
    return stages.stream()
        .filter(s -> s.device() == device)
        .map(Stage::use)
        .reduce(MemoryUse.NONE, MemoryUse::plus);
  }

  /** Names of the stages of a device. */
  List<String> names(int device) {
    List<String> names = new ArrayList<>();
    for (Stage s : stages) {
      if (s.device() == device) {
        names.add(s.name());
      }
    }
    return names;
  }

  /** Bytes that a device has left; negative if it lacks some. */
  long leftBytes(int device) {
    return devices.get(device).usableBytes() - use(device).totalBytes();
  }

  /** Bytes that all devices together lack. */
  long missingBytes() {
    long missing = 0;
    for (int d = 0; d < devices.size(); d++) {
      missing = Math.addExact(missing, Math.max(0, -leftBytes(d)));
    }
    return missing;
  }

  /** Whether no layer is left to the host that could be elsewhere. */
  boolean complete() {
    return placed == placeable;
  }

  /** Whether every device has room. */
  boolean fits() {
    return missingBytes() == 0;
  }
}
