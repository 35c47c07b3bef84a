package dev.serval.engine.grammar;

import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.error.RequestRejectedException.Reason;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Turns a grammar into a program, from the end of each rule to its beginning: whatever follows is
 * there before what leads to it.
 */
final class ProgramBuilder {

  private static final int[] NO_TARGETS = {};

  private final GrammarLimits limits;
  private final Map<String, Integer> rules = new HashMap<>();
  private final AlphabetBuilder alphabet = new AlphabetBuilder();
  private final List<Integer> charBytes = new ArrayList<>();
  private final List<Expr.Token> tokenTerms = new ArrayList<>();
  private byte[] kind = new byte[64];
  private int[] argument = new int[64];
  private int[] next = new int[64];
  private int[][] targets = new int[64][];
  private int size;
  private int visited;

  private ProgramBuilder(GrammarLimits limits) {
    this.limits = limits;
  }

  /**
   * Makes a program.
   *
   * @throws RequestRejectedException ({@code GRAMMAR_INVALID}) if a rule is missing or calls itself
   *     before it reads anything, or if no text ends; ({@code GRAMMAR_LIMIT}) if it is too large
   */
  static Program build(Grammar grammar, GrammarLimits limits) {
    LeftRecursion.check(grammar);
    return new ProgramBuilder(limits).program(grammar);
  }

  private Program program(Grammar grammar) {
    add(Program.RETURN, 0, 0, NO_TARGETS);
    for (String name : grammar.rules().keySet()) {
      rules.put(name, rules.size());
    }
    int[] entries = new int[rules.size()];
    grammar
        .rules()
        .forEach((name, body) ->
            entries[rules.getOrDefault(name, 0)] = compile(body, Program.RETURN_NODE));
    Program.Nodes nodes =
        new Program.Nodes(
            Arrays.copyOf(kind, size),
            Arrays.copyOf(argument, size),
            Arrays.copyOf(next, size),
            Arrays.copyOf(targets, size));
    for (int node = 0; node < size; node++) {
      if (nodes.kind[node] == Program.CALL) {
        nodes.argument[node] = entries[nodes.argument[node]];
      }
    }
    CostSolver solver = new CostSolver(nodes);
    int[] bytes = solver.bytes(charBytes.stream().mapToInt(Integer::intValue).toArray());
    int root = entries[rules.getOrDefault(Grammar.ROOT, 0)];
    if (bytes[root] == Program.NEVER) {
      throw new RequestRejectedException(
          Reason.GRAMMAR_INVALID, "rule " + Grammar.ROOT + ": no text that ends matches it");
    }
    return new Program(nodes, root, tokenTerms, alphabet.build(), bytes, solver.depth());
  }

  private int add(byte nodeKind, int nodeArgument, int follows, int[] nodeTargets) {
    if (size == limits.nodes()) {
      throw tooLarge();
    }
    if (size == kind.length) {
      int more = Math.min(limits.nodes(), 2 * size);
      kind = Arrays.copyOf(kind, more);
      argument = Arrays.copyOf(argument, more);
      next = Arrays.copyOf(next, more);
      targets = Arrays.copyOf(targets, more);
    }
    kind[size] = nodeKind;
    argument[size] = nodeArgument;
    next[size] = follows;
    targets[size] = nodeTargets;
    return size++;
  }

  private RequestRejectedException tooLarge() {
    return new RequestRejectedException(
        Reason.GRAMMAR_LIMIT,
        "grammar: expected at most "
            + limits.nodes()
            + " nodes after repetitions are written out, got more");
  }

  /** The first node of an expression that is followed by a node. */
  private int compile(Expr expr, int follows) {
    visited++;
    if (visited > limits.nodes()) {
      throw tooLarge(); // repetitions of nothing make no nodes
    }
    return switch (expr) {
      case Expr.Text text -> text(text.text(), follows);
      case Expr.Chars chars -> chars(chars.set(), follows);
      case Expr.Sequence sequence -> {
        int first = follows;
        for (Expr part : sequence.parts().reversed()) {
          first = compile(part, first);
        }
        yield first;
      }
      case Expr.Choice choice -> {
        List<Expr> alternatives = choice.alternatives();
        yield alternatives.size() == 1
            ? compile(alternatives.getFirst(), follows)
            : add(
                Program.CHOICE,
                0,
                0,
                alternatives.stream().mapToInt(a -> compile(a, follows)).toArray());
      }
      case Expr.Repeat repeat -> repeat(repeat, follows);
      case Expr.Reference reference ->
          add(Program.CALL, rules.getOrDefault(reference.name(), 0), follows, NO_TARGETS);
      case Expr.Token token -> {
        tokenTerms.add(token);
        yield add(Program.TOKEN, tokenTerms.size() - 1, follows, NO_TARGETS);
      }
    };
  }

  private int text(String text, int follows) {
    int first = follows;
    for (int i = text.length(); i > 0; ) {
      int c = text.codePointBefore(i);
      i -= Character.charCount(c);
      first = chars(CodePoints.of(c), first);
    }
    return first;
  }

  private int chars(CodePoints set, int follows) {
    if (set.isEmpty()) {
      return add(Program.CHOICE, 0, 0, NO_TARGETS);
    }
    int number = alphabet.set(set);
    if (number == charBytes.size()) {
      charBytes.add(utf8Bytes(set.first(0)));
    }
    return add(Program.CHARS, number, follows, NO_TARGETS);
  }

  private static int utf8Bytes(int codePoint) {
    if (codePoint < 0x80) {
      return 1;
    }
    return codePoint < 0x800 ? 2 : codePoint < 0x10000 ? 3 : 4;
  }

  private int repeat(Expr.Repeat repeat, int follows) {
    int first = follows;
    if (repeat.max() == Expr.Repeat.UNBOUNDED) {
      int loop = add(Program.CHOICE, 0, 0, NO_TARGETS);
      int body = compile(repeat.body(), loop); // before the array is looked at: it may grow
      targets[loop] = new int[] {body, follows};
      first = loop;
    } else {
      for (int i = repeat.min(); i < repeat.max(); i++) {
        int body = compile(repeat.body(), first);
        first = add(Program.CHOICE, 0, 0, new int[] {body, follows});
      }
    }
    for (int i = 0; i < repeat.min(); i++) {
      first = compile(repeat.body(), first);
    }
    return first;
  }
}
