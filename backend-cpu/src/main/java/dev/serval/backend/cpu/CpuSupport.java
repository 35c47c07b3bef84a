package dev.serval.backend.cpu;

import dev.serval.api.backend.Support;
import dev.serval.api.error.ModelRefusedException;
import dev.serval.api.error.ModelRefusedException.Reason;
import dev.serval.api.graph.AttentionOp;
import dev.serval.api.graph.Composite;
import dev.serval.api.graph.Elementwise;
import dev.serval.api.graph.Geglu;
import dev.serval.api.graph.Graph;
import dev.serval.api.graph.LayoutOp;
import dev.serval.api.graph.Node;
import dev.serval.api.graph.Op;
import dev.serval.api.graph.Primitive;
import dev.serval.api.graph.Projection;
import dev.serval.api.graph.Reduction;
import dev.serval.api.graph.SoftCap;
import dev.serval.api.kv.KvSlot;
import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.TensorView;
import dev.serval.backend.cpu.kernel.Packing;
import java.util.ArrayList;
import java.util.List;

/** What the backend computes. */
final class CpuSupport {

  /** Types that keys and values can have. */
  private static final List<DataType> CACHE_TYPES =
      List.of(DataType.F32, DataType.F16, DataType.Q8_0, DataType.Q4_0);

  private CpuSupport() {}

  /** Whether a composite is computed in one go rather than lowered. */
  static boolean isFused(Composite op) {
    return op instanceof Geglu || op instanceof SoftCap;
  }

  /** The graph as it is compiled: primitives and fused composites. */
  static Graph lowered(Graph graph) {
    return graph.lowered(CpuSupport::isFused);
  }

  /** Whether an op is computed, with its weights' types and the cache's type. */
  static Support supports(Op op, DataType kvType) {
    List<String> reasons = new ArrayList<>();
    for (TensorView w : op.weights()) {
      if (!isReadable(w)) {
        reasons.add(unreadable(w));
      }
    }
    switch (op) {
      case Composite c -> {
        if (!isFused(c)) {
          reasons.add(c.getClass().getSimpleName() + " is computed by lowering it to primitives");
        }
      }
      case Primitive p -> cacheProblem(p, kvType, reasons);
    }
    return reasons.isEmpty() ? Support.yes() : new Support.No(reasons);
  }

  private static void cacheProblem(Primitive op, DataType kvType, List<String> reasons) {
    switch (op) {
      case AttentionOp.KvStore s -> cacheProblem(s.slot(), kvType, reasons);
      case AttentionOp.Attend a -> cacheProblem(a.slot(), kvType, reasons);
      case AttentionOp _, Elementwise _, Reduction _, Projection _, LayoutOp _ -> {}
    }
  }

  private static void cacheProblem(KvSlot slot, DataType kvType, List<String> reasons) {
    if (!CACHE_TYPES.contains(kvType)) {
      reasons.add("the CPU backend keeps keys and values in " + CACHE_TYPES + ", not in " + kvType);
      return;
    }
    int block = kvType.blockLength();
    if (slot.keyDim() % block != 0 || slot.valueDim() % block != 0) {
      reasons.add(
          "a cache of type "
              + kvType
              + " needs heads of a multiple of "
              + block
              + " elements, got head_dim "
              + slot.keyDim()
              + (slot.valueDim() == slot.keyDim() ? "" : " of keys, " + slot.valueDim())
              + (slot.valueDim() == slot.keyDim() ? "" : " of values"));
    }
  }

  private static boolean isReadable(TensorView w) {
    return Packing.supports(w.type());
  }

  private static String unreadable(TensorView w) {
    return "tensor " + w + ": the CPU backend reads " + Packing.types();
  }

  /**
   * Checks every node of a lowered graph.
   *
   * @throws ModelRefusedException ({@code NO_BACKEND}) if one is not supported
   */
  static void requireSupported(Graph lowered, DataType kvType) {
    for (Node n : lowered.nodes()) {
      if (supports(n.op(), kvType) instanceof Support.No no) {
        throw new ModelRefusedException(
            Reason.NO_BACKEND,
            "cpu cannot compute "
                + n.op().getClass().getSimpleName()
                + " in \""
                + n.mark().name()
                + "\": "
                + String.join("; ", no.reasons()));
      }
    }
  }

  /**
   * Checks the weights of a lowered graph.
   *
   * @throws ModelRefusedException ({@code TYPE_UNSUPPORTED}) if one cannot be read
   */
  static void requireReadable(Graph lowered) {
    for (TensorView w : lowered.weights()) {
      if (!isReadable(w)) {
        throw new ModelRefusedException(Reason.TYPE_UNSUPPORTED, unreadable(w));
      }
    }
  }
}
