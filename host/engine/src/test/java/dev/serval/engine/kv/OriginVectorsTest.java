package dev.serval.engine.kv;

import static dev.serval.engine.kv.TestGroups.allocate;
import static dev.serval.engine.kv.TestGroups.table;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.serval.api.attention.MaskKind;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/**
 * What rows see in the tests of Ollama's cache, {@code kvcache/causal_test.go}: there in a mask of
 * cells, here in the cells of an interval of positions. A window there is one token longer than its
 * number, so that W = 1 is a window of 2. Which cells are taken and freed is tested beside them, in
 * {@link CellTableTest}.
 */
class OriginVectorsTest {

  /** Takes the next cells of a sequence as a step does that prunes what its first token frees. */
  private static List<Integer> step(CellTable table, int sequence, int n) {
    int position = table.until(sequence);
    table.prune(sequence, position);
    List<Integer> cells = Arrays.stream(allocate(table, sequence, position, n)).boxed().toList();
    CellInvariants.check(table);
    return cells;
  }

  /** The cells that the token at a position sees, in order of position. */
  private static List<Integer> seen(CellTable table, int sequence, int position) {
    int from = table.group().mask().visibleFrom(position);
    TreeMap<Integer, Integer> cells = new TreeMap<>();
    for (int c = table.next(sequence, from, position + 1, 0);
        c >= 0;
        c = table.next(sequence, from, position + 1, c + 1)) {
      cells.put(table.position(c), c);
    }
    assertEquals(position + 1 - from, cells.size(), "a position it sees is missing");
    return List.copyOf(cells.values());
  }

  private static List<List<Integer>> seen(CellTable table, int sequence, int first, int end) {
    List<List<Integer>> rows = new ArrayList<>();
    for (int p = first; p < end; p++) {
      rows.add(seen(table, sequence, p));
    }
    return rows;
  }

  /** Store. */
  @Test
  void tokenSeesItselfAndAllBeforeIt() {
    CellTable table = table(16, MaskKind.CAUSAL, 0);
    step(table, 0, 4);
    assertEquals(
        List.of(List.of(0), List.of(0, 1), List.of(0, 1, 2), List.of(0, 1, 2, 3)),
        seen(table, 0, 0, 4));
    assertEquals(List.of(4), step(table, 0, 1));
    assertEquals(List.of(0, 1, 2, 3, 4), seen(table, 0, 4));
  }

  /** SWA. */
  @Test
  void tokenOfAWindowSeesItsPredecessorInWhateverCell() {
    CellTable table = table(16, MaskKind.sliding(2), 0);
    step(table, 0, 4);
    assertEquals(
        List.of(List.of(0), List.of(0, 1), List.of(1, 2), List.of(2, 3)), seen(table, 0, 0, 4));
    assertEquals(List.of(0, 1), step(table, 0, 2));
    assertEquals(List.of(List.of(3, 0), List.of(0, 1)), seen(table, 0, 4, 6));
  }

  /** SWASeparateBatches. */
  @Test
  void windowsOfTwoSequencesTakeTurnsInTheSameCells() {
    CellTable table = table(6, MaskKind.sliding(2), 1);
    assertEquals(List.of(0, 1), step(table, 0, 2));
    assertEquals(List.of(2, 3), step(table, 0, 2));
    assertEquals(List.of(List.of(1, 2), List.of(2, 3)), seen(table, 0, 2, 4));
    table.prune(0, 4);
    assertEquals(List.of(0, 1), step(table, 1, 2));
    assertEquals(List.of(List.of(0), List.of(0, 1)), seen(table, 1, 0, 2));
    assertEquals(List.of(4, 5), step(table, 1, 2));
    assertEquals(List.of(List.of(1, 4), List.of(4, 5)), seen(table, 1, 2, 4));
    table.prune(1, 4);
    assertEquals(List.of(0, 1), step(table, 0, 2));
    assertEquals(List.of(List.of(3, 0), List.of(0, 1)), seen(table, 0, 4, 6));
  }

  /** SWAMem. */
  @Test
  void memoryKeepsCellsThatNobodySees() {
    CellTable table = table(16, MaskKind.sliding(2), 2);
    step(table, 0, 4);
    assertEquals(List.of(0, 4), step(table, 0, 2));
    assertEquals(1, table.from(0), "only position 0 is freed");
    assertEquals(List.of(List.of(3, 0), List.of(0, 4)), seen(table, 0, 4, 6));
  }

  /** ChunkedAttention. There nothing is ever freed; here a chunk that nobody sees any more is. */
  @Test
  void tokenSeesItsOwnChunkUpToItself() {
    CellTable table = table(16, MaskKind.chunked(2), 0);
    step(table, 0, 4);
    assertEquals(
        List.of(List.of(0), List.of(0, 1), List.of(2), List.of(2, 3)), seen(table, 0, 0, 4));
    assertEquals(List.of(0, 1, 2), step(table, 0, 3));
    assertEquals(List.of(List.of(0), List.of(0, 1), List.of(2)), seen(table, 0, 4, 7));
    assertEquals(List.of(0, 1), step(table, 0, 2));
    assertEquals(List.of(List.of(2, 0), List.of(1)), seen(table, 0, 7, 9));
  }

  /** Sequences. */
  @Test
  void tokensSeeTheirOwnSequenceOnly() {
    CellTable table = table(16, MaskKind.CAUSAL, 0);
    step(table, 0, 2);
    step(table, 1, 2);
    assertEquals(List.of(List.of(0), List.of(0, 1)), seen(table, 0, 0, 2));
    assertEquals(List.of(List.of(2), List.of(2, 3)), seen(table, 1, 0, 2));
    assertEquals(List.of(4), step(table, 0, 1));
    assertEquals(List.of(5), step(table, 1, 1));
    assertEquals(List.of(0, 1, 4), seen(table, 0, 2));
    assertEquals(List.of(2, 3, 5), seen(table, 1, 2));
  }

  /**
   * Remove. That the key of the token that moves turns by −1 is a matter of {@code
   * KvShiftContract}.
   */
  @Test
  void removedCellsAreTakenAgainAndTheRestMovesDown() {
    CellTable table = table(16, MaskKind.CAUSAL, 0);
    step(table, 0, 2);
    step(table, 1, 2);
    table.remove(0, 1);
    assertEquals(List.of(1), step(table, 0, 1));
    assertEquals(List.of(4), step(table, 1, 1));
    assertEquals(List.of(0, 1), seen(table, 0, 1));
    assertEquals(List.of(2, 3, 4), seen(table, 1, 2));
    table.close(0, 0, 1);
    assertEquals(List.of(1), seen(table, 0, 0));
    assertEquals(List.of(0, 5), step(table, 0, 2));
    assertEquals(List.of(1, 0, 5), seen(table, 0, 2));
    assertEquals(List.of(2, 3, 4), seen(table, 1, 2), "the other sequence is as it was");
  }

  /** Copy. */
  @Test
  void copySeesWhatItSharesAndItsOwn() {
    CellTable table = table(16, MaskKind.CAUSAL, 0);
    step(table, 0, 4);
    table.copyPrefix(0, 1, 2);
    assertEquals(List.of(4, 5), step(table, 1, 2));
    assertEquals(List.of(List.of(0, 1, 4), List.of(0, 1, 4, 5)), seen(table, 1, 2, 4));
    assertEquals(List.of(0, 1, 2, 3), seen(table, 0, 3));
  }
}
