package dev.serval.engine.kv;

import static dev.serval.engine.kv.TestGroups.allocate;
import static dev.serval.engine.kv.TestGroups.table;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.serval.api.attention.MaskKind;
import dev.serval.api.kv.KvGroup;
import dev.serval.api.kv.SequenceSet;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class CellTableTest {

  @Test
  void takesTheLowestFreeCells() {
    CellTable table = table(70, MaskKind.CAUSAL, 0);
    assertArrayEquals(new int[] {0, 1, 2}, allocate(table, 0, 0, 3));
    assertArrayEquals(new int[] {3, 4}, allocate(table, 1, 0, 2));
    table.remove(0, 1);
    assertArrayEquals(new int[] {1, 2, 5}, allocate(table, 1, 2, 3));
    assertEquals(70 - 6, table.freeCells());
    CellInvariants.check(table);
  }

  @Test
  void usesEveryCellAcrossWords() {
    CellTable table = table(130, MaskKind.CAUSAL, 0);
    int[] cells = allocate(table, 63, 0, 130);
    for (int i = 0; i < cells.length; i++) {
      assertEquals(i, cells[i]);
    }
    assertEquals(0, table.freeCells());
    CellInvariants.check(table);
  }

  @Test
  void refusesMoreThanIsFreeAndChangesNothing() {
    CellTable table = table(8, MaskKind.CAUSAL, 0);
    allocate(table, 2, 0, 6);
    CacheFullException full =
        assertThrows(CacheFullException.class, () -> allocate(table, 1, 0, 3));
    assertEquals(
        "cache of MaskKind[type=CAUSAL, window=0] is full: 3 cells wanted, 2 of 8 free; sequence 2"
            + " holds 6",
        full.getMessage());
    assertEquals(List.of(3, 2, 8), List.of(full.wanted(), full.free(), full.cells()));
    assertEquals(2, table.freeCells());
    CellInvariants.check(table);
    assertArrayEquals(new int[] {6, 7}, allocate(table, 1, 0, 2));
  }

  @Test
  void positionsLeaveNoGapAndAreNotTakenTwice() {
    CellTable table = table(8, MaskKind.CAUSAL, 0);
    allocate(table, 0, 0, 3);
    assertThrows(IllegalArgumentException.class, () -> allocate(table, 0, 4, 1));
    assertThrows(IllegalArgumentException.class, () -> allocate(table, 0, 2, 1));
    assertThrows(IndexOutOfBoundsException.class, () -> allocate(table, 64, 0, 1));
    assertEquals(5, table.freeCells());
  }

  @Test
  void twelveBytesPerCell() {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    KvGroup group = TestGroups.groups(MaskKind.CAUSAL).getFirst();
    int cells = 1 << 20;
    long before = threads.getCurrentThreadAllocatedBytes();
    CellTable table = new CellTable(group, cells, 0, cells);
    double bytes = threads.getCurrentThreadAllocatedBytes() - before;
    assertEquals(cells, table.freeCells());
    // a bit for the free ones, 1/64 of that for summaries, and 64 entries per sequence
    assertEquals(12 + 1 / 8.0, bytes / cells, 0.01);
  }

  /** The origin's vector SWA; W = 1 there means one token before, here a window of 2. */
  @Test
  void slidingWindowFreesWhatNobodySees() {
    CellTable table = table(16, MaskKind.sliding(2), 0);
    allocate(table, 0, 0, 4);
    table.prune(0, 4);
    assertArrayEquals(new int[] {0, 1}, allocate(table, 0, 4, 2));
    assertEquals(3, table.position(3));
    assertTrue(table.sequences(2).isEmpty());
    assertEquals(16 - 3, table.freeCells());
    CellInvariants.check(table);
  }

  /** The origin's vector SWASeparateBatches: window 2, one position of memory. */
  @Test
  void twoSequencesShareTheCellsOfAWindowGroup() {
    CellTable table = table(6, MaskKind.sliding(2), 1);
    assertArrayEquals(new int[] {0, 1}, allocate(table, 0, 0, 2));
    table.prune(0, 2);
    assertArrayEquals(new int[] {2, 3}, allocate(table, 0, 2, 2));
    table.prune(0, 4);
    assertArrayEquals(new int[] {0, 1}, allocate(table, 1, 0, 2));
    table.prune(1, 2);
    assertArrayEquals(new int[] {4, 5}, allocate(table, 1, 2, 2));
    table.prune(1, 4);
    assertArrayEquals(new int[] {0, 1}, allocate(table, 0, 4, 2));
    assertEquals(List.of(2, 6), List.of(table.from(0), table.until(0)));
    CellInvariants.check(table);
  }

  /** The origin's vector SWAMem: window 2, two positions of memory. */
  @Test
  void memoryKeepsPositionsBeyondTheWindow() {
    CellTable table = table(16, MaskKind.sliding(2), 2);
    allocate(table, 0, 0, 4);
    table.prune(0, 4);
    assertArrayEquals(new int[] {0, 4}, allocate(table, 0, 4, 2));
    assertEquals(1, table.from(0));
    CellInvariants.check(table);
  }

  @Test
  void chunkedWindowFreesEarlierChunks() {
    CellTable table = table(16, MaskKind.chunked(4), 0);
    allocate(table, 0, 0, 7);
    table.prune(0, 7);
    assertEquals(16 - 3, table.freeCells());
    allocate(table, 0, 7, 1);
    table.prune(0, 8);
    assertEquals(16, table.freeCells());
    assertEquals(List.of(8, 8), List.of(table.from(0), table.until(0)));
    allocate(table, 0, 8, 2);
    CellInvariants.check(table);
  }

  @Test
  void causalTableNeverForgets() {
    CellTable table = table(16, MaskKind.CAUSAL, 0);
    allocate(table, 0, 0, 9);
    table.prune(0, 9);
    assertEquals(7, table.freeCells());
  }

  @Test
  void removedSequenceOwnsNothing() {
    CellTable table = table(64, MaskKind.CAUSAL, 0);
    allocate(table, 0, 0, 10);
    allocate(table, 5, 0, 10);
    table.remove(0, 0);
    assertEquals(List.of(), cells(table, 0));
    assertEquals(54, table.freeCells());
    CellInvariants.check(table);
  }

  /** The origin's vector Copy. */
  @Test
  void copiedPrefixIsSharedAndThenGoesOnAlone() {
    CellTable table = table(16, MaskKind.CAUSAL, 0);
    allocate(table, 0, 0, 4);
    allocate(table, 1, 0, 1);
    table.copyPrefix(0, 1, 2);
    assertEquals(12, table.freeCells());
    assertEquals(SequenceSet.of(0).with(1), table.sequences(1));
    assertEquals(SequenceSet.of(0), table.sequences(2));
    assertArrayEquals(new int[] {4, 5}, allocate(table, 1, 2, 2));
    assertEquals(List.of(0, 1, 4, 5), cells(table, 1));
    assertEquals(List.of(0, 1, 2, 3), cells(table, 0));
    CellInvariants.check(table);
  }

  @Test
  void cellIsFreeWhenTheLastSequenceLeavesIt() {
    CellTable table = table(16, MaskKind.CAUSAL, 0);
    allocate(table, 0, 0, 4);
    table.copyPrefix(0, 1, 3);
    table.remove(0, 0);
    assertEquals(13, table.freeCells());
    assertEquals(2, table.position(2));
    table.remove(1, 1);
    assertEquals(15, table.freeCells());
    CellInvariants.check(table);
  }

  @Test
  void copyOfNothingEmptiesTheTarget() {
    CellTable table = table(16, MaskKind.CAUSAL, 0);
    allocate(table, 1, 0, 5);
    table.copyPrefix(0, 1, 9);
    assertEquals(List.of(), cells(table, 1));
    assertEquals(0, table.until(1));
    assertEquals(16, table.freeCells());
  }

  @Test
  void sequenceIsNotCopiedToItself() {
    CellTable table = table(16, MaskKind.CAUSAL, 0);
    allocate(table, 3, 0, 5);
    assertThrows(IllegalArgumentException.class, () -> table.copyPrefix(3, 3, 2));
    assertEquals(5, table.held(3));
  }

  @Test
  void copyBelowWhatAWindowHoldsSharesNothing() {
    CellTable table = table(64, MaskKind.sliding(4), 0);
    allocate(table, 0, 0, 20);
    table.prune(0, 20);
    table.copyPrefix(0, 1, 10);
    assertEquals(List.of(10, 10), List.of(table.from(1), table.until(1)));
    assertFalse(table.canResume(1, 10));
    table.copyPrefix(0, 1, 19);
    assertEquals(List.of(17, 19), List.of(table.from(1), table.until(1)));
    assertFalse(table.canResume(1, 19));
    table.copyPrefix(0, 1, 20);
    assertTrue(table.canResume(1, 20));
    CellInvariants.check(table);
  }

  /** The origin's vector Remove, the part without keys. */
  @Test
  void closedGapMovesWhatIsBehindIt() {
    CellTable table = table(16, MaskKind.CAUSAL, 0);
    allocate(table, 0, 0, 2);
    allocate(table, 1, 0, 2);
    allocate(table, 0, 2, 3);
    table.close(0, 1, 3);
    assertEquals(List.of(0, 5, 6), cells(table, 0));
    assertEquals(List.of(0, 3), List.of(table.from(0), table.until(0)));
    assertEquals(List.of(2, 3), cells(table, 1));
    assertArrayEquals(new int[] {1, 4}, allocate(table, 0, 3, 2));
    CellInvariants.check(table);
  }

  /** A window that a closed gap leaves incomplete is noticed; window 6, two positions of memory. */
  @Test
  void closedGapLeavesWhatIsLeftOfTheWindow() {
    checkClosed(2, 5, 10, true);
    checkClosed(2, 15, 2, true);
    checkClosed(2, 17, 2, false);
    checkClosed(15, 17, 13, true);
    checkClosed(16, 19, 13, false);
    checkClosed(0, 17, 0, true);
    checkClosed(10, 20, 10, false);
  }

  private static void checkClosed(int begin, int end, int from, boolean whole) {
    CellTable table = table(64, MaskKind.sliding(6), 2);
    allocate(table, 0, 0, 20);
    table.prune(0, 20);
    assertEquals(13, table.from(0));
    table.close(0, begin, end);
    CellInvariants.check(table);
    int length = 20 - (end - begin);
    String gap = "gap " + begin + ".." + end;
    assertEquals(List.of(from, length), List.of(table.from(0), table.until(0)), gap);
    assertEquals(whole, table.canResume(0, length), gap);
  }

  @Test
  void sharedCellIsReplacedByOneOfItsOwn() {
    CellTable table = table(16, MaskKind.CAUSAL, 0);
    allocate(table, 0, 0, 8);
    table.copyPrefix(0, 1, 6);
    table.copyPrefix(0, 9, 6);
    assertEquals(List.of(2, 2), List.of(table.alone(0, 4, 8), table.alone(0, 0, 99)));
    assertTrue(table.isShared(0, 5));
    assertFalse(table.isShared(0, 6));
    assertEquals(8, table.separate(0, 5));
    assertFalse(table.isShared(0, 8));
    assertEquals(5, table.position(8));
    assertEquals(List.of(0, 1, 2, 3, 4, 6, 7, 8), cells(table, 0));
    assertEquals(List.of(0, 1, 2, 3, 4, 5), cells(table, 1));
    CellInvariants.check(table);
  }

  /** The origin's vector CanResume: window 5. */
  @Test
  void windowResumesWhereItIsWhole() {
    CellTable table = table(16, MaskKind.sliding(5), 0);
    allocate(table, 0, 0, 5);
    assertEquals(List.of(0, 1, 2, 3, 4, 5), resumable(table, 0));
    table.prune(0, 5);
    allocate(table, 0, 5, 1);
    assertEquals(List.of(0, 5, 6), resumable(table, 0));
    assertEquals(0, table.resumable(0, 4));
    assertEquals(6, table.resumable(0, 99));
  }

  /** The origin's vector CanResumeSWAMem: window 5, one position of memory. */
  @Test
  void memoryAllowsToGoBack() {
    CellTable table = table(16, MaskKind.sliding(5), 1);
    allocate(table, 0, 0, 7);
    table.prune(0, 7);
    allocate(table, 0, 7, 1);
    assertEquals(List.of(0, 6, 7, 8), resumable(table, 0));
  }

  @Test
  void chunkIsResumedInsideWhileItIsHeldAndAtItsStartAlways() {
    CellTable table = table(32, MaskKind.chunked(4), 0);
    allocate(table, 0, 0, 14);
    table.prune(0, 14);
    assertEquals(List.of(0, 4, 8, 12, 13, 14), resumable(table, 0));
    assertEquals(8, table.resumable(0, 11));
    assertEquals(List.of(0), resumable(table, 1));
  }

  /** A scan visits the cells of the sequence, not all there are. */
  @Test
  void operationsVisitTheRangeOfTheirSequence() {
    CellTable table = table(1024, MaskKind.CAUSAL, 0);
    allocate(table, 0, 0, 16);
    assertEquals(16, table.rangeLength(0));
    table.copyPrefix(0, 1, 10);
    assertEquals(10, table.rangeLength(1));
    allocate(table, 2, 0, 500);
    assertEquals(16, table.rangeLength(0));
    table.remove(2, 3);
    assertEquals(3, table.rangeLength(2));
    table.remove(0, 0);
    assertEquals(0, table.rangeLength(0));
    assertEquals(0, table.rangeLength(7));
  }

  /** Positions up to one past the end at which a sequence may go on. */
  private static List<Integer> resumable(CellTable table, int sequence) {
    List<Integer> all = new ArrayList<>();
    for (int p = 0; p <= table.until(sequence) + 1; p++) {
      if (table.canResume(sequence, p)) {
        assertEquals(p, table.resumable(sequence, p));
        all.add(p);
      } else {
        assertTrue(table.resumable(sequence, p) < p);
      }
    }
    return all;
  }

  private static List<Integer> cells(CellTable table, int sequence) {
    List<Integer> all = new ArrayList<>();
    for (int c = table.next(sequence, 0, 1 << 30, 0);
        c >= 0;
        c = table.next(sequence, 0, 1 << 30, c + 1)) {
      all.add(c);
    }
    return all;
  }
}
