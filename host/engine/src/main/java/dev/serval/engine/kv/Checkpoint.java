package dev.serval.engine.kv;

import dev.serval.api.kv.KvGroup;
import dev.serval.api.kv.SequenceSet;
import dev.serval.api.memory.PooledBuffer;
import java.util.List;

/**
 * The rows of the window groups for one window of a text, outside of the program.
 *
 * <pre>
 * rows: per window group, per slot: canonical rows of positions [from, position)
 * </pre>
 *
 * <p>It serves every sequence whose text is the same up to some position: its limit.
 */
final class Checkpoint {

  private final List<CellTable> tables;
  private final int position;
  private final PooledBuffer rows;
  private final int[] limits = new int[SequenceSet.MAX_SEQUENCES];

  /** When it was made or restored last, in uses of any checkpoint. */
  long lastUse;

  /**
   * A checkpoint that serves nobody yet.
   *
   * @param tables tables of the window groups
   * @param position one past the last position
   * @param rows memory of all rows
   */
  Checkpoint(List<CellTable> tables, int position, PooledBuffer rows) {
    this.tables = tables;
    this.position = position;
    this.rows = rows;
  }

  /**
   * The first position whose rows are kept: what the token before {@code position} sees, since a
   * prompt that is asked for again has its last token computed again.
   */
  static int from(KvGroup group, int position) {
    return group.mask().visibleFrom(position - 1);
  }

  /** One past the last position. */
  int position() {
    return position;
  }

  /** Memory of the rows. */
  PooledBuffer rows() {
    return rows;
  }

  /** Up to where the text of a sequence is the one whose rows these are; 0: not at all. */
  int limit(int sequence) {
    return limits[sequence];
  }

  /** Whether it serves a sequence. */
  boolean serves(int sequence) {
    return limits[sequence] > 0;
  }

  /** Whether it serves any. */
  boolean servesAny() {
    for (int limit : limits) {
      if (limit > 0) {
        return true;
      }
    }
    return false;
  }

  /** States up to where a sequence has this text; the end of service where that is too little. */
  void limit(int sequence, int limit) {
    int most = Math.min(limit, position);
    limits[sequence] = covers(most) ? most : 0;
  }

  /** Whether all that a token at a position sees before itself is kept. */
  private boolean covers(int p) {
    if (p <= 0) {
      return false;
    }
    for (CellTable t : tables) {
      int visibleFrom = t.group().mask().visibleFrom(p);
      if (visibleFrom < p && visibleFrom < from(t.group(), position)) {
        return false;
      }
    }
    return true;
  }

  /**
   * The greatest position up to {@code asked} at which a sequence may go on with these rows, or 0.
   */
  int reach(int sequence, int asked) {
    int p = Math.min(asked, limits[sequence]);
    return covers(p) ? p : 0;
  }
}
