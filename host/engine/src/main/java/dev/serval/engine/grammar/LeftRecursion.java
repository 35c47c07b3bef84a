package dev.serval.engine.grammar;

import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.error.RequestRejectedException.Reason;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Finds rules that call themselves before they read anything, directly or through others: with them
 * there would be no end of choices to look at. Also finds rules that are missing.
 */
final class LeftRecursion {

  private final Grammar grammar;
  private final Set<String> nullable = new HashSet<>();

  private LeftRecursion(Grammar grammar) {
    this.grammar = grammar;
    solveNullable();
  }

  /**
   * Checks a grammar.
   *
   * @throws RequestRejectedException ({@code GRAMMAR_INVALID}) naming the rules
   */
  static void check(Grammar grammar) {
    Set<String> called = new LinkedHashSet<>();
    grammar.rules().values().forEach(body -> collect(body, called));
    called.removeAll(grammar.rules().keySet());
    if (!called.isEmpty()) {
      throw invalid("undefined rules: " + String.join(", ", called));
    }
    List<String> cycle = cycle(grammar);
    if (!cycle.isEmpty()) {
      throw invalid("left recursion: " + String.join(" -> ", cycle));
    }
  }

  private static RequestRejectedException invalid(String message) {
    return new RequestRejectedException(Reason.GRAMMAR_INVALID, "grammar: " + message);
  }

  /**
   * The rules of a left recursion, the first of them again at the end.
   *
   * @param grammar without calls of missing rules
   * @return nothing if there is none
   */
  static List<String> cycle(Grammar grammar) {
    return new LeftRecursion(grammar).find();
  }

  /** All rules that an expression names. */
  private static void collect(Expr expr, Set<String> names) {
    switch (expr) {
      case Expr.Reference reference -> names.add(reference.name());
      case Expr.Sequence sequence -> sequence.parts().forEach(p -> collect(p, names));
      case Expr.Choice choice -> choice.alternatives().forEach(a -> collect(a, names));
      case Expr.Repeat repeat -> collect(repeat.body(), names);
      case Expr.Text _, Expr.Chars _, Expr.Token _ -> {}
    }
  }

  /** Finds the rules that match the empty text: those of which each needs rules found before. */
  private void solveNullable() {
    Map<String, List<String>> users = new HashMap<>();
    grammar
        .rules()
        .forEach((name, body) -> {
          Set<String> called = new HashSet<>();
          collect(body, called);
          called.forEach(c -> users.computeIfAbsent(c, k -> new ArrayList<>()).add(name));
        });
    Deque<String> work = new ArrayDeque<>(grammar.rules().keySet());
    while (!work.isEmpty()) {
      String name = work.remove();
      Expr body = grammar.rules().getOrDefault(name, Expr.NOTHING);
      if (!nullable.contains(name) && isNullable(body)) {
        nullable.add(name);
        work.addAll(users.getOrDefault(name, List.of()));
      }
    }
  }

  private boolean isNullable(Expr expr) {
    return switch (expr) {
      case Expr.Text text -> text.text().isEmpty();
      case Expr.Chars _, Expr.Token _ -> false;
      case Expr.Sequence sequence -> sequence.parts().stream().allMatch(this::isNullable);
      case Expr.Choice choice -> choice.alternatives().stream().anyMatch(this::isNullable);
      case Expr.Repeat repeat -> repeat.min() == 0 || isNullable(repeat.body());
      case Expr.Reference reference -> nullable.contains(reference.name());
    };
  }

  /** Adds the rules that are called before anything is read. */
  private void firstCalls(Expr expr, Set<String> names) {
    switch (expr) {
      case Expr.Reference reference -> names.add(reference.name());
      case Expr.Sequence sequence -> {
        for (Expr part : sequence.parts()) {
          firstCalls(part, names);
          if (!isNullable(part)) {
            return;
          }
        }
      }
      case Expr.Choice choice -> choice.alternatives().forEach(a -> firstCalls(a, names));
      case Expr.Repeat repeat -> firstCalls(repeat.body(), names);
      case Expr.Text _, Expr.Chars _, Expr.Token _ -> {}
    }
  }

  /** Removes rules that no rule left over calls first, until nothing changes: cycles stay. */
  private List<String> find() {
    Map<String, Set<String>> calls = new HashMap<>();
    Map<String, Integer> callers = new HashMap<>();
    grammar
        .rules()
        .forEach((name, body) -> {
          Set<String> first = new LinkedHashSet<>();
          firstCalls(body, first);
          calls.put(name, first);
          first.forEach(c -> callers.merge(c, 1, Integer::sum));
        });
    Deque<String> free = new ArrayDeque<>();
    for (String name : grammar.rules().keySet()) {
      if (!callers.containsKey(name)) {
        free.add(name);
      }
    }
    Set<String> left = new LinkedHashSet<>(grammar.rules().keySet());
    while (!free.isEmpty()) {
      String name = free.remove();
      left.remove(name);
      for (String called : calls.getOrDefault(name, Set.of())) {
        if (callers.merge(called, -1, Integer::sum) == 0) {
          free.add(called);
        }
      }
    }
    return left.isEmpty() ? List.of() : path(calls, left);
  }

  /** Follows calls among rules that are all called by one another until a rule comes again. */
  private static List<String> path(Map<String, Set<String>> calls, Set<String> left) {
    // Every rule left has a caller left: going from callee to caller never ends outside.
    Map<String, String> caller = new HashMap<>();
    for (String name : left) {
      for (String called : calls.getOrDefault(name, Set.of())) {
        caller.putIfAbsent(called, name);
      }
    }
    Set<String> seen = new LinkedHashSet<>();
    String name = left.iterator().next();
    while (seen.add(name)) {
      name = caller.getOrDefault(name, name);
    }
    List<String> path = new ArrayList<>(seen);
    List<String> cycle = new ArrayList<>(path.subList(path.indexOf(name), path.size()));
    cycle.add(name);
    return cycle.reversed();
  }
}
