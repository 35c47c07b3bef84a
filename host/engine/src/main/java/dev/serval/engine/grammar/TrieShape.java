package dev.serval.engine.grammar;

import java.util.Arrays;

/** The shape of a trie, in preorder. Not changed once built. */
final class TrieShape {

  /** Per node the byte that leads to it; 0 for the root. */
  final byte[] label;

  /** Per node the node after its subtree. */
  final int[] skip;

  /** Per node, and once more at the end: number of tokens before it. */
  final int[] place;

  private TrieShape(int nodes) {
    label = new byte[nodes];
    skip = new int[nodes];
    place = new int[nodes + 1];
  }

  /**
   * Builds a trie.
   *
   * @param ids tokens sorted by their bytes
   * @param bytes bytes by id
   */
  static TrieShape of(int[] ids, byte[][] bytes) {
    int nodes = 1;
    int longest = 0;
    byte[] before = {};
    for (int id : ids) {
      nodes = Math.addExact(nodes, bytes[id].length - common(before, bytes[id]));
      longest = Math.max(longest, bytes[id].length);
      before = bytes[id];
    }
    TrieShape trie = new TrieShape(nodes);
    trie.fill(ids, bytes, longest);
    return trie;
  }

  private void fill(int[] ids, byte[][] bytes, int longest) {
    int[] path = new int[longest + 1];
    int used = 1;
    byte[] before = {};
    for (int p = 0; p < ids.length; p++) {
      byte[] text = bytes[ids[p]];
      int same = common(before, text);
      for (int depth = before.length; depth > same; depth--) {
        skip[path[depth]] = used;
      }
      for (int depth = same + 1; depth <= text.length; depth++) {
        path[depth] = used;
        label[used] = text[depth - 1];
        place[used] = p;
        used++;
      }
      before = text;
    }
    for (int depth = before.length; depth >= 0; depth--) {
      skip[path[depth]] = used;
    }
    place[used] = ids.length;
  }

  private static int common(byte[] a, byte[] b) {
    int n = Arrays.mismatch(a, b);
    return n < 0 ? a.length : n;
  }
}
