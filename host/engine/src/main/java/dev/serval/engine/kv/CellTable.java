package dev.serval.engine.kv;

import dev.serval.api.attention.MaskKind;
import dev.serval.api.kv.SequenceSet;
import java.util.Arrays;

/**
 * Which cell of one group's caches holds which position of which sequences.
 *
 * <p>Structure of arrays, indexed by cell:
 *
 * <pre>
 * positions [cells] int    position of the token in the cell
 * sequences [cells] long   bit s: sequence s sees the cell; 0: the cell is free
 * free      [cells/64] long  bit c%64 of word c/64: cell c is free
 * </pre>
 *
 * <p>Per sequence {@code [rangeFrom, rangeUntil)} is an interval of cell indices that holds all of
 * its cells and perhaps others; it only limits scans. A freed cell keeps its stale rows in the
 * program, which nothing refers to any more.
 *
 * <p>The operations are those that sequences without shared prefixes need: {@link #allocate},
 * {@link #advance}, {@link #remove}. Confined to the model's runner thread.
 */
public final class CellTable {

  private final MaskKind mask;
  private final int[] positions;
  private final long[] sequences;
  private final long[] free;
  private final int[] rangeFrom = new int[SequenceSet.MAX_SEQUENCES];
  private final int[] rangeUntil = new int[SequenceSet.MAX_SEQUENCES];
  private int freeCount;

  /** No word below this one has a free cell. */
  private int firstFreeWord;

  /**
   * Creates a table of free cells.
   *
   * @param cells number of cells, at least 1
   * @param mask what the group's attention sees; causal in the wide sense
   */
  public CellTable(int cells, MaskKind mask) {
    if (cells < 1 || !mask.isCausal()) {
      throw new IllegalArgumentException("cells=" + cells + ", mask=" + mask);
    }
    this.mask = mask;
    positions = new int[cells];
    sequences = new long[cells];
    free = new long[(cells + Long.SIZE - 1) / Long.SIZE];
    Arrays.fill(free, -1L);
    if (cells % Long.SIZE != 0) {
      free[free.length - 1] = (1L << cells % Long.SIZE) - 1;
    }
    freeCount = cells;
    Arrays.fill(rangeFrom, cells);
  }

  /** Number of cells. */
  public int cells() {
    return positions.length;
  }

  /** Number of free cells. */
  public int freeCells() {
    return freeCount;
  }

  /** Position of the token in a cell; meaningless for a free one. */
  public int position(int cell) {
    return positions[cell];
  }

  /** The sequences that see a cell; empty for a free one. */
  public SequenceSet sequences(int cell) {
    return new SequenceSet(sequences[cell]);
  }

  /** Whether the bitmap of free cells has a cell. */
  boolean isFree(int cell) {
    return (free[cell / Long.SIZE] & 1L << cell) != 0;
  }

  /** Whether a cell lies in the scan range of a sequence. */
  boolean inRange(int sequence, int cell) {
    return cell >= rangeFrom[sequence] && cell < rangeUntil[sequence];
  }

  /**
   * Takes the lowest free cells for consecutive positions of a sequence.
   *
   * @param sequence number of the sequence, 0 to 63
   * @param position first position, which the sequence does not hold yet
   * @param n number of positions
   * @param cells receives the n cells, in order of position
   * @throws IllegalStateException if fewer than n cells are free; nothing is taken then
   */
  public void allocate(int sequence, int position, int n, int[] cells) {
    if (n > freeCount) {
      throw new IllegalStateException(
          "cache of "
              + mask
              + " is full: "
              + n
              + " cells wanted, "
              + freeCount
              + " of "
              + positions.length
              + " free");
    }
    long bits = SequenceSet.of(sequence).bits();
    int word = firstFreeWord;
    for (int i = 0; i < n; i++) {
      while (free[word] == 0) {
        word++;
      }
      int cell = word * Long.SIZE + Long.numberOfTrailingZeros(free[word]);
      free[word] &= free[word] - 1;
      positions[cell] = position + i;
      sequences[cell] = bits;
      rangeFrom[sequence] = Math.min(rangeFrom[sequence], cell);
      rangeUntil[sequence] = Math.max(rangeUntil[sequence], cell + 1);
      cells[i] = cell;
    }
    firstFreeWord = word;
    freeCount -= n;
  }

  /**
   * Frees what no token of a sequence from a position on can see any more.
   *
   * @param sequence number of the sequence
   * @param position the smallest position that is still to be computed
   */
  public void advance(int sequence, int position) {
    int visibleFrom = mask.visibleFrom(position);
    if (visibleFrom > 0) {
      drop(sequence, 0, visibleFrom);
    }
  }

  /**
   * Takes positions away from a sequence; cells that no other sequence sees become free.
   *
   * @param sequence number of the sequence
   * @param from first position; 0 for the whole sequence
   */
  public void remove(int sequence, int from) {
    drop(sequence, from, Integer.MAX_VALUE);
  }

  private void drop(int sequence, int from, int until) {
    long bit = SequenceSet.of(sequence).bits();
    int keptFrom = positions.length;
    int keptUntil = 0;
    for (int cell = rangeFrom[sequence]; cell < rangeUntil[sequence]; cell++) {
      if ((sequences[cell] & bit) == 0) {
        continue;
      }
      if (positions[cell] >= from && positions[cell] < until) {
        sequences[cell] &= ~bit;
        if (sequences[cell] == 0) {
          release(cell);
        }
      } else {
        keptFrom = Math.min(keptFrom, cell);
        keptUntil = cell + 1;
      }
    }
    rangeFrom[sequence] = keptFrom;
    rangeUntil[sequence] = keptUntil;
  }

  private void release(int cell) {
    int word = cell / Long.SIZE;
    free[word] |= 1L << cell;
    firstFreeWord = Math.min(firstFreeWord, word);
    freeCount++;
  }
}
