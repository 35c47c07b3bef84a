package dev.serval.engine.kv;

import static dev.serval.engine.kv.TestGroups.graph;
import static dev.serval.engine.kv.TestGroups.groups;
import static dev.serval.engine.kv.TestGroups.step;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.attention.MaskKind;
import dev.serval.api.backend.Step;
import dev.serval.api.kv.KvGroup;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class KvCellsTest {

  private static final MaskKind[] MASKS = {
    MaskKind.CAUSAL, MaskKind.sliding(10), MaskKind.chunked(12)
  };

  private static final List<KvGroup> GROUPS = groups(MASKS);

  @Test
  void windowGroupsGetWindowMemoryAndOneStepPerSequence() {
    assertEquals(
        List.of(4096, 4 * (10 + 5 + 49), 4 * (12 + 5 + 47)),
        List.of(
            KvSizes.cells(GROUPS, 1024, 4, 49, 5).get(0),
            KvSizes.cells(GROUPS, 1024, 4, 49, 5).get(1),
            KvSizes.cells(GROUPS, 1024, 4, 47, 5).get(2)));
    assertEquals(List.of(64, 64, 64), KvSizes.cells(GROUPS, 9, 1, 100, 512));
    assertEquals(64 + 512 + 10, KvSizes.cells(GROUPS, 9999, 64, 64, 512).get(1) / 64);
  }

  @Test
  void windowGroupsNeedNoMoreThanCausalOnes() {
    assertEquals(List.of(128, 128, 128), KvSizes.cells(GROUPS, 8, 16, 1000, 512));
  }

  @Test
  void groupWithoutSlotsNeedsNoCells() {
    List<KvGroup> groups = List.of(new KvGroup(0, MaskKind.BIDIRECTIONAL, List.of()));
    assertEquals(List.of(0), KvSizes.cells(groups, 8, 16, 1000, 512));
  }

  @Test
  void refusesMoreCellsThanCanBeAddressed() {
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class,
            () -> KvSizes.cells(GROUPS, Integer.MAX_VALUE, 64, 256, 512));
    assertTrue(String.valueOf(e.getMessage()).contains("64 sequences of 2147483647 tokens"));
  }

  /** Tokens of a sequence from where it is, in a step of their own. */
  private static Step placed(KvCells cells, Step step, int sequence, int n) {
    step.begin();
    int position = cells.length(sequence);
    for (int i = 0; i < n; i++) {
      step.token(0, position + i, sequence);
    }
    cells.place(step, 0, sequence, position, n);
    return step;
  }

  @Test
  void sixtyFourSequencesPlaceTheirTokens() {
    KvCells cells = new KvCells(GROUPS, KvSizes.cells(GROUPS, 8, 64, 4, 512), 4, 512);
    Step step = step(graph(MASKS), 4, 64, 512, 512, 512);
    for (int s = 0; s < 64; s++) {
      placed(cells, step, s, 4);
      cells.settle();
    }
    for (int s = 0; s < 64; s++) {
      placed(cells, step, s, 4);
      assertEquals(8, cells.length(s));
    }
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> cells.place(step, 0, 64, 0, 1));
    assertEquals("sequence must be 0..63: 64", e.getMessage());
    assertThrows(IllegalArgumentException.class, () -> cells.fork(0, 64, 1));
    assertThrows(IllegalArgumentException.class, () -> cells.remove(-1, 0));
  }

  @Test
  void fullGroupTakesNoCellOfAnyOther() {
    KvCells cells = new KvCells(GROUPS, List.of(64, 20, 64), 16, 0);
    Step step = step(graph(MASKS), 16, 4, 64, 20, 64);
    placed(cells, step, 0, 16);
    assertFalse(cells.fits(1, 0, 5));
    assertTrue(cells.fits(1, 0, 4));
    CacheFullException e = assertThrows(CacheFullException.class, () -> placed(cells, step, 1, 5));
    assertEquals(List.of(5, 4, 20), List.of(e.wanted(), e.free(), e.cells()));
    assertEquals(0, cells.length(1));
    for (CellTable t : cells.tables()) {
      CellInvariants.check(t);
      assertEquals(t.cells() - 16, t.freeCells());
    }
    cells.settle();
    placed(cells, step, 1, 5);
    assertEquals(
        List.of(7, 16),
        List.of(cells.tables().get(1).from(0), cells.tables().get(1).until(0)),
        "a settled window gives what it does not see");
  }

  @Test
  void sequenceDoesNotGoOnWhereItsWindowIsGone() {
    KvCells cells = new KvCells(GROUPS, List.of(256, 40, 40), 8, 0);
    Step step = step(graph(MASKS), 8, 1, 256, 40, 40);
    for (int i = 0; i < 8; i++) {
      placed(cells, step, 0, 8);
      cells.settle();
    }
    assertEquals(0, cells.resumable(0, 30));
    assertEquals(63, cells.resumable(0, 63));
    cells.remove(0, 30);
    IllegalStateException e =
        assertThrows(IllegalStateException.class, () -> placed(cells, step, 0, 1));
    assertEquals("sequence 0 cannot go on at 30: it holds [30, 30)", e.getMessage());
    cells.remove(0, 0);
    placed(cells, step, 0, 1);
  }

  /** Chunks of 12 may begin anew where windows of 10 are whole. */
  @Test
  void allGroupsAgreeOnWhereToGoOn() {
    MaskKind[] masks = {MaskKind.chunked(12), MaskKind.chunked(20)};
    List<KvGroup> groups = groups(masks);
    KvCells cells = new KvCells(groups, List.of(64, 64), 50, 0);
    Step step = step(graph(masks), 50, 1, 64, 64);
    placed(cells, step, 0, 50);
    cells.settle();
    for (CellTable t : cells.tables()) {
      t.prune(0, 50);
    }
    assertEquals(50, cells.resumable(0, 50));
    // 40 starts a chunk of 20 but is inside a lost one of 12; 36 the other way round
    assertEquals(0, cells.resumable(0, 47));
    assertEquals(List.of(48, 40), cells.tables().stream().map(t -> t.from(0)).toList());
  }

  @Test
  void imageTokensSeeEachOtherHoweverManyThereAre() {
    KvCells cells = new KvCells(GROUPS, List.of(128, 128, 128), 100, 512);
    Step step = step(graph(MASKS), 100, 2, 128, 128, 128);
    placed(cells, step, 0, 100);
    cells.seeEachOther(step, 0, 5, 75);
    for (KvGroup g : GROUPS) {
      for (int p = 0; p < 100; p++) {
        assertEquals(g.mask().visibleFrom(p), step.from(g.index(), p));
        int until = p >= 5 && p < 75 ? 75 : p + 1;
        assertEquals(until, step.until(g.index(), p), "position " + p);
      }
    }
    cells.settle();
    placed(cells, step, 0, 20);
    assertEquals(111, step.until(0, 10), "the next step knows nothing of it");
  }

  @Test
  void tokensThatAreNotInTheStepAreNotSeen() {
    KvCells cells = new KvCells(GROUPS, List.of(128, 128, 128), 20, 512);
    Step step = step(graph(MASKS), 20, 2, 128, 128, 128);
    placed(cells, step, 0, 10);
    for (int[] span : new int[][] {{5, 11}, {10, 12}, {3, 3}, {-1, 4}}) {
      assertThrows(
          IllegalArgumentException.class, () -> cells.seeEachOther(step, 0, span[0], span[1]));
    }
    assertThrows(IllegalArgumentException.class, () -> cells.seeEachOther(step, 1, 2, 4));
  }

  @Test
  void reservedStepSeesTheWholeCacheAndChangesNothing() {
    KvCells cells = new KvCells(GROUPS, List.of(128, 40, 40), 16, 4);
    Step step = step(graph(MASKS), 16, 3, 128, 40, 40);
    placed(cells, step, 0, 16);
    cells.settle();
    cells.fork(0, 1, 7);
    List<List<Object>> before = state(cells);
    step.begin();
    cells.reserve(step, 2, 16);
    assertEquals(before, state(cells));
    assertEquals(16, step.tokens());
    assertEquals(List.of(0, 128), List.of(step.from(0, 15), step.until(0, 15)));
    assertEquals(List.of(128 - 10, 128), List.of(step.from(1, 15), step.until(1, 15)));
    for (int row = 0; row < 16; row++) {
      for (CellTable t : cells.tables()) {
        assertTrue(t.free().contains(step.cell(t.group().index(), row)));
      }
    }
    assertThrows(IllegalArgumentException.class, () -> cells.reserve(step, 0, 16));
    placed(cells, step, 1, 1);
    assertEquals(7 * 3, step.moves(), "what the fork has to tell is still told");
  }

  @Test
  void emptyCacheIsReservedFromItsFirstCell() {
    KvCells cells = new KvCells(GROUPS, List.of(64, 64, 64), 8, 512);
    Step step = step(graph(MASKS), 8, 1, 64, 64, 64);
    step.begin();
    cells.reserve(step, 0, 8);
    for (int row = 0; row < 8; row++) {
      assertEquals(row, step.cell(0, row));
    }
  }

  private static List<List<Object>> state(KvCells cells) {
    List<List<Object>> all = new ArrayList<>();
    for (CellTable t : cells.tables()) {
      List<Object> one = new ArrayList<>();
      for (int c = 0; c < t.cells(); c++) {
        one.add(t.free().contains(c) ? "free" : t.position(c) + " " + t.sequences(c));
      }
      one.add(t.freeCells());
      all.add(one);
    }
    return all;
  }

  @Test
  void forkIsToldUntilAStepIsSettled() {
    KvCells cells = new KvCells(GROUPS, List.of(128, 128, 128), 16, 512);
    Step step = step(graph(MASKS), 16, 3, 128, 128, 128);
    placed(cells, step, 0, 9);
    cells.settle();
    cells.fork(0, 1, 6);
    assertEquals(0, placed(cells, step, 0, 1).moves());
    cells.settle();
    assertEquals(18, placed(cells, step, 1, 1).moves());
    cells.remove(1, 6);
    assertEquals(18, placed(cells, step, 1, 2).moves(), "an aborted step told nothing");
    cells.settle();
    assertEquals(0, placed(cells, step, 1, 1).moves());
    cells.settle();
    cells.close(1, 6, 8);
    assertEquals(3, placed(cells, step, 1, 1).moves(), "position 8 moved to 6");
    for (int i = 0; i < 3; i++) {
      assertEquals(List.of(i, 1, 6), List.of(step.move(i, 0), step.move(i, 1), step.move(i, 2)));
    }
  }

  /** Each fork of a long text has as much to tell as the cache has cells. */
  @Test
  void forksThatDoNotFitAStepWaitForTheNext() {
    List<KvGroup> groups = groups(MaskKind.CAUSAL);
    KvCells cells = new KvCells(groups, List.of(64), 50, 512);
    Step step = step(graph(MaskKind.CAUSAL), 50, 4, 64);
    placed(cells, step, 0, 40);
    cells.settle();
    cells.fork(0, 1, 40);
    cells.fork(0, 2, 40);
    placed(cells, step, 1, 1);
    assertFalse(cells.canTell(step, 2));
    step.token(0, 40, 2);
    IllegalStateException e =
        assertThrows(IllegalStateException.class, () -> cells.place(step, 1, 2, 40, 1));
    assertEquals("the step holds 40 moves, those of sequence 2 do not fit", e.getMessage());
    assertEquals(40, cells.length(2));
    cells.settle();
    step.begin();
    assertTrue(cells.canTell(step, 2));
    assertEquals(40, placed(cells, step, 2, 1).moves());
  }
}
