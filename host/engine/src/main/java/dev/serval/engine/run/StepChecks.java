package dev.serval.engine.run;

import dev.serval.api.backend.CompileSpec;
import dev.serval.api.backend.Step;
import dev.serval.api.backend.StepLayout;
import dev.serval.api.graph.Graph;
import dev.serval.api.graph.Node;
import dev.serval.api.graph.OutputKind;
import dev.serval.api.graph.Projection;
import dev.serval.api.kv.KvGroup;
import java.util.ArrayList;
import java.util.List;

/**
 * Checks that a step says what its program may be asked: token ids that have rows, sequences that
 * stand together with ascending positions, cells that exist and are written once, intervals that
 * hold their own token and nothing that nobody computed, wanted rows in order, and moves to cells
 * that exist. What shapes and types can be wrong about is checked when the graph is built.
 *
 * <p>Confined to the runner thread; a step that passes allocates nothing.
 */
final class StepChecks {

  /** Shapes remembered at once; two that meet in one place only cost a check more. */
  private static final int SHAPES = 256;

  private final CompileSpec.Limits limits;
  private final int idBound;
  private final int embeddingWidth;
  private final int[] groups;
  private final long[][] written;
  private final long[] checked = new long[SHAPES];

  /**
   * Checks for one program.
   *
   * @param graph what it computes
   * @param idBound token ids below have rows
   * @param embeddingWidth elements of a supplied embedding; 0 if none may be supplied
   */
  StepChecks(Graph graph, CompileSpec.Limits limits, int idBound, int embeddingWidth) {
    this.limits = limits;
    this.idBound = idBound;
    this.embeddingWidth = embeddingWidth;
    List<Integer> cached = new ArrayList<>();
    for (KvGroup g : graph.groups()) {
      if (!g.slots().isEmpty()) {
        cached.add(g.index());
      }
    }
    groups = cached.stream().mapToInt(Integer::intValue).toArray();
    written = new long[groups.length][];
    for (int i = 0; i < groups.length; i++) {
      written[i] = new long[(limits.cells().get(groups[i]) + 63) / 64];
    }
  }

  /** Checks of the steps of a program. */
  static StepChecks of(StepLayout layout) {
    Graph graph = layout.graph();
    return new StepChecks(graph, layout.limits(), idBound(graph), layout.embeddingWidth());
  }

  /** The ids for which embedding rows exist, and logits where it makes any. */
  static int idBound(Graph graph) {
    long bound = graph.outputKind() == OutputKind.LOGITS ? graph.outputWidth() : Integer.MAX_VALUE;
    for (Node n : graph.nodes()) {
      if (n.op() instanceof Projection.Rows rows && n.inputs().getFirst().id() == Graph.TOKENS_ID) {
        bound = Math.min(bound, rows.table().shape().rows());
      }
    }
    return (int) bound;
  }

  /**
   * Checks a step, if the mode asks for it.
   *
   * @throws IllegalStateException naming what is wrong, what was expected, and where
   */
  void check(Step step, Validation mode) {
    switch (mode) {
      case FULL -> check(step);
      case ONCE -> {
        long shape = shape(step);
        int place = (int) ((shape * 0x9E3779B97F4A7C15L) >>> 56);
        if (checked[place] != shape) {
          check(step);
          checked[place] = shape;
        }
      }
      case OFF -> {}
    }
  }

  /** Rows, sequences, wanted rows and moves of a step in one number; never 0. */
  private static long shape(Step step) {
    long rows = (long) step.tokens() << 40;
    long wanted = (long) step.wanted() << 16;
    return rows | wanted | (long) step.runs() << 4 | (step.moves() > 0 ? 2 : 0) | 1;
  }

  private void check(Step step) {
    require(step.tokens() <= limits.maxTokens(), "tokens", step.tokens(), 0);
    for (int i = 0; i < step.runs(); i++) {
      sequence(step, step.runStart(i), step.runStart(i + 1));
    }
    for (int i = 0; i < groups.length; i++) {
      cells(step, groups[i], written[i]);
    }
    for (int i = 0; i < step.wanted(); i++) {
      int row = step.wantedRow(i);
      int least = i == 0 ? 0 : step.wantedRow(i - 1) + 1;
      require(row >= least && row < step.tokens(), "wanted row", row, i);
    }
    for (int i = 0; i < step.moves(); i++) {
      move(step, i);
    }
  }

  private void sequence(Step step, int first, int end) {
    int sequence = step.sequence(first);
    require(sequence >= 0 && sequence < limits.maxSequences(), "sequence", sequence, first);
    int length = step.position(end - 1) + 1;
    for (int row = first; row < end; row++) {
      int id = step.tokenId(row);
      boolean supplied = id == Step.SUPPLIED && embeddingWidth > 0;
      require(supplied || (id >= 0 && id < idBound), "token id", id, row);
      require(step.sequence(row) == sequence, "sequence", step.sequence(row), row);
      int position = step.position(row);
      int least = row == first ? 0 : step.position(row - 1) + 1;
      require(position >= least, "position", position, row);
      for (int group : groups) {
        int from = step.from(group, row);
        int until = step.until(group, row);
        require(from >= 0 && from <= position, "begin of the visible interval", from, row);
        require(until > position && until <= length, "end of the visible interval", until, row);
      }
    }
  }

  private void cells(Step step, int group, long[] seen) {
    int cells = limits.cells().get(group);
    int row = 0;
    try {
      for (; row < step.tokens(); row++) {
        int cell = step.cell(group, row);
        require(cell >= 0 && cell < cells, "cell", cell, row);
        require((seen[cell >> 6] & 1L << cell) == 0, "cell written twice", cell, row);
        seen[cell >> 6] |= 1L << cell;
      }
    } finally {
      for (int i = 0; i < row; i++) {
        seen[step.cell(group, i) >> 6] = 0;
      }
    }
  }

  private void move(Step step, int i) {
    int group = step.move(i, 0);
    require(group >= 0 && group < limits.cells().size(), "group of a move", group, i);
    int sequence = step.move(i, 1);
    require(sequence >= 0 && sequence < limits.maxSequences(), "sequence of a move", sequence, i);
    require(step.move(i, 2) >= 0, "position of a move", step.move(i, 2), i);
    int cell = step.move(i, 3);
    require(cell >= 0 && cell < limits.cells().get(group), "cell of a move", cell, i);
  }

  private void require(boolean holds, String what, int got, int at) {
    if (!holds) {
      throw new IllegalStateException(
          "step check: "
              + what
              + " "
              + got
              + " at "
              + at
              + " is outside what the program has: ids below "
              + idBound
              + ", limits "
              + limits);
    }
  }
}
