package dev.serval.engine.grammar.json;

import static dev.serval.engine.grammar.Expr.choice;
import static dev.serval.engine.grammar.Expr.rule;
import static dev.serval.engine.grammar.Expr.sequence;
import static dev.serval.engine.grammar.Expr.text;

import dev.serval.engine.grammar.CodePoints;
import dev.serval.engine.grammar.Expr;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Strings that are something in particular, as JSON strings. */
final class StringRules {

  private static final String SHORT_ESCAPES = "\"\\\b\f\n\r\t";

  /** Characters that JSON strings hold as four hexadecimal digits only. */
  private static final CodePoints UNPRINTABLE =
      JsonGrammar.PLAIN.complement().minus(CodePoints.of(SHORT_ESCAPES));

  private StringRules() {}

  /** A string whose text an expression matches. */
  static Expr quoted(Expr content) {
    return sequence(text("\""), encoded(content), text("\""));
  }

  /** An expression over characters as one over what they are in a JSON string. */
  private static Expr encoded(Expr expr) {
    return switch (expr) {
      case Expr.Text text -> text(unquoted(text.text()));
      case Expr.Chars chars -> encoded(chars.set());
      case Expr.Sequence s ->
          new Expr.Sequence(s.parts().stream().map(StringRules::encoded).toList());
      case Expr.Choice c ->
          new Expr.Choice(c.alternatives().stream().map(StringRules::encoded).toList());
      case Expr.Repeat r -> new Expr.Repeat(encoded(r.body()), r.min(), r.max());
      case Expr.Reference _, Expr.Token _ -> expr;
    };
  }

  private static String unquoted(String text) {
    String quoted = Json.quoted(text);
    return quoted.substring(1, quoted.length() - 1);
  }

  private static Expr encoded(CodePoints set) {
    if (set.equals(CodePoints.ANY)) {
      return rule(JsonGrammar.CHAR);
    }
    List<Expr> ways = new ArrayList<>();
    CodePoints plain = set.intersect(JsonGrammar.PLAIN);
    if (!plain.isEmpty()) {
      ways.add(new Expr.Chars(plain));
    }
    // "anything but …" does not ask for what can hardly be seen
    boolean isOpen = set.contains(Character.MAX_CODE_POINT);
    CodePoints escaped = set.minus(JsonGrammar.PLAIN).minus(isOpen ? UNPRINTABLE : CodePoints.NONE);
    for (int c = 0; c <= 0x7F; c++) {
      if (escaped.contains(c)) {
        ways.add(text(Json.escaped(c)));
      }
    }
    return ways.size() == 1 ? ways.getFirst() : new Expr.Choice(ways);
  }

  /**
   * A string that is none of some texts. It has no escapes of four hexadecimal digits: they would
   * be a second way to write the same.
   */
  static Expr noneOf(Iterable<String> texts) {
    Node root = new Node();
    for (String t : texts) {
      Node node = root;
      for (int c : t.codePoints().toArray()) {
        node = node.children.computeIfAbsent(c, k -> new Node());
      }
      node.isText = true;
    }
    return sequence(text("\""), other(root));
  }

  private static final class Node {
    final Map<Integer, Node> children = new TreeMap<>();
    boolean isText;
  }

  private static Expr other(Node node) {
    List<Expr> ways = new ArrayList<>();
    if (!node.isText) {
      ways.add(text("\""));
    }
    CodePoints left = CodePoints.ANY.minus(UNPRINTABLE);
    for (Map.Entry<Integer, Node> child : node.children.entrySet()) {
      CodePoints c = CodePoints.of(child.getKey());
      left = left.minus(c);
      ways.add(sequence(encoded(c), other(child.getValue())));
    }
    Expr any = Expr.any(encoded(CodePoints.ANY.minus(UNPRINTABLE)));
    ways.add(sequence(encoded(left), any, text("\"")));
    return choice(ways.toArray(Expr[]::new));
  }

  /** The fewest and most characters of what an expression matches. */
  record Length(long min, long max) {

    /** More characters than anybody counts. */
    static final long ENDLESS = 1L << 40;

    /** Whether all texts have so many characters. */
    boolean isWithin(long least, long most) {
      return min >= least && max <= most;
    }

    private static long times(long a, long b) {
      return a == 0 || b == 0 ? 0 : a > ENDLESS / b ? ENDLESS : a * b;
    }

    /** Of an expression over characters, without rules. */
    static Length of(Expr expr) {
      return switch (expr) {
        case Expr.Text text -> {
          long n = text.text().codePointCount(0, text.text().length());
          yield new Length(n, n);
        }
        case Expr.Chars _, Expr.Token _ -> new Length(1, 1);
        case Expr.Sequence s -> {
          long min = 0;
          long max = 0;
          for (Expr part : s.parts()) {
            Length l = of(part);
            min = Math.min(ENDLESS, min + l.min);
            max = Math.min(ENDLESS, max + l.max);
          }
          yield new Length(min, max);
        }
        case Expr.Choice c -> {
          long min = ENDLESS;
          long max = 0;
          for (Expr a : c.alternatives()) {
            Length l = of(a);
            min = Math.min(min, l.min);
            max = Math.max(max, l.max);
          }
          yield new Length(min, max);
        }
        case Expr.Repeat r -> {
          Length l = of(r.body());
          long most = r.max() == Expr.Repeat.UNBOUNDED ? ENDLESS : r.max();
          yield new Length(times(l.min, r.min()), times(l.max, most));
        }
        case Expr.Reference _ -> new Length(0, ENDLESS);
      };
    }
  }
}
