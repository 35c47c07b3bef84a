package dev.serval.engine.kv;

import dev.serval.api.attention.MaskKind;
import dev.serval.api.backend.Step;
import dev.serval.api.kv.KvGroup;
import dev.serval.api.kv.SequenceSet;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Objects;

/**
 * Which cell of one group's caches holds which position of which sequences.
 *
 * <p>Structure of arrays, 12 bytes per cell and one bit in {@link FreeCells}:
 *
 * <pre>
 * positions [cells] int    position of the token in the cell
 * sequences [cells] long   bit s: sequence s sees the cell; 0: the cell is free
 * </pre>
 *
 * <p>A sequence holds the consecutive positions {@code [from, until)}, each in one cell; {@code
 * until} is where it goes on, also when it holds nothing any more. Sequences with a common
 * beginning share cells. A freed cell keeps its stale rows in the program, which nothing refers to
 * any more.
 *
 * <p>{@code [rangeFrom, rangeUntil)} is an interval of cell indices that holds all cells of a
 * sequence and perhaps others; it limits scans.
 *
 * <p>Confined to the model's runner thread. Allocates nothing after construction.
 */
final class CellTable {

  private final KvGroup group;
  private final MaskKind mask;
  private final int memory;
  private final int share;
  private final int[] positions;
  private final long[] sequences;
  private final FreeCells free;
  private final int[] from = new int[SequenceSet.MAX_SEQUENCES];
  private final int[] until = new int[SequenceSet.MAX_SEQUENCES];
  private final int[] rangeFrom = new int[SequenceSet.MAX_SEQUENCES];
  private final int[] rangeUntil = new int[SequenceSet.MAX_SEQUENCES];
  private final Untold untold = new Untold();

  /**
   * Creates a table of free cells.
   *
   * @param group whose cells they are
   * @param cells number of cells, at least 1
   * @param memory positions that are kept beyond those that can be seen, so that a sequence may go
   *     back a little
   * @param share positions that a sequence may hold before it is pruned
   */
  CellTable(KvGroup group, int cells, int memory, int share) {
    if (cells < 1 || !group.mask().isCausal() || memory < 0) {
      throw new IllegalArgumentException(
          "cells=" + cells + ", memory=" + memory + ", group " + group);
    }
    this.group = group;
    this.mask = group.mask();
    this.memory = memory;
    this.share = share;
    positions = new int[cells];
    sequences = new long[cells];
    free = new FreeCells(cells);
    Arrays.fill(rangeFrom, cells);
  }

  /** Whose cells they are. */
  KvGroup group() {
    return group;
  }

  /** Positions a sequence may hold before it is pruned. */
  int share() {
    return share;
  }

  /** The set of one sequence, without an object for it. */
  private static long bit(int sequence) {
    return 1L << Objects.checkIndex(sequence, SequenceSet.MAX_SEQUENCES);
  }

  /** Number of cells. */
  int cells() {
    return positions.length;
  }

  /** Number of free cells. */
  int freeCells() {
    return free.count();
  }

  /** Position of the token in a cell; meaningless for a free one. */
  int position(int cell) {
    return positions[cell];
  }

  /** The sequences that see a cell; empty for a free one. */
  SequenceSet sequences(int cell) {
    return new SequenceSet(sequences[cell]);
  }

  /** Whether a cell is among the free ones. */
  boolean isFree(int cell) {
    return free.contains(cell);
  }

  /** Whether a cell lies in the scan range of a sequence. */
  boolean inRange(int sequence, int cell) {
    return cell >= rangeFrom[sequence] && cell < rangeUntil[sequence];
  }

  /** Cells that an operation on a sequence visits. */
  int rangeLength(int sequence) {
    return Math.max(0, rangeUntil[sequence] - rangeFrom[sequence]);
  }

  /** First position that a sequence holds; {@link #until} if it holds none. */
  int from(int sequence) {
    return from[sequence];
  }

  /** One past the last position of a sequence, held or not; 0 for an unknown one. */
  int until(int sequence) {
    return until[sequence];
  }

  /** Cells that a sequence holds, alone or with others. */
  int held(int sequence) {
    return until[sequence] - from[sequence];
  }

  /**
   * The cells of a sequence, in order of cells: {@code for (c = next(…, 0); c >= 0; c = next(…, c +
   * 1))}.
   *
   * @param first first position
   * @param end one past the last position
   * @param cell where to start
   * @return the first cell from there on that holds one of the positions, or −1
   */
  int next(int sequence, int first, int end, int cell) {
    long bit = bit(sequence);
    for (int c = Math.max(cell, rangeFrom[sequence]); c < rangeUntil[sequence]; c++) {
      if ((sequences[c] & bit) != 0 && positions[c] >= first && positions[c] < end) {
        return c;
      }
    }
    return -1;
  }

  /**
   * Takes the lowest free cells for the next positions of a sequence.
   *
   * @param sequence number of the sequence, 0 to 63
   * @param position first position: where the sequence goes on, or any if it holds nothing
   * @param n number of positions
   * @param cells receives the n cells, in order of position
   * @throws CacheFullException if fewer than n cells are free; nothing is taken then
   * @throws IllegalArgumentException if the position leaves a gap or is held already
   */
  void allocate(int sequence, int position, int n, int[] cells) {
    long bit = bit(sequence);
    if (position < 0 || (held(sequence) > 0 && position != until[sequence])) {
      throw new IllegalArgumentException(
          "sequence " + sequence + " goes on at " + until[sequence] + ", not at " + position);
    }
    requireFree(n);
    if (held(sequence) == 0) {
      from[sequence] = position;
    }
    for (int i = 0; i < n; i++) {
      int cell = free.take();
      positions[cell] = position + i;
      sequences[cell] = bit;
      widen(sequence, cell);
      cells[i] = cell;
    }
    until[sequence] = position + n;
  }

  private void widen(int sequence, int cell) {
    rangeFrom[sequence] = Math.min(rangeFrom[sequence], cell);
    rangeUntil[sequence] = Math.max(rangeUntil[sequence], cell + 1);
  }

  /**
   * Checks that there is room.
   *
   * @throws CacheFullException if fewer than n cells are free
   */
  void requireFree(int n) {
    if (n <= free.count()) {
      return;
    }
    int largest = 0;
    for (int s = 1; s < SequenceSet.MAX_SEQUENCES; s++) {
      largest = held(s) > held(largest) ? s : largest;
    }
    throw new CacheFullException(mask, n, free.count(), cells(), largest, held(largest));
  }

  /** The free ones. */
  FreeCells free() {
    return free;
  }

  /**
   * Frees what no token of a sequence from a position on can see any more, but for the positions
   * kept in memory.
   *
   * @param sequence number of the sequence
   * @param position the smallest position that is still to be computed
   */
  void prune(int sequence, int position) {
    int keptFrom = Math.min(mask.visibleFrom(position) - memory, until[sequence]);
    if (keptFrom > from[sequence]) {
      drop(sequence, 0, keptFrom);
      from[sequence] = keptFrom;
    }
  }

  /**
   * Takes positions away from a sequence; cells that no other sequence sees become free.
   *
   * @param sequence number of the sequence
   * @param position first position; 0 for the whole sequence
   */
  void remove(int sequence, int position) {
    if (position >= until[sequence]) {
      return;
    }
    if (held(sequence) > 0) {
      drop(sequence, position, Integer.MAX_VALUE);
    }
    from[sequence] = Math.min(from[sequence], position);
    until[sequence] = position;
    untold.cut(sequence, position);
  }

  /** Takes positions away from a sequence, wherever they are, and leaves the gap. */
  void drop(int sequence, int first, int end) {
    long bit = bit(sequence);
    int keptFrom = positions.length;
    int keptUntil = 0;
    for (int cell = rangeFrom[sequence]; cell < rangeUntil[sequence]; cell++) {
      if ((sequences[cell] & bit) == 0) {
        continue;
      }
      if (positions[cell] >= first && positions[cell] < end) {
        sequences[cell] &= ~bit;
        if (sequences[cell] == 0) {
          free.put(cell);
        }
      } else {
        keptFrom = Math.min(keptFrom, cell);
        keptUntil = cell + 1;
      }
    }
    rangeFrom[sequence] = keptFrom;
    rangeUntil[sequence] = keptUntil;
  }

  /**
   * Makes a sequence share the beginning of another; what it held before is taken away from it.
   *
   * @param source the sequence to share with
   * @param target the sequence that changes, another one
   * @param length positions below this one are shared, as far as the source holds them
   */
  void copyPrefix(int source, int target, int length) {
    if (source == target) {
      throw new IllegalArgumentException("sequence " + source + " cannot be copied to itself");
    }
    remove(target, 0);
    long bit = bit(target);
    int end = Math.min(length, until[source]);
    for (int c = next(source, 0, end, 0); c >= 0; c = next(source, 0, end, c + 1)) {
      sequences[c] |= bit;
      widen(target, c);
    }
    from[target] = Math.min(from[source], end);
    until[target] = end;
    untold.add(target, from[target], end);
  }

  /**
   * Takes the positions {@code [begin, end)} away from a sequence and moves those behind down by
   * {@code end − begin}, so that no gap is left. Their keys have to be rotated by as much.
   *
   * @param begin first position, not below 0
   * @param end one past the last, above {@code begin}, at most {@link #until}; no other sequence
   *     sees a cell of what is behind
   */
  void close(int sequence, int begin, int end) {
    drop(sequence, begin, end);
    int by = end - begin;
    for (int c = next(sequence, end, Integer.MAX_VALUE, 0);
        c >= 0;
        c = next(sequence, end, Integer.MAX_VALUE, c + 1)) {
      positions[c] -= by;
    }
    from[sequence] = from[sequence] >= end ? from[sequence] - by : Math.min(from[sequence], begin);
    until[sequence] -= by;
    untold.cut(sequence, begin);
    untold.add(sequence, Math.max(begin, from[sequence]), until[sequence]);
  }

  /** Cells of positions {@code [first, end)} that no other sequence sees. */
  int alone(int sequence, int first, int end) {
    int n = 0;
    for (int c = next(sequence, first, end, 0); c >= 0; c = next(sequence, first, end, c + 1)) {
      n += isShared(sequence, c) ? 0 : 1;
    }
    return n;
  }

  /** Whether another sequence sees a cell too. */
  boolean isShared(int sequence, int cell) {
    return (sequences[cell] & ~bit(sequence)) != 0;
  }

  /**
   * Gives a sequence the lowest free cell, of which there must be one, instead of one that others
   * see too; the row has to be copied.
   *
   * @return the cell of its own
   */
  int separate(int sequence, int cell) {
    int own = free.take();
    positions[own] = positions[cell];
    sequences[own] = bit(sequence);
    sequences[cell] &= ~bit(sequence);
    widen(sequence, own);
    return own;
  }

  /**
   * Gives a sequence cells for positions whose rows come from elsewhere, instead of all it holds.
   *
   * @throws CacheFullException if there are not enough; the sequence holds nothing then
   */
  void adopt(int sequence, int first, int end) {
    remove(sequence, 0);
    allocate(sequence, first, end - first, new int[end - first]);
    untold.add(sequence, first, end);
  }

  /**
   * Writes the cells of positions that a sequence holds, in order of position.
   *
   * @param cells [end − first] I32
   */
  void cells(int sequence, int first, int end, MemorySegment cells) {
    for (int c = next(sequence, first, end, 0); c >= 0; c = next(sequence, first, end, c + 1)) {
      cells.setAtIndex(ValueLayout.JAVA_INT, positions[c] - first, c);
    }
  }

  /**
   * Whether a sequence may go on at a position: it got there, and what the token there sees is
   * held.
   */
  boolean canResume(int sequence, int position) {
    int first = mask.visibleFrom(position);
    return position <= until[sequence] && (first == position || first >= from[sequence]);
  }

  /** The greatest position up to {@code position} at which a sequence may go on. */
  int resumable(int sequence, int position) {
    int p = Math.min(position, until[sequence]);
    if (canResume(sequence, p)) {
      return p;
    }
    // below a position that lacks its window, only one that needs none has it
    return mask.type() == MaskKind.Type.CHUNKED ? mask.visibleFrom(p) : 0;
  }

  /** Cells of a sequence that the program may not know. */
  int untold(int sequence) {
    int first = Math.max(untold.from(sequence), from[sequence]);
    return Math.max(0, Math.min(untold.until(sequence), until[sequence]) - first);
  }

  /** Writes what the program does not know about a sequence in a step. */
  void tell(Step step, int sequence) {
    untold.tell(step, this, sequence);
  }

  /** Notes that the program knows everything about a sequence. */
  void told(int sequence) {
    untold.cut(sequence, 0);
  }
}
