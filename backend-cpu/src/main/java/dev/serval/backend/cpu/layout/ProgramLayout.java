package dev.serval.backend.cpu.layout;

import dev.serval.api.attention.AttentionSpec;
import dev.serval.api.backend.CompileSpec;
import dev.serval.api.backend.StepLayout;
import dev.serval.api.graph.AttentionOp;
import dev.serval.api.graph.Graph;
import dev.serval.api.graph.Node;
import dev.serval.api.graph.OutputKind;
import dev.serval.api.graph.Projection;
import dev.serval.api.graph.Reduction;
import dev.serval.api.kv.KvSlot;
import dev.serval.api.memory.BufferPool;
import dev.serval.api.memory.MemoryUse;
import dev.serval.api.tensor.TensorView;
import dev.serval.backend.cpu.kernel.KernelSet;
import dev.serval.backend.cpu.kernel.KernelSets;
import dev.serval.backend.cpu.kernel.RowForm;

/**
 * All memory of a program: what a plan counts is what compiling leases. Pure.
 *
 * @param graph the lowered graph
 * @param step layout of a step
 * @param weights placed weights
 * @param kv key/value rows and cell tables
 * @param activations values and tables of a running step
 */
public record ProgramLayout(
    Graph graph, StepLayout step, WeightLayout weights, KvLayout kv, ActivationLayout activations) {

  /** Floats of a chunk in which the exponentials of a logits row are summed. */
  public static final int SUM_CHUNK = 4096;

  /**
   * The layout of a program.
   *
   * @param graph the graph as the caller has it
   * @param lowered the same, lowered
   * @param threads members of the team
   */
  public static ProgramLayout of(
      Graph graph, Graph lowered, CompileSpec spec, int threads, KernelSet kernels) {
    StepLayout step = new StepLayout(graph, spec.limits());
    WeightLayout weights = new WeightLayout(lowered);
    KvLayout kv = new KvLayout(lowered, spec);
    boolean exact = spec.mode() == CompileSpec.Mode.EXACT;
    // first steps may be computed by scalar kernels, whichever set follows
    long scratchBytes =
        Math.max(scratchBytes(lowered, kernels), scratchBytes(lowered, KernelSets.scalar()));
    ActivationLayout activations =
        new ActivationLayout(
            lowered,
            step,
            weights,
            weight -> RowForm.of(weight.type(), exact),
            threads,
            scratchBytes);
    return new ProgramLayout(lowered, step, weights, kv, activations);
  }

  private static long scratchBytes(Graph graph, KernelSet kernels) {
    long most = 0;
    for (Node n : graph.nodes()) {
      switch (n.op()) {
        case Projection.MatMul m -> most = Math.max(most, scratchBytes(m.weight(), kernels));
        case Projection.ExpertMatMul m -> most = Math.max(most, scratchBytes(m.weight(), kernels));
        case AttentionOp.Attend a -> most = Math.max(most, scratchBytes(a.spec(), kernels));
        case AttentionOp.AttendStep a -> most = Math.max(most, scratchBytes(a.spec(), kernels));
        case AttentionOp.KvStore s ->
            most = Math.max(most, s.slot().rotation().isEmpty() ? 0 : shiftBytes(s.slot()));
        case Reduction.TopK t -> most = Math.max(most, 8L * t.k());
        default -> {}
      }
    }
    if (graph.outputKind() == OutputKind.LOGITS) {
      most = Math.max(most, 4L * (graph.outputWidth() + SUM_CHUNK));
    }
    return most;
  }

  /** Bytes that moving keys takes: a row in F32, and cosines and sines. */
  private static long shiftBytes(KvSlot slot) {
    return 4L * slot.keyWidth() + 4L * slot.rotation().orElseThrow().nRot();
  }

  private static long scratchBytes(TensorView weight, KernelSet kernels) {
    return kernels.matmul().scratchBytes(weight.type(), Math.toIntExact(weight.shape().ne0()));
  }

  private static long scratchBytes(AttentionSpec spec, KernelSet kernels) {
    int heads = spec.nHeads() / spec.nKvHeads();
    return kernels.attention().scratchBytes(heads, spec.keyDim(), spec.valueDim());
  }

  /** The bytes that placing, compiling and one step lease. */
  public MemoryUse use() {
    return new MemoryUse(
        leased(weights.bytes()),
        leased(kv.bytes()),
        leased(activations.bytes()),
        leased(step.bytes()));
  }

  private static long leased(long bytes) {
    return bytes == 0 ? 0 : BufferPool.leasedBytes(bytes);
  }
}
