package dev.serval.engine.kv;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.attention.AttentionSpec;
import dev.serval.api.attention.MaskKind;
import dev.serval.api.backend.CompileSpec;
import dev.serval.api.backend.Step;
import dev.serval.api.backend.StepLayout;
import dev.serval.api.graph.Graph;
import dev.serval.api.graph.GraphBuilder;
import dev.serval.api.graph.Value;
import dev.serval.api.kv.KvGroup;
import dev.serval.api.kv.KvSlot;
import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.Shape;
import dev.serval.api.tensor.TensorInfo;
import dev.serval.api.tensor.TensorView;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

class KvCellsTest {

  private static final List<MaskKind> MASKS =
      List.of(MaskKind.CAUSAL, MaskKind.sliding(10), MaskKind.chunked(12));

  @Test
  void windowGroupsGetWindowAndOneStepPerSequence() {
    assertEquals(List.of(4096, 4 * (10 + 54), 4 * (12 + 52)), sizes(1024, 4, 52, 54));
    assertEquals(List.of(64, 64, 64), sizes(9, 1, 100, 100));
  }

  private static List<Integer> sizes(int context, int sequences, int chunked, int sliding) {
    List<Integer> slidingSizes = KvCells.sizes(groups(), context, sequences, sliding);
    List<Integer> chunkedSizes = KvCells.sizes(groups(), context, sequences, chunked);
    return List.of(slidingSizes.get(0), slidingSizes.get(1), chunkedSizes.get(2));
  }

  @Test
  void windowGroupsNeedNoMoreThanCausalOnes() {
    assertEquals(List.of(128, 128, 128), KvCells.sizes(groups(), 8, 16, 1000));
  }

  @Test
  void groupWithoutSlotsNeedsNoCells() {
    List<KvGroup> groups = List.of(new KvGroup(0, MaskKind.BIDIRECTIONAL, List.of()));
    assertEquals(List.of(0), KvCells.sizes(groups, 8, 16, 1000));
  }

  @Test
  void refusesMoreCellsThanCanBeAddressed() {
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class,
            () -> KvCells.sizes(groups(), Integer.MAX_VALUE, 64, 256));
    assertTrue(String.valueOf(e.getMessage()).contains("64 sequences of 2147483647 tokens"));
  }

  private static List<KvGroup> groups() {
    return MASKS.stream()
        .map(m ->
            new KvGroup(
                MASKS.indexOf(m),
                m,
                List.of(new KvSlot(MASKS.indexOf(m), 1, 4, 4, m, Optional.empty()))))
        .toList();
  }

  /** Any schedule of chunks, restarts and interrupted steps finds the cells it needs. */
  @Test
  void neverLacksACell() {
    long seed = Long.getLong("serval.test.seed", 20261120);
    Random random = new Random(seed);
    int context = 60;
    int sequences = 5;
    int maxTokens = 17;
    Graph graph = graph();
    List<Integer> sizes = KvCells.sizes(graph.groups(), context, sequences, maxTokens);
    KvCells cells = new KvCells(graph.groups(), sizes, maxTokens);
    StepLayout layout =
        new StepLayout(graph, new CompileSpec.Limits(maxTokens, 1, sequences, sizes, false));
    int[] computed = new int[sequences];
    try (Arena arena = Arena.ofConfined()) {
      Step step = new Step(layout, arena.allocate(layout.bytes(), 64), () -> {});
      for (int i = 0; i < 5_000; i++) {
        int left = maxTokens;
        step.begin();
        boolean interrupted = random.nextInt(5) == 0;
        for (int s = 0; s < sequences && left > 0; s++) {
          if (computed[s] == context || random.nextInt(40) == 0) {
            cells.remove(s, 0);
            computed[s] = 0;
          }
          int n = Math.min(context - computed[s], 1 + random.nextInt(left));
          for (int k = 0; k < n; k++) {
            step.token(0, computed[s] + k, s);
          }
          cells.place(step, step.tokens() - n, s, computed[s], n);
          assertVisible(step, step.tokens() - 1, graph);
          if (interrupted) {
            cells.remove(s, computed[s]);
          } else {
            computed[s] += n;
          }
          left -= n;
        }
      }
    }
    for (int s = 0; s < sequences; s++) {
      cells.remove(s, 0);
    }
    for (int g = 0; g < sizes.size(); g++) {
      CellTable table = cells.table(g);
      assertTrue(table != null && table.freeCells() == sizes.get(g));
    }
  }

  private static void assertVisible(Step step, int row, Graph graph) {
    int position = step.position(row);
    for (KvGroup g : graph.groups()) {
      assertEquals(g.mask().visibleFrom(position), step.from(g.index(), row));
      assertEquals(position + 1, step.until(g.index(), row));
    }
  }

  private static Graph graph() {
    GraphBuilder g = new GraphBuilder();
    TensorView table = TensorView.of(new TensorInfo("embd", DataType.F32, Shape.of(4, 8)));
    Value x = g.rows(table, g.tokens());
    for (MaskKind mask : MASKS) {
      AttentionSpec spec = new AttentionSpec(1, 1, 4, 1, mask);
      Value heads = g.heads(x, 1);
      x = g.joined(g.attend(heads, g.kvStore(g.slot(spec, Optional.empty()), heads, heads), spec));
    }
    g.logits(g.matmul(table, g.wanted(x)));
    return g.build();
  }
}
