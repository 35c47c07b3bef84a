package dev.serval.engine.kv;

import dev.serval.api.attention.AttentionSpec;
import dev.serval.api.attention.MaskKind;
import dev.serval.api.backend.CompileSpec;
import dev.serval.api.backend.Step;
import dev.serval.api.backend.StepLayout;
import dev.serval.api.graph.Graph;
import dev.serval.api.graph.GraphBuilder;
import dev.serval.api.graph.Value;
import dev.serval.api.kv.KvGroup;
import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.Shape;
import dev.serval.api.tensor.TensorInfo;
import dev.serval.api.tensor.TensorView;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Graphs, tables and steps that differ in the masks of their groups only. */
final class TestGroups {

  private TestGroups() {}

  /** A graph with one group and slot per mask, in their order. */
  static Graph graph(MaskKind... masks) {
    GraphBuilder g = new GraphBuilder();
    TensorView table = TensorView.of(new TensorInfo("embd", DataType.F32, Shape.of(4, 8)));
    Value x = g.rows(table, g.tokens());
    for (MaskKind mask : masks) {
      AttentionSpec spec = new AttentionSpec(1, 1, 4, 1, mask);
      Value heads = g.heads(x, 1);
      x = g.joined(g.attend(heads, g.kvStore(g.slot(spec, Optional.empty()), heads, heads), spec));
    }
    g.logits(g.matmul(table, g.wanted(x)));
    return g.build();
  }

  static List<KvGroup> groups(MaskKind... masks) {
    return graph(masks).groups();
  }

  /** A table that keeps {@code memory} positions beyond the window. */
  static CellTable table(int cells, MaskKind mask, int memory) {
    return new CellTable(groups(mask).getFirst(), cells, memory, cells);
  }

  /** Takes cells for the next n positions. */
  static int[] allocate(CellTable table, int sequence, int position, int n) {
    int[] cells = new int[n];
    table.allocate(sequence, position, n, cells);
    return cells;
  }

  /** An empty step in memory that the collector frees. */
  static Step step(Graph graph, int maxTokens, int maxSequences, int... cells) {
    List<Integer> sizes = Arrays.stream(cells).boxed().toList();
    StepLayout layout =
        new StepLayout(graph, new CompileSpec.Limits(maxTokens, 1, maxSequences, sizes, false));
    return new Step(layout, Arena.ofAuto().allocate(layout.bytes(), 64), () -> {});
  }
}
