package dev.serval.engine.kv;

import dev.serval.api.kv.SequenceSet;
import java.util.BitSet;

/** What holds for a cell table after every operation. */
final class CellInvariants {

  private CellInvariants() {}

  /**
   * Checks a table: a cell is free iff no sequence sees it; free and used cells are all there are;
   * each sequence holds each position of its interval in one cell, inside its range, and no other.
   */
  static void check(CellTable table) {
    int free = 0;
    int[] held = new int[SequenceSet.MAX_SEQUENCES];
    BitSet positions = new BitSet(held.length * table.cells());
    for (int cell = 0; cell < table.cells(); cell++) {
      long owners = table.sequences(cell).bits();
      require((owners == 0) == table.free().contains(cell), table, cell, "bitmap");
      free += owners == 0 ? 1 : 0;
      int position = table.position(cell);
      for (long left = owners; left != 0; left &= left - 1) {
        int s = Long.numberOfTrailingZeros(left);
        require(table.inRange(s, cell), table, cell, "range");
        boolean inside = position >= table.from(s) && position < table.until(s);
        require(inside, table, cell, "interval");
        int index = s * table.cells() + position - table.from(s);
        require(!positions.get(index), table, cell, "position twice");
        positions.set(index);
        held[s]++;
      }
    }
    require(free == table.freeCells(), table, -1, "count of free cells, " + free);
    for (int s = 0; s < held.length; s++) {
      int n = table.until(s) - table.from(s);
      require(held[s] == n, table, -1, "number of cells of " + s + ", not " + n);
    }
  }

  private static void require(boolean holds, CellTable table, int cell, String what) {
    if (!holds) {
      throw new AssertionError(what + ", cell " + cell + " of " + table.cells());
    }
  }
}
