package dev.serval.tck.far;

import dev.serval.api.backend.Backend;
import dev.serval.api.backend.CompileSpec;
import dev.serval.api.backend.Device;
import dev.serval.api.backend.DeviceProfile;
import dev.serval.api.backend.DeviceReport;
import dev.serval.api.backend.Placement;
import dev.serval.api.backend.Program;
import dev.serval.api.backend.Support;
import dev.serval.api.backend.WeightUse;
import dev.serval.api.graph.Graph;
import dev.serval.api.graph.Op;
import dev.serval.api.memory.MemoryUse;
import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.Weights;
import java.util.ArrayList;
import java.util.List;

/**
 * Another backend, seen through the api as if it ran on two GPUs. Keeps the contract honest for
 * devices whose memory the host cannot see:
 *
 * <ul>
 *   <li>two devices, {@code far0} and {@code far1}, each with a thread on which all of its work is
 *       done, in order; a submitted step ends whenever it ends;
 *   <li>the wrapped backend gets its own steps, and a copy of the weights made when they are
 *       placed; nothing of the host's reaches it;
 *   <li>the memory of a submitted step is full of {@link FarStep#POISON} until it is awaited; who
 *       reads it gets numbers that are NaN and negative, who writes it gets an {@link
 *       IllegalStateException} from {@link Program#await};
 *   <li>results that a step should compute and does not are poison; writes beside them are found;
 *   <li>cache rows pass through a buffer, and only between steps.
 * </ul>
 *
 * <p>Plans count its copies. Programs have the wrapped programs' {@link Program#numericsId}. What a
 * host must not do is an {@link IllegalStateException}. Thread-safe. The wrapped backend stays the
 * caller's, who closes it after this one.
 */
public final class FarBackend implements Backend, AutoCloseable {

  private static final int DEVICES = 2;

  private final Backend inner;
  private final String name;
  private final List<FarDevice> devices = new ArrayList<>();
  private final FarPlacements placements = new FarPlacements();

  /** Wraps the first device of a backend. */
  public FarBackend(Backend inner) {
    this.inner = inner;
    this.name = "far-" + inner.name();
    Device there = inner.devices().devices().getFirst();
    for (int i = 0; i < DEVICES; i++) {
      Device seen = new Device("far" + i, name, "far from " + there.description(), there.profile());
      devices.add(new FarDevice(seen, there));
    }
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public DeviceReport devices() {
    List<Device> seen = devices.stream().map(FarDevice::description).toList();
    return new DeviceReport(seen, List.of(), List.of("for tests: " + inner.name() + ", from afar"));
  }

  @Override
  public int score(Device device) {
    return devices.stream()
        .filter(d -> d.description().equals(device))
        .mapToInt(d -> inner.score(d.there()))
        .sum();
  }

  private FarDevice device(Device device) {
    return devices.stream()
        .filter(d -> d.description().equals(device))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("not a device of this backend: " + device));
  }

  @Override
  public Support supports(Op op, DataType kvType, Device device) {
    return inner.supports(op, kvType, device(device).there());
  }

  @Override
  public MemoryUse plan(Graph graph, CompileSpec spec, DeviceProfile profile) {
    MemoryUse copies =
        new MemoryUse(WeightsCopy.leasedBytes(graph), 0, 0, FarProgram.stagingBytes(graph, spec));
    return inner.plan(graph, spec, profile).plus(copies);
  }

  @Override
  public WeightUse weightUse(Graph graph) {
    return WeightUse.allRelaid(graph);
  }

  @Override
  public Placement place(Weights weights, Graph graph, CompileSpec spec, Device device) {
    return placements.place(inner, weights, graph, spec, device(device));
  }

  @Override
  public Program compile(Graph graph, Placement placement, CompileSpec spec) {
    if (!(placement instanceof FarPlacement own) || !devices.contains(own.far())) {
      throw new IllegalArgumentException("placed by another backend: " + placement);
    }
    Program there = own.far().call(() -> inner.compile(graph, own.there(), spec));
    boolean compiled = false;
    try {
      Program program = new FarProgram(graph, spec, own, there);
      compiled = true;
      return program;
    } finally {
      if (!compiled) {
        own.far().cleanUp(there::close);
      }
    }
  }

  /** Finishes what is queued and ends both threads. */
  @Override
  public void close() {
    devices.forEach(FarDevice::close);
  }
}
