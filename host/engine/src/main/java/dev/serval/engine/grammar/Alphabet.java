package dev.serval.engine.grammar;

/**
 * The sets of characters of a program as automata over classes of bytes that no set tells apart.
 * Not changed once made.
 */
final class Alphabet {

  /** Class of each byte. */
  private final byte[] classOf;

  private final int classes;

  /** State of each set before its first byte. */
  private final int[] start;

  /** [states × classes] the state after a byte. */
  private final int[] next;

  /** Per state: bytes that follow at least. */
  private final int[] missing;

  /** Per set: the {@link CharGroups} of which it holds all characters. */
  private final long[] within;

  /** Per set: the groups of which it holds a character. */
  private final long[] touched;

  private Alphabet(AlphabetBuilder.Parts parts) {
    classOf = parts.classOf;
    classes = parts.classes;
    start = parts.start;
    next = parts.next;
    missing = parts.missing;
    within = parts.within;
    touched = parts.touched;
  }

  static Alphabet of(AlphabetBuilder.Parts parts) {
    return new Alphabet(parts);
  }

  /** Number of classes of bytes. */
  int classes() {
    return classes;
  }

  /** The class of a byte. */
  int classOf(byte b) {
    return classOf[b & 0xFF] & 0xFF;
  }

  /** The state of a set before its first byte. */
  int start(int set) {
    return start[set];
  }

  /**
   * The state after a byte of a class, {@link Utf8Automaton#DEAD} or {@link Utf8Automaton#DONE}.
   */
  int next(int state, int byteClass) {
    return next[state * classes + byteClass];
  }

  /** Bytes that follow at least. */
  int missing(int state) {
    return missing[state];
  }

  /** The {@link CharGroups} of which a set holds all characters. */
  long within(int set) {
    return within[set];
  }

  /** The groups of which a set holds a character. */
  long touched(int set) {
    return touched[set];
  }
}
