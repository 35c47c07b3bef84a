package dev.serval.engine.kv;

import java.util.Arrays;

/**
 * The free cells of a table, the lowest first, as a bitmap with summaries: bit i of a level says
 * that word i of the level below has a bit set.
 *
 * <pre>
 * level 0 [cells / 64]    bit c % 64 of word c / 64: cell c is free
 * level k [cells / 64^(k+1)]
 * top     [1]
 * </pre>
 *
 * <p>Taking and giving back read one word per level: four for a million cells, whatever is free.
 */
final class FreeCells {

  private final long[][] levels;
  private int count;

  /** All cells are free. */
  FreeCells(int cells) {
    count = cells;
    int depth = 1;
    for (int n = words(cells); n > 1; n = words(n)) {
      depth++;
    }
    levels = new long[depth][];
    int bits = cells;
    for (int level = 0; level < depth; level++) {
      levels[level] = new long[words(bits)];
      Arrays.fill(levels[level], -1L);
      if (bits % Long.SIZE != 0) {
        levels[level][words(bits) - 1] = (1L << bits) - 1;
      }
      bits = words(bits);
    }
  }

  private static int words(int bits) {
    return (bits + Long.SIZE - 1) / Long.SIZE;
  }

  /** Number of free cells. */
  int count() {
    return count;
  }

  /** Whether a cell is free. */
  boolean contains(int cell) {
    return (levels[0][cell / Long.SIZE] & 1L << cell) != 0;
  }

  /** Takes the lowest free cell; there must be one. */
  int take() {
    int index = 0;
    for (int level = levels.length - 1; level >= 0; level--) {
      index = index * Long.SIZE + Long.numberOfTrailingZeros(levels[level][index]);
    }
    int cell = index;
    for (long[] level : levels) {
      level[index / Long.SIZE] &= ~(1L << index);
      index /= Long.SIZE;
      if (level[index] != 0) {
        break;
      }
    }
    count--;
    return cell;
  }

  /** Gives a cell back that is not free. */
  void put(int cell) {
    int index = cell;
    for (long[] level : levels) {
      boolean known = level[index / Long.SIZE] != 0;
      level[index / Long.SIZE] |= 1L << index;
      index /= Long.SIZE;
      if (known) {
        break;
      }
    }
    count++;
  }

  /** The lowest n free cells, of which there must be as many; they stay free. */
  void peek(int n, int[] cells) {
    for (int i = 0; i < n; i++) {
      cells[i] = take();
    }
    for (int i = 0; i < n; i++) {
      put(cells[i]);
    }
  }
}
