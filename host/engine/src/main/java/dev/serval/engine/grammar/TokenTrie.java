package dev.serval.engine.grammar;

import dev.serval.api.text.Tokenizer;
import java.util.Arrays;
import java.util.BitSet;

/**
 * The tokens of a vocabulary by their bytes. Immutable and thread-safe.
 *
 * <p>Nodes are numbered in preorder, so that the first child of node {@code n} is {@code n + 1} and
 * what follows its subtree is {@link #skip}. Tokens are numbered in the same order, by
 * <b>place</b>: those of a subtree lie side by side.
 *
 * <pre>
 *  tokens a, ab, ac, b      node    0 (root)  1 a  2 ab  3 ac  4 b
 *                           skip    5         4    3     4     5
 *                           place   0         0    1     2     3
 * </pre>
 *
 * <p>Not in it are tokens that are no text, or must not be drawn: control tokens and those that end
 * a generation, suppressed and empty ones, and marks such as {@code <|channel|>}, which some
 * vocabularies hold as text.
 */
final class TokenTrie {

  /** No place. */
  static final int NONE = -1;

  private static final int MAX_CHARS = 127;

  private final byte[] label;
  private final int[] skip;
  private final int[] place;

  /** Per node: groups of the characters from its parent on, {@link CharGroups#NO_TEXT} included. */
  private final long[] groups;

  /** Per node: characters of the longest token from its parent on. */
  private final byte[] chars;

  private final int[] idAt;
  private final int[] placeOf;
  private final BitSet endOfGeneration;
  private final int longestChars;

  private TokenTrie(
      TrieShape built, TrieSummary summary, int[] idAt, int width, BitSet endOfGeneration) {
    this.label = built.label;
    this.skip = built.skip;
    this.place = built.place;
    this.groups = summary.groups;
    this.chars = summary.chars;
    this.idAt = idAt;
    this.endOfGeneration = endOfGeneration;
    this.placeOf = new int[width];
    Arrays.fill(placeOf, NONE);
    for (int p = 0; p < idAt.length; p++) {
      placeOf[idAt[p]] = p;
    }
    int longest = 0;
    for (byte c : chars) {
      longest = Math.max(longest, c);
    }
    longestChars = longest;
  }

  /**
   * Sorts a vocabulary.
   *
   * @param width ids that may be drawn: 0 until this
   */
  static TokenTrie of(Tokenizer tokenizer, int width) {
    byte[][] bytes = new byte[width][];
    BitSet ends = new BitSet(width);
    int n = 0;
    Integer[] ids = new Integer[width];
    for (int id = 0; id < width; id++) {
      if (tokenizer.isEndOfGeneration(id)) {
        ends.set(id);
      } else if (!tokenizer.isControl(id) && !tokenizer.isSuppressed(id)) {
        bytes[id] = tokenizer.bytes(id);
        if (bytes[id].length > 0 && !isMark(bytes[id])) {
          ids[n++] = id;
        }
      }
    }
    Integer[] sorted = Arrays.copyOf(ids, n);
    Arrays.sort(sorted, (a, b) -> Arrays.compareUnsigned(bytes[a], bytes[b]));
    int[] idAt = Arrays.stream(sorted).mapToInt(Integer::intValue).toArray();
    TrieShape built = TrieShape.of(idAt, bytes);
    return new TokenTrie(built, TrieSummary.of(built, MAX_CHARS), idAt, width, ends);
  }

  private static boolean isMark(byte[] text) {
    int n = text.length;
    return n > 4 && text[0] == '<' && text[1] == '|' && text[n - 2] == '|' && text[n - 1] == '>';
  }

  /** Number of nodes. */
  int size() {
    return label.length;
  }

  /** The byte that leads to a node. */
  byte label(int node) {
    return label[node];
  }

  /** The node after the subtree of a node. */
  int skip(int node) {
    return skip[node];
  }

  /** Place of the first token of a node or after it; also for {@link #size}. */
  int place(int node) {
    return place[node];
  }

  /** Groups of the characters of all tokens through a node, from its parent on. */
  long groups(int node) {
    return groups[node];
  }

  /** Most characters of a token through a node, from its parent on. */
  int chars(int node) {
    return chars[node];
  }

  /** Most characters of a token. */
  int longestChars() {
    return longestChars;
  }

  /** Number of tokens that are text. */
  int tokens() {
    return idAt.length;
  }

  /** Number of ids. */
  int width() {
    return placeOf.length;
  }

  /** The place of a token, or {@link #NONE}. */
  int placeOf(int id) {
    return placeOf[id];
  }

  /** The token at a place. */
  int idAt(int p) {
    return idAt[p];
  }

  /** Whether a token ends the generation. */
  boolean isEndOfGeneration(int id) {
    return endOfGeneration.get(id);
  }
}
