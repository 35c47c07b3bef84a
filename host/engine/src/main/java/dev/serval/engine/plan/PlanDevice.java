package dev.serval.engine.plan;

import dev.serval.api.backend.Backend;
import dev.serval.api.backend.CompileSpec;
import dev.serval.api.backend.DeviceProfile;
import dev.serval.api.graph.Graph;
import dev.serval.api.memory.MemoryUse;
import java.util.function.ToLongFunction;

/**
 * A device to plan for, real or imaginary.
 *
 * @param id id of the device
 * @param backend what would compute there
 * @param profile what the backend needs to know for a plan
 * @param graph the whole model as the backend takes it
 * @param copiedBytes copies of weights that a stage of the graph keeps beside what the backend
 *     takes
 * @param freeBytes memory that nobody uses
 * @param reserveBytes what of it stays untouched
 * @param integrated whether it shares the memory of the host
 */
public record PlanDevice(
    String id,
    Backend backend,
    DeviceProfile profile,
    Graph graph,
    ToLongFunction<Graph> copiedBytes,
    long freeBytes,
    long reserveBytes,
    boolean integrated) {

  /** Memory that a model may take. */
  long usableBytes() {
    return PlacementProblem.saturatedDifference(freeBytes, reserveBytes);
  }

  /** What a stage of the graph takes here, exactly. */
  MemoryUse plan(Graph stage, CompileSpec spec) {
    MemoryUse copies = new MemoryUse(copiedBytes.applyAsLong(stage), 0, 0, 0);
    return backend.plan(stage, spec, profile).plus(copies);
  }

  /** Whether plans for the other device are the same. */
  boolean isLike(PlanDevice other) {
    return backend.equals(other.backend)
        && profile.computeUnits() == other.profile.computeUnits()
        && profile.vectorBits() == other.profile.vectorBits()
        && profile.attributes().equals(other.profile.attributes());
  }
}
