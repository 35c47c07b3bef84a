package dev.serval.api.attention;

/**
 * Which positions of its own sequence a token sees. With {@code i} the position of the query,
 * {@code j} that of the key and {@code W} the window, {@code j} is visible iff
 *
 * <ul>
 *   <li>causal: {@code j ≤ i};
 *   <li>sliding: {@code j ≤ i} and {@code i − j < W} (W tokens including itself, as llama.cpp);
 *   <li>chunked: {@code j ≤ i} and {@code j ≥ ⌊i/W⌋·W};
 *   <li>symmetric: {@code |i − j| ≤ ⌊W/2⌋};
 *   <li>bidirectional: always.
 * </ul>
 *
 * All of them are one interval, so no mask is ever built: a step states the interval of each token.
 *
 * @param type the rule
 * @param window W in tokens; 0 for the rules that have none
 */
public record MaskKind(Type type, int window) {

  /** The rule of a mask. */
  public enum Type {
    /** Everything up to the token itself. */
    CAUSAL,
    /** The last W tokens. */
    SLIDING,
    /** The token's own chunk of W, up to itself. */
    CHUNKED,
    /** Half a window to either side. */
    SYMMETRIC,
    /** Everything. */
    BIDIRECTIONAL
  }

  /** The causal rule. */
  public static final MaskKind CAUSAL = new MaskKind(Type.CAUSAL, 0);

  /** The bidirectional rule. */
  public static final MaskKind BIDIRECTIONAL = new MaskKind(Type.BIDIRECTIONAL, 0);

  /** Checks that a window is given exactly where the rule has one. */
  public MaskKind {
    boolean windowed = type != Type.CAUSAL && type != Type.BIDIRECTIONAL;
    if (windowed ? window <= 0 : window != 0) {
      throw new IllegalArgumentException("window of a " + type + " mask: " + window);
    }
  }

  /** The sliding rule with a window of {@code window} tokens. */
  public static MaskKind sliding(int window) {
    return new MaskKind(Type.SLIDING, window);
  }

  /** The symmetric rule with a window of {@code window} tokens. */
  public static MaskKind symmetric(int window) {
    return new MaskKind(Type.SYMMETRIC, window);
  }

  /** The chunked rule with chunks of {@code window} tokens. */
  public static MaskKind chunked(int window) {
    return new MaskKind(Type.CHUNKED, window);
  }

  /** Whether tokens see nothing after themselves. */
  public boolean isCausal() {
    return type == Type.CAUSAL || type == Type.SLIDING || type == Type.CHUNKED;
  }

  /** The first position that the token at {@code position} sees. */
  public int visibleFrom(int position) {
    return switch (type) {
      case CAUSAL, BIDIRECTIONAL -> 0;
      case SLIDING -> Math.max(0, position - window + 1);
      case CHUNKED -> position / window * window;
      case SYMMETRIC -> Math.max(0, position - window / 2);
    };
  }

  /**
   * One past the last position that the token at {@code position} sees.
   *
   * @param length tokens of the sequence, including those of the same step
   */
  public int visibleUntil(int position, int length) {
    return switch (type) {
      case CAUSAL, SLIDING, CHUNKED -> position + 1;
      case SYMMETRIC -> Math.min(length, position + window / 2 + 1);
      case BIDIRECTIONAL -> length;
    };
  }
}
