package dev.serval.api.runtime;

import dev.serval.api.memory.DeviceMemory;
import dev.serval.api.memory.MemoryUse;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Where a model would go and what it would take there, exact to the byte.
 *
 * @param name name of the model
 * @param architecture {@code general.architecture} after repair
 * @param contextLength tokens a sequence may hold
 * @param maxSequences generations that may run at once
 * @param layers layers, the output included
 * @param rows the devices that take part, the host last
 * @param shortfall what is missing; absent if the model fits
 * @param notes what the user should know, such as the backend that imaginary devices stand for
 */
public record MemoryPlan(
    String name,
    String architecture,
    int contextLength,
    int maxSequences,
    int layers,
    List<Row> rows,
    Optional<Shortfall> shortfall,
    List<String> notes) {

  /**
   * One device.
   *
   * @param memory what the model takes and what is left; a device that lacks memory has 0 left
   * @param backend backend whose plan this is
   * @param stages parts of the model in order, such as {@code embed..layer 12}
   */
  public record Row(DeviceMemory memory, String backend, List<String> stages) {
    /** Copies the list. */
    public Row {
      stages = List.copyOf(stages);
    }
  }

  /**
   * Why the model does not fit.
   *
   * @param missingBytes bytes that all devices together lack
   * @param largestContext the largest context that fits; absent if none does
   */
  public record Shortfall(long missingBytes, OptionalInt largestContext) {}

  /** Copies the lists. */
  public MemoryPlan {
    rows = List.copyOf(rows);
    notes = List.copyOf(notes);
  }

  /** What the model takes on all devices. */
  public MemoryUse use() {
    return rows.stream().map(r -> r.memory().use()).reduce(MemoryUse.NONE, MemoryUse::plus);
  }
}
