package dev.serval.api.graph;

import dev.serval.api.kv.KvGroup;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

/** Digests everything that decides what a graph computes, given the weights' bytes. */
final class GraphDigest {

  private GraphDigest() {}

  static String of(
      List<Node> nodes,
      List<KvGroup> groups,
      OutputKind kind,
      Value output,
      Optional<Value> embedding,
      boolean wholeSequences) {
    MessageDigest sha;
    try {
      sha = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
    for (Node n : nodes) {
      add(sha, n.op() + "|" + n.inputs() + "|" + n.outputs() + "|" + n.mark().name());
    }
    add(sha, groups.toString());
    add(sha, kind + "|" + output + "|" + embedding + "|" + wholeSequences);
    return HexFormat.of().formatHex(sha.digest());
  }

  private static void add(MessageDigest sha, String line) {
    sha.update(line.getBytes(StandardCharsets.UTF_8));
    sha.update((byte) '\n');
  }
}
