package dev.serval.api.kv;

/**
 * A set of sequence numbers 0 to 63, one bit each.
 *
 * @param bits bit {@code s} is set iff sequence {@code s} is in the set
 */
public record SequenceSet(long bits) {

  /** Number of distinct sequences. */
  public static final int MAX_SEQUENCES = Long.SIZE;

  /** The empty set. */
  public static final SequenceSet EMPTY = new SequenceSet(0);

  /** The set of one sequence. */
  public static SequenceSet of(int sequence) {
    return new SequenceSet(bit(sequence));
  }

  /** The set with {@code sequence} in it. */
  public SequenceSet with(int sequence) {
    return new SequenceSet(bits | bit(sequence));
  }

  /** The set without {@code sequence}. */
  public SequenceSet without(int sequence) {
    return new SequenceSet(bits & ~bit(sequence));
  }

  /** Whether {@code sequence} is in the set. */
  public boolean contains(int sequence) {
    return (bits & bit(sequence)) != 0;
  }

  /** Whether the set has no sequence. */
  public boolean isEmpty() {
    return bits == 0;
  }

  /** Number of sequences in the set. */
  public int size() {
    return Long.bitCount(bits);
  }

  private static long bit(int sequence) {
    if (sequence < 0 || sequence >= MAX_SEQUENCES) {
      throw new IllegalArgumentException("sequence must be 0..63: " + sequence);
    }
    return 1L << sequence;
  }
}
