package dev.serval.engine.kv;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.attention.MaskKind;
import dev.serval.api.kv.SequenceSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

class CellTableTest {

  @Test
  void takesTheLowestFreeCells() {
    CellTable table = new CellTable(70, MaskKind.CAUSAL);
    assertArrayEquals(new int[] {0, 1, 2}, allocate(table, 0, 0, 3));
    assertArrayEquals(new int[] {3, 4}, allocate(table, 1, 0, 2));
    table.remove(0, 1);
    assertArrayEquals(new int[] {1, 2, 5}, allocate(table, 1, 2, 3));
    assertEquals(70 - 6, table.freeCells());
    checkInvariants(table);
  }

  @Test
  void usesEveryCellAcrossWords() {
    CellTable table = new CellTable(130, MaskKind.CAUSAL);
    int[] cells = allocate(table, 63, 0, 130);
    for (int i = 0; i < cells.length; i++) {
      assertEquals(i, cells[i]);
    }
    assertEquals(0, table.freeCells());
    checkInvariants(table);
  }

  @Test
  void refusesMoreThanIsFreeAndChangesNothing() {
    CellTable table = new CellTable(8, MaskKind.CAUSAL);
    allocate(table, 0, 0, 6);
    IllegalStateException full =
        assertThrows(IllegalStateException.class, () -> allocate(table, 1, 0, 3));
    assertTrue(String.valueOf(full.getMessage()).contains("3 cells wanted, 2 of 8 free"));
    assertEquals(2, table.freeCells());
    checkInvariants(table);
    assertArrayEquals(new int[] {6, 7}, allocate(table, 1, 0, 2));
  }

  /**
   * The vector "SWA" of the origin's tests: there W = 1 means one token before, here a window of 2.
   */
  @Test
  void slidingWindowFreesWhatNobodySees() {
    CellTable table = new CellTable(16, MaskKind.sliding(2));
    allocate(table, 0, 0, 4);
    table.advance(0, 4);
    assertArrayEquals(new int[] {0, 1}, allocate(table, 0, 4, 2));
    assertEquals(3, table.position(3));
    assertTrue(table.sequences(2).isEmpty());
    assertEquals(16 - 3, table.freeCells());
    checkInvariants(table);
  }

  @Test
  void chunkedWindowFreesEarlierChunks() {
    CellTable table = new CellTable(16, MaskKind.chunked(4));
    allocate(table, 0, 0, 7);
    table.advance(0, 7);
    assertEquals(16 - 3, table.freeCells());
    table.advance(0, 8);
    assertEquals(16, table.freeCells());
  }

  @Test
  void causalTableNeverForgets() {
    CellTable table = new CellTable(16, MaskKind.CAUSAL);
    allocate(table, 0, 0, 9);
    table.advance(0, 9);
    assertEquals(7, table.freeCells());
  }

  @Test
  void removedSequenceOwnsNothing() {
    CellTable table = new CellTable(64, MaskKind.CAUSAL);
    allocate(table, 0, 0, 10);
    allocate(table, 5, 0, 10);
    table.remove(0, 0);
    for (int cell = 0; cell < 64; cell++) {
      assertEquals(false, table.sequences(cell).contains(0));
    }
    assertEquals(54, table.freeCells());
    checkInvariants(table);
  }

  @Test
  void agreesWithANaiveModelUnderRandomOperations() {
    long seed = Long.getLong("serval.test.seed", 20261120);
    MaskKind[] masks = {MaskKind.CAUSAL, MaskKind.sliding(9), MaskKind.chunked(8)};
    for (MaskKind mask : masks) {
      Random random = new Random(seed);
      CellTable table = new CellTable(150, mask);
      Map<Integer, TreeMap<Integer, Integer>> naive = new HashMap<>();
      int used = 0;
      for (int i = 0; i < 12_000; i++) {
        int step = i;
        Supplier<String> at = () -> "seed " + seed + ", step " + step;
        int sequence = random.nextInt(SequenceSet.MAX_SEQUENCES);
        TreeMap<Integer, Integer> own = naive.computeIfAbsent(sequence, s -> new TreeMap<>());
        int next = own.isEmpty() ? 0 : own.lastKey() + 1;
        switch (random.nextInt(8)) {
          case 0 -> {
            int from = random.nextInt(next + 1);
            table.remove(sequence, from);
            own.tailMap(from, true).clear();
          }
          case 1 -> {
            table.remove(sequence, 0);
            own.clear();
          }
          default -> {
            int n = 1 + random.nextInt(12);
            table.advance(sequence, next);
            own.headMap(mask.visibleFrom(next), false).clear();
            used = naive.values().stream().mapToInt(TreeMap::size).sum();
            if (used + n > table.cells()) {
              assertThrows(IllegalStateException.class, () -> allocate(table, sequence, next, n));
            } else {
              int[] cells = allocate(table, sequence, next, n);
              for (int k = 0; k < n; k++) {
                own.put(next + k, cells[k]);
              }
            }
          }
        }
        used = naive.values().stream().mapToInt(TreeMap::size).sum();
        assertEquals(table.cells() - used, table.freeCells(), at);
        if (i % 100 == 0) {
          assertAgrees(naive, table, at);
          checkInvariants(table);
        }
      }
    }
  }

  private static void assertAgrees(
      Map<Integer, ? extends Map<Integer, Integer>> naive, CellTable table, Supplier<String> at) {
    naive.forEach((sequence, own) ->
        own.forEach((position, cell) -> {
          assertEquals(position, table.position(cell), at);
          assertEquals(SequenceSet.of(sequence), table.sequences(cell), at);
        }));
  }

  /** The invariants of the cell table that hold after every operation. */
  static void checkInvariants(CellTable table) {
    int free = 0;
    Set<Long> seen = new HashSet<>();
    for (int cell = 0; cell < table.cells(); cell++) {
      SequenceSet owners = table.sequences(cell);
      int at = cell;
      assertEquals(owners.isEmpty(), table.isFree(cell), () -> "bitmap of cell " + at);
      free += owners.isEmpty() ? 1 : 0;
      for (int s = 0; s < SequenceSet.MAX_SEQUENCES; s++) {
        if (owners.contains(s)) {
          assertTrue(table.inRange(s, cell), () -> "range of cell " + at);
          long key = (long) s << Integer.SIZE | table.position(cell);
          assertTrue(seen.add(key), () -> "position of cell " + at + " twice");
        }
      }
    }
    assertEquals(free, table.freeCells());
  }

  private static int[] allocate(CellTable table, int sequence, int position, int n) {
    int[] cells = new int[n];
    table.allocate(sequence, position, n, cells);
    return cells;
  }
}
