package dev.serval.api.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.attention.AttentionSpec;
import dev.serval.api.attention.MaskKind;
import dev.serval.api.backend.CompileSpec.Limits;
import dev.serval.api.graph.Graph;
import dev.serval.api.graph.GraphBuilder;
import dev.serval.api.graph.KvValue;
import dev.serval.api.graph.Mark;
import dev.serval.api.graph.Value;
import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.Shape;
import dev.serval.api.tensor.TensorInfo;
import dev.serval.api.tensor.TensorView;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class StepTest {

  private static final Limits LIMITS = new Limits(5, 3, 4, List.of(6, 0), true);

  private final AtomicInteger closed = new AtomicInteger();
  private final Step step = step(new StepLayout(graph(), LIMITS));

  private Step step(StepLayout layout) {
    MemorySegment memory = Arena.ofAuto().allocate(layout.bytes(), 64);
    Step s = new Step(layout, memory, closed::incrementAndGet);
    s.begin();
    return s;
  }

  private static Graph graph() {
    GraphBuilder g = new GraphBuilder();
    TensorView table = TensorView.of(new TensorInfo("embd", DataType.F32, Shape.of(8, 100)));
    Value x = g.embedding(g.rows(table, g.tokens()));
    g.mark(Mark.layer(0));
    AttentionSpec spec = new AttentionSpec(2, 2, 4, 1, MaskKind.CAUSAL);
    Value h = g.heads(x, 2);
    KvValue kv = g.kvStore(g.slot(spec, Optional.empty()), h, h);
    Value y = g.joined(g.attend(h, kv, spec));
    AttentionSpec free = new AttentionSpec(2, 2, 4, 1, MaskKind.BIDIRECTIONAL);
    g.logits(g.wanted(g.add(y, g.joined(g.attendStep(h, h, h, free)))));
    return g.build();
  }

  @Test
  void tokensAreCountedAndKeptInOrder() {
    step.token(7, 0, 2);
    step.token(8, 3, 2);
    step.token(9, 1, 0);
    assertEquals(3, step.tokens());
    assertEquals(2, step.runs());
    assertEquals(List.of(0, 2, 3), List.of(step.runStart(0), step.runStart(1), step.runStart(2)));
    assertEquals(8, step.tokenId(1));
    assertEquals(3, step.position(1));
    assertEquals(0, step.sequence(2));
    step.begin();
    assertEquals(0, step.tokens());
    assertEquals(0, step.runs());
    step.token(7, 0, 2);
    assertEquals(1, step.tokens());
  }

  @Test
  void sequencesStandTogetherWithAscendingPositions() {
    step.token(7, 5, 1);
    assertThrows(IllegalArgumentException.class, () -> step.token(7, 5, 1));
    step.token(7, 0, 2);
    assertThrows(IllegalArgumentException.class, () -> step.token(7, 6, 1));
    assertEquals(2, step.tokens());
  }

  @Test
  void numbersOutOfRangeAreRefused() {
    assertThrows(IllegalArgumentException.class, () -> step.token(7, 0, 4));
    assertThrows(IllegalArgumentException.class, () -> step.token(-2, 0, 0));
    assertThrows(IllegalArgumentException.class, () -> step.token(7, -1, 0));
    int row = step.token(7, 0, 0);
    assertThrows(IllegalArgumentException.class, () -> step.visible(0, row, 6, 0, 1));
    assertThrows(IllegalArgumentException.class, () -> step.visible(0, row, 0, 2, 1));
    assertThrows(IllegalArgumentException.class, () -> step.visible(0, 1, 0, 0, 1));
    assertThrows(IllegalArgumentException.class, () -> step.move(1, 0, 0, 0));
    assertThrows(IllegalArgumentException.class, () -> step.move(0, 4, 0, 0));
  }

  @Test
  void stepHoldsAsMuchAsItsLimits() {
    for (int i = 0; i < 5; i++) {
      step.token(i, i, 0);
    }
    assertThrows(IllegalStateException.class, () -> step.token(5, 5, 0));
    for (int i = 0; i < 3; i++) {
      step.want(i, Output.full());
    }
    assertThrows(IllegalStateException.class, () -> step.want(3, Output.full()));
    for (int i = 0; i < 6; i++) {
      step.move(0, 3, i, i);
    }
    assertThrows(IllegalStateException.class, () -> step.move(0, 3, 6, 0));
  }

  @Test
  void visibleIntervalsAndMovesAreReadBack() {
    int row = step.token(7, 4, 0);
    step.visible(0, row, 5, 2, 5);
    step.visible(1, row, 0, 0, 9);
    assertEquals(5, step.cell(0, row));
    assertEquals(2, step.from(0, row));
    assertEquals(9, step.until(1, row));
    step.move(0, 1, 17, 3);
    assertEquals(
        List.of(0, 1, 17, 3),
        List.of(step.move(0, 0), step.move(0, 1), step.move(0, 2), step.move(0, 3)));
  }

  @Test
  void wantedRowsAscendAndCandidatesFitARow() {
    step.token(7, 0, 0);
    step.token(8, 1, 0);
    // the row is 8 wide: 2k + ids + 1
    Output three = new Output.Candidates(3, List.of(1));
    assertThrows(
        IllegalArgumentException.class,
        () -> step.want(0, new Output.Candidates(3, List.of(1, 2))));
    assertEquals(0, step.want(1, three));
    assertSame(three, step.output(0));
    assertEquals(1, step.wantedRow(0));
    assertThrows(IllegalArgumentException.class, () -> step.want(1, Output.full()));
    assertThrows(IllegalArgumentException.class, () -> step.want(2, Output.full()));
  }

  @Test
  void suppliedRowsNeedALimitThatAllowsThem() {
    int row = step.token(Step.SUPPLIED, 0, 0);
    assertEquals(32, step.supplied(row).byteSize());
    Limits none = new Limits(5, 3, 4, List.of(6, 0), false);
    Step without = step(new StepLayout(graph(), none));
    assertThrows(IllegalArgumentException.class, () -> without.token(Step.SUPPLIED, 0, 0));
  }

  @Test
  void partsOfAStepDoNotOverlap() {
    for (int row = 0; row < 5; row++) {
      step.token(row + 10, row, 0);
      step.visible(0, row, row, 0, row + 1);
      step.visible(1, row, 0, 0, 5);
      step.supplied(row).fill((byte) row);
    }
    for (int i = 0; i < 3; i++) {
      step.want(i, Output.full());
      step.outputRow(i).fill((byte) (40 + i));
    }
    for (int i = 0; i < 6; i++) {
      step.move(0, 0, i, i);
    }
    for (int row = 0; row < 5; row++) {
      assertEquals(row + 10, step.tokenId(row));
      assertEquals(row, step.cell(0, row));
      assertEquals(row + 1, step.until(0, row));
      assertEquals(row, step.supplied(row).get(ValueLayout.JAVA_BYTE, 31));
    }
    assertEquals(2, step.wantedRow(2));
    assertEquals(42, step.outputRow(2).get(ValueLayout.JAVA_BYTE, 31));
    assertEquals(5, step.move(5, 3));
  }

  @Test
  void layoutAlignsEveryPartAndCountsBoundaries() {
    List<Graph> stages = graph().cut(List.of(Mark.layer(0)));
    StepLayout first = new StepLayout(stages.get(0), new Limits(5, 3, 4, List.of(0, 0), true));
    StepLayout second = new StepLayout(stages.get(1), LIMITS);
    assertEquals(0, first.outputRows());
    assertEquals(8, first.embeddingWidth());
    assertEquals(0, second.embeddingWidth());
    assertEquals(6, second.maxMoves());
    for (long offset :
        new long[] {
          first.boundaryOutputOffset(0),
          second.boundaryInputOffset(0),
          second.outputOffset(),
          second.wantedOffset(),
          second.movesOffset(),
          second.untilOffset(1)
        }) {
      assertEquals(0, offset % StepLayout.ALIGNMENT_BYTES);
    }
    assertEquals(5 * 8 * 4, step(first).boundaryOutput(0).byteSize());
    assertEquals(5 * 8 * 4, step(second).boundaryInput(0).byteSize());
    assertThrows(
        IllegalArgumentException.class,
        () -> new StepLayout(graph(), new Limits(5, 3, 4, List.of(6), true)));
  }

  @Test
  void closingAgainDoesNothing() {
    step.close();
    step.close();
    assertEquals(1, closed.get());
  }

  @Test
  void memoryThatIsTooSmallIsRefused() {
    StepLayout layout = new StepLayout(graph(), LIMITS);
    MemorySegment small = Arena.ofAuto().allocate(layout.bytes() - 1, 64);
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> new Step(layout, small, () -> {}));
    assertTrue(e.toString().contains(Long.toString(layout.bytes())), e::toString);
  }
}
