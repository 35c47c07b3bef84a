package dev.serval.engine.grammar;

import static dev.serval.engine.grammar.Program.NEVER;

import java.util.Arrays;
import java.util.PriorityQueue;
import java.util.function.IntConsumer;

/**
 * Finds the cheapest way from each node to the end of its rule: D. E. Knuth, "A generalization of
 * Dijkstra's algorithm" (1977). A node is settled when the costs of what it needs are known, in
 * ascending order; what is never settled has no end.
 */
final class CostSolver {

  private final Program.Nodes nodes;

  /** Nodes that need a node: the list of node n is users[firstUser[n]..firstUser[n + 1]). */
  private final int[] firstUser;

  private final int[] users;

  CostSolver(Program.Nodes nodes) {
    this.nodes = nodes;
    int n = nodes.kind.length;
    firstUser = new int[n + 1];
    for (int node = 0; node < n; node++) {
      forEachNeeded(node, needed -> firstUser[needed + 1]++);
    }
    for (int i = 0; i < n; i++) {
      firstUser[i + 1] += firstUser[i];
    }
    users = new int[firstUser[n]];
    int[] at = Arrays.copyOf(firstUser, n);
    for (int node = 0; node < n; node++) {
      int user = node;
      forEachNeeded(node, needed -> users[at[needed]++] = user);
    }
  }

  private void forEachNeeded(int node, IntConsumer visit) {
    switch (nodes.kind[node]) {
      case Program.CHARS, Program.TOKEN -> visit.accept(nodes.next[node]);
      case Program.CALL -> {
        visit.accept(nodes.next[node]);
        visit.accept(nodes.argument[node]);
      }
      case Program.CHOICE -> {
        for (int target : nodes.targets[node]) {
          visit.accept(target);
        }
      }
      default -> {} // a return needs nothing
    }
  }

  /**
   * What a node that is no choice costs, given the costs so far; {@link Program#NEVER} while
   * unknown.
   */
  private interface Cost {
    int of(int node, int[] costs);
  }

  /**
   * Bytes of the shortest text.
   *
   * @param charBytes bytes of the shortest character of each set
   */
  int[] bytes(int[] charBytes) {
    return solve((node, costs) ->
        switch (nodes.kind[node]) {
          case Program.CHARS ->
              Program.sum(charBytes[nodes.argument[node]], costs[nodes.next[node]]);
          case Program.TOKEN -> Program.sum(1, costs[nodes.next[node]]);
          case Program.CALL -> Program.sum(costs[nodes.argument[node]], costs[nodes.next[node]]);
          default -> 0;
        });
  }

  /** Calls inside each other at least. */
  int[] depth() {
    return solve((node, costs) ->
        switch (nodes.kind[node]) {
          case Program.CHARS, Program.TOKEN -> costs[nodes.next[node]];
          case Program.CALL -> {
            int inside = costs[nodes.argument[node]];
            yield nodes.next[node] == Program.RETURN_NODE
                ? inside
                : Math.max(Program.sum(1, inside), costs[nodes.next[node]]);
          }
          default -> 0;
        });
  }

  private int[] solve(Cost cost) {
    int[] costs = new int[nodes.kind.length];
    Arrays.fill(costs, NEVER);
    boolean[] settled = new boolean[nodes.kind.length];
    // Entries are cost in the upper and node in the lower half.
    PriorityQueue<Long> queue = new PriorityQueue<>();
    queue.add((long) Program.RETURN_NODE);
    while (!queue.isEmpty()) {
      long head = queue.remove();
      int node = (int) head;
      if (settled[node]) {
        continue;
      }
      settled[node] = true;
      costs[node] = (int) (head >> 32);
      for (int i = firstUser[node]; i < firstUser[node + 1]; i++) {
        int user = users[i];
        // of a choice's targets, the one settled first is the cheapest
        int reached = nodes.kind[user] == Program.CHOICE ? costs[node] : cost.of(user, costs);
        if (!settled[user] && reached < NEVER) {
          queue.add((long) reached << 32 | user);
        }
      }
    }
    return costs;
  }
}
