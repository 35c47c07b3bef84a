package dev.serval.engine.kv;

import dev.serval.api.kv.SequenceSet;

/**
 * A token cannot move to another position because another sequence sees its cell too. Nothing was
 * changed; the sequence may go on as it is, or be removed and computed again.
 */
public final class SharedCellException extends IllegalStateException {

  private static final long serialVersionUID = 1L;

  private final int sequence;
  private final int position;
  private final transient SequenceSet others;

  /**
   * Creates the failure.
   *
   * @param sequence the sequence whose tokens were to move
   * @param position position of one that cannot
   * @param others who sees its cell besides
   */
  SharedCellException(int sequence, int position, SequenceSet others) {
    super(
        "position "
            + position
            + " of sequence "
            + sequence
            + " cannot move: "
            + others.size()
            + " other sequences see its cell, the first is "
            + Long.numberOfTrailingZeros(others.bits()));
    this.sequence = sequence;
    this.position = position;
    this.others = others;
  }

  /** The sequence whose tokens were to move. */
  public int sequence() {
    return sequence;
  }

  /** Position of a token that cannot move. */
  public int position() {
    return position;
  }

  /** Who sees the token's cell besides. */
  public SequenceSet others() {
    return others;
  }
}
