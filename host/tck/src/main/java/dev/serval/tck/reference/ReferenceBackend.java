package dev.serval.tck.reference;

import dev.serval.api.backend.Backend;
import dev.serval.api.backend.CompileSpec;
import dev.serval.api.backend.Device;
import dev.serval.api.backend.DeviceProfile;
import dev.serval.api.backend.DeviceReport;
import dev.serval.api.backend.Placement;
import dev.serval.api.backend.Program;
import dev.serval.api.backend.StepLayout;
import dev.serval.api.backend.Support;
import dev.serval.api.error.ModelRefusedException;
import dev.serval.api.error.ModelRefusedException.Reason;
import dev.serval.api.graph.AttentionOp;
import dev.serval.api.graph.Graph;
import dev.serval.api.graph.Mark;
import dev.serval.api.graph.Node;
import dev.serval.api.graph.Op;
import dev.serval.api.kv.KvSlot;
import dev.serval.api.memory.BufferPool;
import dev.serval.api.memory.MemoryUse;
import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.TensorView;
import dev.serval.api.tensor.Weights;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Interprets graphs with obvious scalar loops in double precision: slow, and the oracle of every
 * other backend. Composites are lowered. Weights are read in place and decoded to exact F32; the
 * cache is F32 or F16; values on the way are Java arrays, so that only the cache and the steps are
 * leased. Mode and flash make no difference. What is rounded where: see {@code Interpreter}.
 *
 * <p>Keeps the contract strictly: what a host must not do is an {@link IllegalStateException} here.
 */
public final class ReferenceBackend implements Backend {

  private static final String NAME = "reference";

  private static final List<DataType> CACHE_TYPES =
      List.of(DataType.F32, DataType.F16, DataType.Q8_0, DataType.Q4_0);

  private final Device device =
      new Device(
          NAME,
          NAME,
          "scalar loops in double precision",
          new DeviceProfile(Runtime.getRuntime().maxMemory(), 1, 0, Map.of()));

  private final Consumer<Mark> probe;

  /** Creates the backend. */
  public ReferenceBackend() {
    this(_ -> {});
  }

  /**
   * Creates a backend that tells how far it is.
   *
   * @param probe called with its mark before each part of a graph, on the thread that computes
   */
  public ReferenceBackend(Consumer<Mark> probe) {
    this.probe = probe;
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public DeviceReport devices() {
    return new DeviceReport(List.of(device), List.of(), List.of("for comparison, not for use"));
  }

  @Override
  public int score(Device candidate) {
    return candidate.equals(device) ? 1 : 0;
  }

  @Override
  public Support supports(Op op, DataType kvType, Device where) {
    List<String> reasons = new ArrayList<>();
    for (TensorView w : op.weights()) {
      if (!RowDecoder.types().contains(w.type())) {
        reasons.add("weights of type " + w.type());
      }
    }
    switch (op) {
      case AttentionOp.Attend a -> cacheProblem(a.slot(), kvType, reasons);
      case AttentionOp.KvStore s -> cacheProblem(s.slot(), kvType, reasons);
      default -> {}
    }
    return reasons.isEmpty() ? Support.yes() : new Support.No(reasons);
  }

  private static void cacheProblem(KvSlot slot, DataType kvType, List<String> reasons) {
    if (!CACHE_TYPES.contains(kvType)) {
      reasons.add("a cache of type " + kvType);
    } else if (slot.keyDim() % kvType.blockLength() != 0
        || slot.valueDim() % kvType.blockLength() != 0) {
      reasons.add(
          "a cache of type "
              + kvType
              + " for keys of head_dim "
              + slot.keyDim()
              + " and values of "
              + slot.valueDim());
    }
  }

  @Override
  public MemoryUse plan(Graph graph, CompileSpec spec, DeviceProfile profile) {
    long kv = ReferenceKv.bytes(graph, spec);
    long step = new StepLayout(graph, spec.limits()).bytes();
    return new MemoryUse(
        0, kv == 0 ? 0 : BufferPool.leasedBytes(kv), 0, BufferPool.leasedBytes(step));
  }

  @Override
  public Placement place(Weights weights, Graph graph, CompileSpec spec, Device where) {
    for (TensorView w : graph.weights()) {
      if (!RowDecoder.types().contains(w.type())) {
        throw new ModelRefusedException(
            Reason.TYPE_UNSUPPORTED, "tensor " + w + ": the reference reads " + RowDecoder.types());
      }
    }
    return new ReferencePlacement(weights, graph.digest(), where);
  }

  @Override
  public Program compile(Graph graph, Placement placement, CompileSpec spec) {
    if (!(placement instanceof ReferencePlacement own)) {
      throw new IllegalArgumentException("placed by another backend: " + placement);
    }
    for (Node n : graph.nodes()) {
      if (supports(n.op(), spec.kvType(), device) instanceof Support.No no) {
        throw new ModelRefusedException(
            Reason.NO_BACKEND, "reference: " + n.op() + ": " + String.join(", ", no.reasons()));
      }
    }
    return new ReferenceProgram(graph, own, spec, probe);
  }
}
