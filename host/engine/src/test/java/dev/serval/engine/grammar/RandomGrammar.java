package dev.serval.engine.grammar;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;

/** Small grammars at random. */
final class RandomGrammar {

  private static final List<String> TEXTS = List.of("a", "ab", "b", "é", "日", "😀", "\"", "", "]");
  private static final List<CodePoints> SETS =
      List.of(
          CodePoints.ANY,
          CodePoints.range('a', 'c'),
          CodePoints.range('a', 'z'),
          CodePoints.of("\"\\").complement(),
          CodePoints.range(0x80, 0x24F),
          CodePoints.range(0x4E00, 0x9FFF).union(CodePoints.of('b')),
          CodePoints.range(0x1F000, 0x2FFFF));

  private final Random random;
  private final int nRules;

  private RandomGrammar(Random random, int nRules) {
    this.random = random;
    this.nRules = nRules;
  }

  static Grammar of(long seed) {
    Random random = new Random(seed);
    int n = 1 + random.nextInt(4);
    RandomGrammar maker = new RandomGrammar(random, n);
    Map<String, Expr> rules = new LinkedHashMap<>();
    for (int r = 0; r < n; r++) {
      rules.put(name(r), maker.expr(3));
    }
    return new Grammar(rules);
  }

  private static String name(int rule) {
    return rule == 0 ? Grammar.ROOT : "r" + rule;
  }

  private Expr expr(int depth) {
    return switch (random.nextInt(depth == 0 ? 3 : 6)) {
      case 0 -> Expr.text(TEXTS.get(random.nextInt(TEXTS.size())));
      case 1 -> new Expr.Chars(SETS.get(random.nextInt(SETS.size())));
      case 2 -> Expr.rule(name(random.nextInt(nRules)));
      case 3 -> new Expr.Sequence(some(depth));
      case 4 -> new Expr.Choice(some(depth));
      default -> {
        int min = random.nextInt(3);
        int max = random.nextBoolean() ? Expr.Repeat.UNBOUNDED : min + random.nextInt(3);
        yield new Expr.Repeat(expr(depth - 1), min, max);
      }
    };
  }

  private List<Expr> some(int depth) {
    return IntStream.range(0, 1 + random.nextInt(3)).mapToObj(i -> expr(depth - 1)).toList();
  }

  /** Whether from every node of its program some text ends: the oracle does not look at that. */
  static boolean endsEverywhere(Grammar grammar) {
    try {
      Program program = ProgramBuilder.build(grammar, GrammarLimits.DEFAULT);
      return IntStream.of(program.bytes).allMatch(b -> b < Program.NEVER);
    } catch (dev.serval.api.error.RequestRejectedException e) {
      return false;
    }
  }
}
