package dev.serval.engine.tokenizer;

import dev.serval.api.error.ModelRefusedException;
import dev.serval.api.error.ModelRefusedException.Reason;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Finds the tokens that are cut out of a text before it is tokenized: user-defined ones everywhere,
 * control and unknown ones in markup only, markup that is shown as {@link TokenType#SHOWN} says.
 * Immutable and thread-safe.
 *
 * <p>Longer tokens go first, and among equally long ones the lower id; each takes its occurrences
 * from left to right out of what its predecessors left. That is llama.cpp's partition, but not its
 * way: there each token searches the whole text. Here
 *
 * <ol>
 *   <li>a trie finds the longest candidate that begins at each position;
 *   <li>positions wait in one list per candidate, and the lists are emptied in order of rank;
 *   <li>a position whose candidate is blocked by a token taken before moves on to the next shorter
 *       candidate that begins there.
 * </ol>
 *
 * so that the work grows with the text and not with the number of candidates.
 */
final class SpecialTokens {

  private static final int NONE = -1;

  private static final int[] NO_POSITIONS = {};

  /** Far above every published one; bounds the work for each byte of a text. */
  private static final int MAX_BYTES = 256;

  /** Ids by rank: longest first, then lowest id. */
  private final int[] ids;

  /** Bytes of the tokens, by rank. */
  private final int[] lengths;

  /** Whether a token is found in markup only, by rank. */
  private final boolean[] markupOnly;

  /** Whether a token is found in markup only if there is any, by rank. */
  private final boolean[] shown;

  /**
   * What to try next where a candidate begins but may not be taken, by rank: one of equal text,
   * else the longest that is a proper prefix; −1 for none.
   */
  private final int[] fallback;

  // The trie: node 0 is the root.
  private final byte[] label;
  private final int[] parent;
  private final int[] rankAt;
  private final int[] childOfRoot = new int[256];

  /** Open-addressing table of the other nodes by parent and label; its length is 2^n. */
  private final int[] table;

  /** Log2 of the table's length. */
  private final int bits;

  /** Takes what was found. */
  interface Finder {
    /** Takes a token of {@code length} bytes from {@code start}. */
    void found(int start, int length, int id);
  }

  SpecialTokens(Vocabulary vocabulary) {
    this.ids =
        IntStream.range(0, vocabulary.size())
            .filter(id -> isCandidate(vocabulary, id))
            .boxed()
            .sorted(Comparator.comparing(vocabulary::textBytes, Comparator.reverseOrder()))
            .mapToInt(Integer::intValue)
            .toArray();
    this.lengths = IntStream.of(ids).map(vocabulary::textBytes).toArray();
    requireShort();
    this.markupOnly = new boolean[ids.length];
    this.shown = new boolean[ids.length];
    this.fallback = filled(ids.length);
    int nodes = 1 + IntStream.of(lengths).sum();
    this.label = new byte[nodes];
    this.parent = filled(nodes);
    this.rankAt = filled(nodes);
    this.table = filled(Integer.highestOneBit(nodes) * 4);
    this.bits = Integer.numberOfTrailingZeros(table.length);
    Arrays.fill(childOfRoot, NONE);
    int used = 1;
    // Shortest first, so that every prefix is there before what it begins.
    for (int rank = ids.length - 1; rank >= 0; rank--) {
      markupOnly[rank] = vocabulary.type(ids[rank]).isHidden();
      shown[rank] = vocabulary.type(ids[rank]) == TokenType.SHOWN;
      used = insert(vocabulary.text(ids[rank]), rank, used);
    }
  }

  /** A text that is not well-formed is in no prompt, but would cut through its characters. */
  private static boolean isCandidate(Vocabulary vocabulary, int id) {
    TokenType type = vocabulary.type(id);
    return (type == TokenType.USER_DEFINED || type.isMarkup())
        && Utf8.isWellFormed(vocabulary.text(id));
  }

  private void requireShort() {
    if (lengths.length > 0 && lengths[0] > MAX_BYTES) {
      throw new ModelRefusedException(
          Reason.VOCABULARY,
          "key "
              + Vocabulary.TOKENS
              + ": expected control and user-defined tokens of at most "
              + MAX_BYTES
              + " bytes, got "
              + lengths[0]
              + " at "
              + ids[0]);
    }
  }

  private static int[] filled(int n) {
    int[] a = new int[n];
    Arrays.fill(a, NONE);
    return a;
  }

  private int insert(byte[] text, int rank, int firstFree) {
    int used = firstFree;
    int node = 0;
    for (byte b : text) {
      if (rankAt[node] != NONE) {
        fallback[rank] = rankAt[node];
      }
      int child = child(node, b);
      if (child == NONE) {
        child = used++;
        adopt(node, child, b);
      }
      node = child;
    }
    if (rankAt[node] != NONE) {
      fallback[rank] = rankAt[node];
    }
    rankAt[node] = rank; // of equal texts the lowest id comes last and is tried first
    return used;
  }

  private void adopt(int node, int child, byte b) {
    label[child] = b;
    parent[child] = node;
    if (node == 0) {
      childOfRoot[b & 0xFF] = child;
    } else {
      table[place(node, b)] = child;
    }
  }

  private int child(int node, byte b) {
    return node == 0 ? childOfRoot[b & 0xFF] : table[place(node, b)];
  }

  /** Where the table has a child, or would have it. */
  private int place(int node, byte b) {
    int place = SecretHash.DRAWN.of(node, b, bits);
    while (table[place] != NONE && (parent[table[place]] != node || label[table[place]] != b)) {
      place = (place + 1) & (table.length - 1);
    }
    return place;
  }

  /** Reports the tokens in a text from left to right. */
  void find(PromptText text, Finder finder) {
    int @Nullable [] next = null;
    int[] heads = filled(ids.length);
    for (int at = text.length() - 1; at >= 0; at--) {
      int rank = allowed(longestAt(text, at), at, text);
      if (rank != NONE) {
        if (next == null) {
          next = new int[text.length()];
        }
        next[at] = heads[rank];
        heads[rank] = at;
      }
    }
    if (next == null) {
      return;
    }
    int[] rankOf = filled(text.length());
    take(text, heads, next, rankOf);
    for (int at = 0; at < rankOf.length; at++) {
      int rank = rankOf[at];
      if (rank != NONE) {
        finder.found(at, lengths[rank], ids[rank]);
      }
    }
  }

  /**
   * Decides which candidates are taken.
   *
   * @param heads first position of each candidate's list
   * @param next position that follows a position in its list
   * @param rankOf takes the candidate that begins at each position
   */
  private void take(PromptText text, int[] heads, int[] next, int[] rankOf) {
    BitSet taken = new BitSet(text.length());
    for (int rank = 0; rank < heads.length; rank++) {
      for (int at : positions(heads[rank], next)) {
        int end = at + lengths[rank];
        if (taken.get(at)) {
          continue;
        }
        // Whatever was taken is at least as long: an overlap covers the first or the last byte.
        if (!taken.get(end - 1)) {
          taken.set(at, end);
          rankOf[at] = rank;
          continue;
        }
        int smaller = allowed(fallback[rank], at, text);
        if (smaller != NONE) {
          next[at] = heads[smaller];
          heads[smaller] = at;
        }
      }
    }
  }

  /** The positions of a list, ascending. */
  private static int[] positions(int head, int[] next) {
    if (head == NONE) {
      return NO_POSITIONS;
    }
    IntStream.Builder positions = IntStream.builder();
    for (int at = head; at != NONE; at = next[at]) {
      positions.add(at);
    }
    int[] sorted = positions.build().toArray();
    Arrays.sort(sorted);
    return sorted;
  }

  private int longestAt(PromptText text, int at) {
    byte[] bytes = text.bytes();
    int longest = NONE;
    int node = 0;
    for (int i = at; i < text.length(); i++) {
      node = child(node, bytes[i]);
      if (node == NONE) {
        break;
      }
      if (rankAt[node] != NONE) {
        longest = rankAt[node];
      }
    }
    return longest;
  }

  /** The candidate, or the first of its fallbacks, that may be found where it begins. */
  private int allowed(int rank, int at, PromptText text) {
    int r = rank;
    while (r != NONE && needsMarkup(r, text) && !text.isMarkup(at, at + lengths[r])) {
      r = fallback[r];
    }
    return r;
  }

  private boolean needsMarkup(int rank, PromptText text) {
    return markupOnly[rank] || (shown[rank] && text.hasMarkup());
  }
}
