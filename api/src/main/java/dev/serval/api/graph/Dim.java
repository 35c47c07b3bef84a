package dev.serval.api.graph;

/**
 * One size of a value: a number, or the number of rows that a step decides.
 *
 * @param kind what the size counts
 * @param size the number for {@link Kind#FIXED}, 0 otherwise
 */
public record Dim(Kind kind, int size) {

  /** What a size counts. */
  public enum Kind {
    /** A number known when the graph is built. */
    FIXED,
    /** Tokens of the step. */
    TOKENS,
    /** Tokens of the step whose output is wanted. */
    WANTED,
    /** Distinct sequences of the step. */
    SEQUENCES
  }

  /** As many rows as the step has tokens. */
  public static final Dim TOKENS = new Dim(Kind.TOKENS, 0);

  /** As many rows as outputs are wanted. */
  public static final Dim WANTED = new Dim(Kind.WANTED, 0);

  /** As many rows as the step has distinct sequences. */
  public static final Dim SEQUENCES = new Dim(Kind.SEQUENCES, 0);

  /** Checks that exactly fixed sizes carry a positive number. */
  public Dim {
    if (kind == Kind.FIXED ? size <= 0 : size != 0) {
      throw new IllegalArgumentException("size of a " + kind + " dimension: " + size);
    }
  }

  /** A fixed size. */
  public static Dim of(int size) {
    return new Dim(Kind.FIXED, size);
  }

  /** Whether the size is a number. */
  public boolean isFixed() {
    return kind == Kind.FIXED;
  }

  @Override
  public String toString() {
    return isFixed() ? Integer.toString(size) : kind.name().toLowerCase(java.util.Locale.ROOT);
  }
}
