package dev.serval.engine.grammar;

import java.util.List;

/**
 * A grammar as nodes. A node reads a character or a token, chooses, calls a rule or returns from
 * one; {@link ProgramBuilder} makes them. Its arrays are not changed once it is made.
 */
final class Program {

  /** Reads a character of a set. */
  static final byte CHARS = 0;

  /** Reads a token. */
  static final byte TOKEN = 1;

  /** Goes on at any of several nodes. */
  static final byte CHOICE = 2;

  /** Goes on in a rule, and after it at the next node. */
  static final byte CALL = 3;

  /** Ends a rule. */
  static final byte RETURN = 4;

  /** The one node that ends rules. */
  static final int RETURN_NODE = 0;

  /** There is no end; a sum of two such costs is still an {@code int}. */
  static final int NEVER = Integer.MAX_VALUE / 2;

  /** The nodes themselves. */
  final Nodes nodes;

  /** First node of the rule that the whole text matches. */
  final int root;

  /** Tokens that the grammar names. */
  final List<Expr.Token> tokenTerms;

  /** Bytes and sets. */
  final Alphabet alphabet;

  /** Per node: bytes of the shortest text to the end of its rule; {@link #NEVER} without end. */
  final int[] bytes;

  /** Per node: calls inside each other at least, to the end of its rule. */
  final int[] depth;

  /** Puts it together; see the fields. */
  Program(
      Nodes nodes,
      int root,
      List<Expr.Token> tokenTerms,
      Alphabet alphabet,
      int[] bytes,
      int[] depth) {
    this.nodes = nodes;
    this.root = root;
    this.tokenTerms = List.copyOf(tokenTerms);
    this.alphabet = alphabet;
    this.bytes = bytes;
    this.depth = depth;
  }

  /** A sum of costs that does not pass {@link #NEVER}. */
  static int sum(int a, int b) {
    return Math.min(NEVER, a + b);
  }

  /** Number of nodes. */
  int size() {
    return nodes.kind.length;
  }

  /** Whether a node reads a character. */
  boolean readsChar(int node) {
    return nodes.kind[node] == CHARS;
  }

  /** Whether a node reads a token. */
  boolean readsToken(int node) {
    return nodes.kind[node] == TOKEN;
  }

  /** The set of a node that reads a character. */
  int set(int node) {
    return nodes.argument[node];
  }

  /** What a node that reads a token wants. */
  Expr.Token term(int node) {
    return tokenTerms.get(nodes.argument[node]);
  }

  /** Nodes, a column per property. */
  static final class Nodes {

    /** One of the kinds above. */
    final byte[] kind;

    /** The set of {@link #CHARS}, the term of {@link #TOKEN}, the first node of {@link #CALL}. */
    final int[] argument;

    /** What follows {@link #CHARS}, {@link #TOKEN} and {@link #CALL}. */
    final int[] next;

    /** The alternatives of {@link #CHOICE}, else nothing. */
    final int[][] targets;

    Nodes(byte[] kind, int[] argument, int[] next, int[][] targets) {
      this.kind = kind;
      this.argument = argument;
      this.next = next;
      this.targets = targets;
    }

    /** Whether a call is the last thing that its rule does. */
    boolean isTailCall(int node) {
      return next[node] == RETURN_NODE;
    }
  }
}
