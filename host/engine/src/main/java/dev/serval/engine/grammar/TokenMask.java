package dev.serval.engine.grammar;

import dev.serval.engine.sampling.TokenFilter;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The tokens that a grammar allows next. Immutable.
 *
 * <p>Kept as ranges of places of a {@link TokenTrie} where these are few, else as a bit per place.
 */
final class TokenMask implements TokenFilter {

  private final TokenTrie trie;

  /** First place of each range and the one after it, ascending; nothing if there are bits. */
  private final int[] ranges;

  private final long @Nullable [] bits;

  /** Allowed by their id, ascending, whether or not they are text. */
  private final int[] named;

  private final boolean endAllowed;
  private final int farthest;
  private final int tokens;

  /**
   * A mask.
   *
   * @param ranges first place of each range and the one after it, ascending and apart
   * @param named tokens allowed by their id
   * @param endAllowed whether the text may end
   * @param farthest bytes to the end of the text at least, after the worst of the tokens
   */
  TokenMask(TokenTrie trie, int[] ranges, int[] named, boolean endAllowed, int farthest) {
    this.trie = trie;
    this.named = named.clone();
    Arrays.sort(this.named);
    this.endAllowed = endAllowed;
    this.farthest = farthest;
    int words = (trie.tokens() + Long.SIZE - 1) / Long.SIZE;
    int n = 0;
    for (int i = 0; i < ranges.length; i += 2) {
      n += ranges[i + 1] - ranges[i];
    }
    tokens = n;
    if (ranges.length > 2 * words) {
      this.ranges = new int[0];
      this.bits = bits(ranges, words);
    } else {
      this.ranges = ranges;
      this.bits = null;
    }
  }

  private static long[] bits(int[] ranges, int words) {
    long[] bits = new long[words];
    for (int i = 0; i < ranges.length; i += 2) {
      int from = ranges[i];
      int last = ranges[i + 1] - 1;
      long head = -1L << from;
      long tail = -1L >>> (Long.SIZE - 1 - (last & (Long.SIZE - 1)));
      if (from / Long.SIZE == last / Long.SIZE) {
        bits[from / Long.SIZE] |= head & tail;
      } else {
        bits[from / Long.SIZE] |= head;
        Arrays.fill(bits, from / Long.SIZE + 1, last / Long.SIZE, -1L);
        bits[last / Long.SIZE] |= tail;
      }
    }
    return bits;
  }

  @Override
  public boolean allows(int token) {
    int place = trie.placeOf(token);
    if (place == TokenTrie.NONE) {
      return trie.isEndOfGeneration(token)
          ? endAllowed
          : named.length > 0 && Arrays.binarySearch(named, token) >= 0;
    }
    if (holds(place)) {
      return true;
    }
    return named.length > 0 && Arrays.binarySearch(named, token) >= 0;
  }

  private boolean holds(int place) {
    long[] words = bits;
    if (words != null) {
      return ((words[place / Long.SIZE] >>> place) & 1) != 0;
    }
    int at = Arrays.binarySearch(ranges, place);
    // a range's first place, or between it and the one after the range
    return at >= 0 ? isFirst(at) : ((-at - 1) & 1) == 1;
  }

  private static boolean isFirst(int at) {
    return (at & 1) == 0;
  }

  /** Whether no token is allowed but such as end the generation. */
  boolean hasNoText() {
    return tokens == 0 && named.length == 0;
  }

  /** Number of tokens that are text and allowed. */
  int tokens() {
    return tokens;
  }

  /** Whether the text may end. */
  boolean endAllowed() {
    return endAllowed;
  }

  /** Bytes to the end of the text at least, after the worst of the tokens. */
  int farthest() {
    return farthest;
  }

  /** Memory that it takes, in bytes. */
  long size() {
    long[] words = bits;
    return 80 + 4L * (ranges.length + named.length) + (words == null ? 0 : 8L * words.length);
  }
}
