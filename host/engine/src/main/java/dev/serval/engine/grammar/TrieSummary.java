package dev.serval.engine.grammar;

/** Which characters lie behind each node of a trie, read as UTF-8 from its parent on. */
final class TrieSummary {

  /**
   * Per node: {@link CharGroups} of all characters of tokens through it; {@link CharGroups#NO_TEXT}
   * if one of them is no text, or too long.
   */
  final long[] groups;

  /** Per node: most characters of a token through it. */
  final byte[] chars;

  private TrieSummary(int nodes) {
    groups = new long[nodes];
    chars = new byte[nodes];
  }

  /**
   * Looks at every node, children first.
   *
   * @param longest characters that are counted at most
   */
  static TrieSummary of(TrieShape trie, int longest) {
    int n = trie.label.length;
    TrieSummary summary = new TrieSummary(n);
    Reader reader = new Reader(trie, summary, longest);
    for (int node = n - 1; node > 0; node--) {
      reader.read(node);
    }
    return summary;
  }

  /** Reads the characters that begin at a node. */
  private static final class Reader {
    private final TrieShape trie;
    private final TrieSummary summary;
    private final int longest;

    /** Groups and characters after each node, where a character ends there. */
    private final long[] groupsAfter;

    private final byte[] charsAfter;
    private long groups;
    private int most;

    Reader(TrieShape trie, TrieSummary summary, int longest) {
      this.trie = trie;
      this.summary = summary;
      this.longest = longest;
      groupsAfter = new long[trie.label.length];
      charsAfter = new byte[trie.label.length];
    }

    void read(int node) {
      int end = trie.skip[node];
      for (int child = node + 1; child < end; child = trie.skip[child]) {
        groupsAfter[node] |= summary.groups[child];
        charsAfter[node] = (byte) Math.max(charsAfter[node], summary.chars[child]);
      }
      groups = 0;
      most = 0;
      int b = trie.label[node] & 0xFF;
      if (b < 0x80) {
        complete(node, b);
      } else if (b >= 0xC2 && b <= 0xDF) {
        inside(node, b & 0x1F, 1, 0x80);
      } else if (b >= 0xE0 && b <= 0xEF) {
        inside(node, b & 0x0F, 2, 0x800);
      } else if (b >= 0xF0 && b <= 0xF4) {
        inside(node, b & 0x07, 3, 0x10000);
      } else {
        groups = CharGroups.NO_TEXT;
      }
      summary.groups[node] = groups;
      summary.chars[node] = (byte) most;
    }

    private void complete(int node, int codePoint) {
      int n = charsAfter[node] + 1;
      groups |= groupsAfter[node] | (n > longest ? CharGroups.NO_TEXT : CharGroups.of(codePoint));
      most = Math.max(most, Math.min(n, longest));
    }

    /**
     * Reads on inside a character.
     *
     * @param bits the code point's bits so far
     * @param missing bytes that follow
     * @param least lowest code point that is written in so many bytes
     */
    private void inside(int node, int bits, int missing, int least) {
      if (trie.place[node] < trie.place[node + 1]) {
        endInside(bits, missing, least);
      }
      int end = trie.skip[node];
      for (int child = node + 1; child < end; child = trie.skip[child]) {
        int b = trie.label[child] & 0xFF;
        int more = bits << 6 | (b & 0x3F);
        if (b < 0x80 || b > 0xBF) {
          groups |= CharGroups.NO_TEXT;
        } else if (missing > 1) {
          inside(child, more, missing - 1, least);
        } else if (more < least || more > Character.MAX_CODE_POINT || isSurrogate(more)) {
          groups |= CharGroups.NO_TEXT;
        } else {
          complete(child, more);
        }
      }
    }

    /** A token ends inside a character: it stands for any that it may become, so for the first. */
    private void endInside(int bits, int missing, int least) {
      int first = Math.max(least, bits << (6 * missing));
      if (isSurrogate(first) || first > Character.MAX_CODE_POINT) {
        groups |= CharGroups.NO_TEXT;
      } else {
        groups |= CharGroups.of(first);
      }
      most = Math.max(most, 1);
    }

    private static boolean isSurrogate(int codePoint) {
      return codePoint >= 0xD800 && codePoint <= 0xDFFF;
    }
  }
}
