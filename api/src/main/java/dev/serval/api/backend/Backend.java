package dev.serval.api.backend;

import dev.serval.api.error.ModelRefusedException;
import dev.serval.api.error.OutOfBudgetException;
import dev.serval.api.graph.Graph;
import dev.serval.api.graph.Op;
import dev.serval.api.memory.MemoryUse;
import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.Weights;
import org.osgi.annotation.versioning.ProviderType;

/**
 * Compiles graphs for devices. An OSGi service, and a {@link java.util.ServiceLoader} provider with
 * a public constructor without arguments.
 *
 * <p>Thread-safe. Sees no model and no host.
 */
@ProviderType
public interface Backend {

  /** Service property that repeats {@link #name}. */
  String PROPERTY_NAME = "serval.backend";

  /** Short stable name, such as {@code cpu}. */
  String name();

  /** Devices and, for each missing one, the reason; never an exception. */
  DeviceReport devices();

  /**
   * How well the backend suits a device that it reported; the highest score among backends wins.
   *
   * @return 0 to refuse
   */
  int score(Device device);

  /**
   * Whether the backend computes an op on a device. A composite it does not know is lowered before
   * it is asked.
   *
   * @param op the op with its weights' types
   * @param kvType element type of the cache
   */
  Support supports(Op op, DataType kvType, Device device);

  /**
   * The bytes that placing and compiling will lease, and the first step, exactly, tier rounding
   * included. Pure; works without the device.
   */
  MemoryUse plan(Graph graph, CompileSpec spec, DeviceProfile profile);

  /**
   * Which tensors stay where they are and which are re-laid, uploaded or converted. Pure; works
   * without the device.
   */
  default WeightUse weightUse(Graph graph) {
    return WeightUse.allInPlace(graph);
  }

  /**
   * Puts the weights of a graph on a device.
   *
   * @throws OutOfBudgetException if they do not fit
   * @throws ModelRefusedException ({@code TYPE_UNSUPPORTED}) if a weight's type is not supported
   */
  Placement place(Weights weights, Graph graph, CompileSpec spec, Device device);

  /**
   * Compiles a graph for weights placed before.
   *
   * @param placement made by this backend for the same graph; stays the caller's
   * @throws OutOfBudgetException if buffers or caches do not fit
   * @throws ModelRefusedException ({@code NO_BACKEND}) if an op is not supported
   */
  Program compile(Graph graph, Placement placement, CompileSpec spec);
}
