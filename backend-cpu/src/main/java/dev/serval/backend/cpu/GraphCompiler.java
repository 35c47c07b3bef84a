package dev.serval.backend.cpu;

import dev.serval.api.graph.AttentionOp;
import dev.serval.api.graph.Composite;
import dev.serval.api.graph.Elementwise;
import dev.serval.api.graph.Elementwise.BinaryKind;
import dev.serval.api.graph.Geglu;
import dev.serval.api.graph.Graph;
import dev.serval.api.graph.LayoutOp;
import dev.serval.api.graph.Node;
import dev.serval.api.graph.OutputKind;
import dev.serval.api.graph.Primitive;
import dev.serval.api.graph.Projection;
import dev.serval.api.graph.Reduction;
import dev.serval.api.graph.SoftCap;
import dev.serval.api.graph.Value;
import dev.serval.api.tensor.TensorView;
import dev.serval.backend.cpu.instruction.BatchMatMulInstruction;
import dev.serval.backend.cpu.instruction.BroadcastInstruction;
import dev.serval.backend.cpu.instruction.CopyInstruction;
import dev.serval.backend.cpu.instruction.ExpertMatMulInstruction;
import dev.serval.backend.cpu.instruction.FlatInstruction;
import dev.serval.backend.cpu.instruction.GatherInstruction;
import dev.serval.backend.cpu.instruction.Instruction;
import dev.serval.backend.cpu.instruction.LookupInstruction;
import dev.serval.backend.cpu.instruction.MatMulInstruction;
import dev.serval.backend.cpu.instruction.Operand;
import dev.serval.backend.cpu.instruction.OutputInstruction;
import dev.serval.backend.cpu.instruction.PoolMeanInstruction;
import dev.serval.backend.cpu.instruction.PrepareInstruction;
import dev.serval.backend.cpu.instruction.PreparedRows;
import dev.serval.backend.cpu.instruction.RowInstruction;
import dev.serval.backend.cpu.instruction.SuppliedInstruction;
import dev.serval.backend.cpu.instruction.TopKInstruction;
import dev.serval.backend.cpu.instruction.WantedInstruction;
import dev.serval.backend.cpu.kernel.RowForm;
import dev.serval.backend.cpu.layout.ProgramLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Turns a lowered graph into instructions, one or none per node, with every address resolved: a
 * running step looks nothing up. Used once.
 */
final class GraphCompiler {

  /** What is made of the rows of a value. */
  private record Prepared(int value, RowForm form, int group) {}

  private final ProgramLayout layout;
  private final PlacedWeights weights;
  private final MemorySegment activations;
  private final Operands operands;
  private final AttentionCompiler attention;
  private final MatMulInstruction.Counters counters;
  private final Set<Prepared> prepared = new HashSet<>();
  private final List<Instruction> out = new ArrayList<>();

  /**
   * A compiler for one program.
   *
   * @param kv memory of keys, values and cell tables
   * @param activations memory of values
   * @param counters where products are counted
   */
  GraphCompiler(
      ProgramLayout layout,
      PlacedWeights weights,
      MemorySegment kv,
      MemorySegment activations,
      MatMulInstruction.Counters counters) {
    this.layout = layout;
    this.weights = weights;
    this.activations = activations;
    this.operands = new Operands(layout.activations(), weights.memory(), activations);
    this.attention = new AttentionCompiler(layout, weights, kv, activations, operands);
    this.counters = counters;
  }

  /** The instructions in execution order. */
  List<Instruction> compile() {
    attention.prepare(out);
    Graph graph = layout.graph();
    for (Node n : graph.nodes()) {
      switch (n.op()) {
        case Primitive p -> primitive(n, p);
        case Composite c -> composite(n, c);
      }
      Optional<Value> embedding = graph.embedding();
      if (layout.step().embeddingWidth() > 0
          && embedding.isPresent()
          && n.outputs().contains(embedding.get())) {
        out.add(new SuppliedInstruction(layout.step(), operands.of(embedding.get())));
      }
    }
    layout
        .activations()
        .handovers()
        .forEach(h -> {
          Operand target = new Operand(h.value().type(), Optional.empty(), h.target().offset() / 4);
          out.add(CopyInstruction.whole(operands.of(h.value()), target));
        });
    if (graph.outputKind() == OutputKind.LOGITS) {
      Value logits = graph.output().orElseThrow();
      long at = layout.step().outputOffset() / 4;
      out.add(new OutputInstruction(new Operand(logits.type(), Optional.empty(), at)));
    }
    return List.copyOf(out);
  }

  private void composite(Node n, Composite op) {
    Operand a = operands.in(n, 0);
    Operand y = operands.out(n, 0);
    switch (op) {
      case Geglu _ ->
          flat(
              (k, x, xo, u, uo, z, zo, m) -> k.geglu(x, xo, u, uo, z, zo, m),
              a,
              operands.in(n, 1),
              y,
              16);
      case SoftCap c -> {
        float cap = (float) c.cap();
        flat((k, x, xo, _, _, z, zo, m) -> k.softCap(cap, x, xo, z, zo, m), a, a, y, 16);
      }
      default -> throw new IllegalStateException("not lowered: " + op);
    }
  }

  private void primitive(Node n, Primitive op) {
    switch (op) {
      case Elementwise e -> elementwise(n, e);
      case Reduction r -> reduction(n, r);
      case Projection p -> projection(n, p);
      case AttentionOp a -> out.add(attention.instruction(n, a));
      case LayoutOp l -> movement(n, l);
    }
  }

  private void elementwise(Node n, Elementwise op) {
    Operand a = operands.in(n, 0);
    Operand y = operands.out(n, 0);
    switch (op) {
      case Elementwise.Binary b -> binary(b.kind(), a, operands.in(n, 1), y);
      case Elementwise.Unary u ->
          flat((k, x, xo, _, _, z, zo, m) -> k.unary(u.kind(), x, xo, z, zo, m), a, a, y, 16);
      case Elementwise.Scale s -> scalar(BinaryKind.MUL, (float) s.factor(), a, y);
      case Elementwise.AddScalar s -> scalar(BinaryKind.ADD, (float) s.addend(), a, y);
      case Elementwise.Clamp c -> {
        float low = (float) c.low();
        float high = (float) c.high();
        flat((k, x, xo, _, _, z, zo, m) -> k.clamp(x, xo, low, high, z, zo, m), a, a, y, 1);
      }
    }
  }

  private void binary(BinaryKind kind, Operand a, Operand b, Operand y) {
    if (a.type().equals(b.type())) {
      flat((k, x, xo, w, wo, z, zo, m) -> k.binary(kind, x, xo, w, wo, z, zo, m), a, b, y, 1);
    } else {
      out.add(new BroadcastInstruction(kind, a, b, y));
    }
  }

  private void scalar(BinaryKind kind, float number, Operand a, Operand y) {
    flat(
        (k, x, xo, _, _, z, zo, m) -> k.binaryScalar(kind, x, xo, number, false, z, zo, m),
        a,
        a,
        y,
        1);
  }

  private void flat(FlatInstruction.Kernel kernel, Operand a, Operand b, Operand y, int work) {
    out.add(new FlatInstruction(kernel, a, b, y, work));
  }

  private void reduction(Node n, Reduction op) {
    Operand x = operands.in(n, 0);
    switch (op) {
      case Reduction.RmsNorm r -> {
        Optional<MemorySegment> w = r.weight().map(weights::vector);
        float eps = r.eps();
        row((k, a, ao, y, yo, m) -> k.rmsNorm(a, ao, w, y, yo, m, eps), x, operands.out(n, 0), 3);
      }
      case Reduction.LayerNorm l -> {
        MemorySegment w = weights.vector(l.weight());
        Optional<MemorySegment> b = l.bias().map(weights::vector);
        float eps = l.eps();
        row(
            (k, a, ao, y, yo, m) -> k.layerNorm(a, ao, w, b, y, yo, m, eps),
            x,
            operands.out(n, 0),
            4);
      }
      case Reduction.Softmax _ ->
          row((k, a, ao, y, yo, m) -> k.softmax(a, ao, y, yo, m), x, operands.out(n, 0), 16);
      case Reduction.Reduce r ->
          row(
              (k, a, ao, y, yo, m) ->
                  y.set(ValueLayout.JAVA_FLOAT, 4 * yo, k.reduce(r.kind(), a, ao, m)),
              x,
              operands.out(n, 0),
              1);
      case Reduction.TopK _ ->
          out.add(new TopKInstruction(x, operands.out(n, 0), operands.out(n, 1)));
      case Reduction.Gather _ ->
          out.add(new GatherInstruction(x, operands.in(n, 1), operands.out(n, 0)));
    }
  }

  private void row(RowInstruction.Kernel kernel, Operand x, Operand y, int work) {
    out.add(new RowInstruction(kernel, x, y, work));
  }

  private void projection(Node n, Projection op) {
    switch (op) {
      case Projection.Constant _ -> {}
      case Projection.Rows r ->
          out.add(
              new LookupInstruction(
                  r.table(), weights.data(r.table()), operands.in(n, 0), operands.out(n, 0)));
      case Projection.MatMul m ->
          out.add(
              new MatMulInstruction(
                  weights.matrices(m.weight()).getFirst(),
                  m.bias().map(weights::vector),
                  operands.in(n, 0),
                  prepared(m.weight(), n.inputs().getFirst()),
                  operands.out(n, 0),
                  counters));
      case Projection.BatchMatMul _ ->
          out.add(
              new BatchMatMulInstruction(operands.in(n, 0), operands.in(n, 1), operands.out(n, 0)));
      case Projection.ExpertMatMul m -> {
        long inputs = layout.activations().temporary(n);
        long results = inputs + layout.activations().expertInputBytes(n);
        out.add(
            new ExpertMatMulInstruction(
                weights.matrices(m.weight()),
                m.bias().map(weights::vector),
                operands.in(n, 0),
                operands.in(n, 1),
                operands.out(n, 0),
                new ExpertMatMulInstruction.Sorted(activations, inputs / 4, results / 4),
                layout.activations().form(m.weight()),
                Math.toIntExact(layout.activations().rows(operands.in(n, 1).type().first())),
                counters));
      }
    }
  }

  /** What a weight's product reads of the rows of x; made before the first product that does. */
  private Optional<PreparedRows> prepared(TensorView weight, Value x) {
    Optional<Long> at = layout.activations().preparedRows(weight, x);
    if (at.isEmpty()) {
      return Optional.empty();
    }
    RowForm form = layout.activations().form(weight);
    PreparedRows rows = new PreparedRows(form, form.group(weight.type()), activations, at.get());
    if (prepared.add(new Prepared(x.id(), form, rows.group()))) {
      out.add(new PrepareInstruction(operands.of(x), rows));
    }
    return Optional.of(rows);
  }

  private void movement(Node n, LayoutOp op) {
    switch (op) {
      case LayoutOp.Slice s -> {
        int size = s.until() - s.from();
        out.add(
            CopyInstruction.part(
                operands.in(n, 0), s.from(), operands.out(n, 0), 0, s.axis(), size));
      }
      case LayoutOp.Concat c -> {
        int at = 0;
        for (int i = 0; i < n.inputs().size(); i++) {
          Operand x = operands.in(n, i);
          int size = x.type().dims().get(c.axis()).size();
          out.add(CopyInstruction.part(x, 0, operands.out(n, 0), at, c.axis(), size));
          at += size;
        }
      }
      case LayoutOp.Reshape _ -> {
        if (!layout.activations().isAlias(n)) {
          out.add(CopyInstruction.whole(operands.in(n, 0), operands.out(n, 0)));
        }
      }
      case LayoutOp.Wanted _ ->
          out.add(new WantedInstruction(operands.in(n, 0), operands.out(n, 0)));
      case LayoutOp.PoolMean _ ->
          out.add(new PoolMeanInstruction(operands.in(n, 0), operands.out(n, 0)));
    }
  }
}
