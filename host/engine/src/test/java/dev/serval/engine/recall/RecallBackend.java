package dev.serval.engine.recall;

import dev.serval.api.backend.Backend;
import dev.serval.api.backend.CompileSpec;
import dev.serval.api.backend.Device;
import dev.serval.api.backend.DeviceProfile;
import dev.serval.api.backend.DeviceReport;
import dev.serval.api.backend.Placement;
import dev.serval.api.backend.Program;
import dev.serval.api.backend.Support;
import dev.serval.api.graph.Composite;
import dev.serval.api.graph.Graph;
import dev.serval.api.graph.Op;
import dev.serval.api.memory.BufferPool;
import dev.serval.api.memory.MemoryUse;
import dev.serval.api.memory.PooledBuffer;
import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.Weights;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Compiles to {@link RecallProgram}; refuses and fails as it is told. */
public class RecallBackend implements Backend {

  private final String name;
  private final int score;

  /** Name of the method that throws. */
  public volatile @Nullable String failing;

  /** Why nothing is supported. */
  public volatile @Nullable String refusal;

  /** Whether placements keep their memory when they are closed. */
  public volatile boolean leaking;

  /** The program compiled last. */
  public volatile @Nullable RecallProgram program;

  public RecallBackend(String name, int score) {
    this.name = name;
    this.score = score;
  }

  private void enter(String method) {
    if (method.equals(failing)) {
      throw new UnsupportedOperationException("told to fail in " + method);
    }
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public DeviceReport devices() {
    DeviceProfile profile = new DeviceProfile(0, 1, 0, Map.of());
    return new DeviceReport(
        List.of(new Device("recall-device", name, "a device of " + name, profile)),
        List.of(new DeviceReport.Missing("second device", "there is only one")),
        List.of());
  }

  @Override
  public int score(Device device) {
    return score;
  }

  @Override
  public Support supports(Op op, DataType kvType, Device device) {
    enter("supports");
    String reason = refusal;
    if (reason != null) {
      return Support.no(reason);
    }
    return op instanceof Composite ? Support.no("composites are lowered") : Support.yes();
  }

  @Override
  public MemoryUse plan(Graph graph, CompileSpec spec, DeviceProfile profile) {
    enter("plan");
    return new MemoryUse(BufferPool.leasedBytes(1), 0, 0, 0);
  }

  @Override
  public Placement place(Weights weights, Graph graph, CompileSpec spec, Device device) {
    enter("place");
    CompileSpec.Resources resources = spec.resources();
    PooledBuffer buffer = resources.pool().lease(1, resources.holder());
    resources.budget().reserve(buffer.leasedBytes(), resources.holder());
    weights.data(graph.weights().getFirst().source());
    return new Placement() {
      @Override
      public Device device() {
        return device;
      }

      @Override
      public long leasedBytes() {
        return buffer.leasedBytes();
      }

      @Override
      public List<String> notes() {
        return List.of("weights were looked at");
      }

      @Override
      public void close() {
        if (leaking) {
          return;
        }
        resources.budget().release(buffer.leasedBytes());
        buffer.close();
      }
    };
  }

  @Override
  public Program compile(Graph graph, Placement placement, CompileSpec spec) {
    enter("compile");
    RecallProgram made = new RecallProgram(graph, spec.limits());
    made.failNewStep("newStep".equals(failing));
    program = made;
    return made;
  }
}
