package dev.serval.engine.grammar.json;

import dev.serval.engine.grammar.CodePoints;
import dev.serval.engine.grammar.Expr;
import dev.serval.engine.grammar.GrammarLimits;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads a regular expression of a schema: ECMA-262 with the flag {@code u}, without what a grammar
 * cannot say (groups that look around, back references, word borders, Unicode properties).
 *
 * <p>{@code ^} and {@code $} may stand at the ends of the whole expression or of each of its
 * alternatives. Without them any characters may come before or after, as JSON Schema says.
 */
final class PatternParser {

  /** What the parser stops at; says what is not supported, and where. */
  static final class Unsupported extends Exception {
    private static final long serialVersionUID = 1L;

    private final String what;

    Unsupported(String what, int at) {
      super(what + " at " + at);
      this.what = what + " at " + at;
    }

    String what() {
      return what;
    }
  }

  private static final CodePoints DIGIT = CodePoints.range('0', '9');
  private static final CodePoints WORD =
      DIGIT
          .union(CodePoints.range('a', 'z'))
          .union(CodePoints.range('A', 'Z'))
          .union(CodePoints.of('_'));
  private static final CodePoints SPACE =
      CodePoints.of("\t\n\u000b\f\r \u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff")
          .union(CodePoints.range(0x2000, 0x200A));
  private static final CodePoints DOT = CodePoints.of("\n\r\u2028\u2029").complement();
  private static final Expr ANYTHING = Expr.any(new Expr.Chars(CodePoints.ANY));

  private final String source;
  private final GrammarLimits limits;
  private int at;

  private PatternParser(String source, GrammarLimits limits) {
    this.source = source;
    this.limits = limits;
  }

  /**
   * The texts that a pattern matches somewhere.
   *
   * @return over the characters of the text, not of the JSON string
   * @throws Unsupported if it is not a regular expression, or uses what is not supported
   */
  static Expr parse(String pattern, GrammarLimits limits) throws Unsupported {
    PatternParser parser = new PatternParser(pattern, limits);
    List<Expr> alternatives = new ArrayList<>();
    do {
      boolean begins = parser.take('^');
      Expr body = parser.sequence(0);
      boolean ends = parser.take('$');
      if (!parser.atEnd() && parser.peek() != '|') {
        throw parser.unsupported("\"" + parser.peek() + "\"");
      }
      alternatives.add(
          Expr.sequence(begins ? Expr.EMPTY : ANYTHING, body, ends ? Expr.EMPTY : ANYTHING));
    } while (parser.take('|'));
    return alternatives.size() == 1 ? alternatives.getFirst() : new Expr.Choice(alternatives);
  }

  private boolean atEnd() {
    return at == source.length();
  }

  private char peek() {
    return atEnd() ? '\0' : source.charAt(at);
  }

  private boolean take(char c) {
    if (atEnd() || source.charAt(at) != c) {
      return false;
    }
    at++;
    return true;
  }

  private Unsupported unsupported(String what) {
    return new Unsupported(what, at);
  }

  private Expr alternatives(int nesting) throws Unsupported {
    List<Expr> alternatives = new ArrayList<>();
    do {
      alternatives.add(sequence(nesting));
    } while (take('|'));
    return alternatives.size() == 1 ? alternatives.getFirst() : new Expr.Choice(alternatives);
  }

  private Expr sequence(int nesting) throws Unsupported {
    List<Expr> parts = new ArrayList<>();
    while (!atEnd() && "|)$".indexOf(peek()) < 0) {
      parts.add(repeated(atom(nesting)));
    }
    return parts.size() == 1 ? parts.getFirst() : new Expr.Sequence(parts);
  }

  private Expr atom(int nesting) throws Unsupported {
    if (take('(')) {
      if (nesting == limits.nesting()) {
        throw unsupported("more than " + nesting + " groups inside each other");
      }
      if (take('?') && !take(':')) {
        throw unsupported("group (?" + peek());
      }
      Expr group = alternatives(nesting + 1);
      if (!take(')')) {
        throw unsupported("group without end");
      }
      return group;
    }
    if (take('[')) {
      return new Expr.Chars(charClass());
    }
    if (take('.')) {
      return new Expr.Chars(DOT);
    }
    if ("^*+?{".indexOf(peek()) >= 0) {
      throw unsupported("\"" + peek() + "\"");
    }
    if (peek() == '\\') {
      return new Expr.Chars(escape());
    }
    return new Expr.Chars(CodePoints.of(literal()));
  }

  private int literal() throws Unsupported {
    int c = source.codePointAt(at);
    if (c >= 0xD800 && c <= 0xDFFF) {
      throw unsupported("half of a surrogate pair");
    }
    at += Character.charCount(c);
    return c;
  }

  private Expr repeated(Expr item) throws Unsupported {
    Expr all;
    if (take('*')) {
      all = Expr.any(item);
    } else if (take('+')) {
      all = Expr.times(item, 1, Expr.Repeat.UNBOUNDED);
    } else if (take('?')) {
      all = Expr.optional(item);
    } else if (take('{')) {
      int min = number();
      int max = min;
      if (take(',')) {
        max = peek() == '}' ? Expr.Repeat.UNBOUNDED : number();
      }
      if (!take('}') || (max != Expr.Repeat.UNBOUNDED && max < min)) {
        throw unsupported("repetition");
      }
      all = Expr.times(item, min, max);
    } else {
      return item;
    }
    take('?'); // the shortest match first: the same texts
    return all;
  }

  private int number() throws Unsupported {
    int from = at;
    int value = 0;
    while (peek() >= '0' && peek() <= '9') {
      value = value * 10 + (peek() - '0');
      at++;
      if (value > limits.nodes()) {
        throw unsupported("repetition of more than " + limits.nodes());
      }
    }
    if (from == at) {
      throw unsupported("repetition without a number");
    }
    return value;
  }

  private CodePoints charClass() throws Unsupported {
    boolean negated = take('^');
    CodePoints set = CodePoints.NONE;
    while (!take(']')) {
      if (atEnd()) {
        throw unsupported("class without end");
      }
      CodePoints first = classMember();
      if (peek() == '-' && at + 1 < source.length() && source.charAt(at + 1) != ']') {
        at++;
        set = set.union(range(first, classMember()));
      } else {
        set = set.union(first);
      }
    }
    return negated ? set.complement() : set;
  }

  private CodePoints range(CodePoints first, CodePoints last) throws Unsupported {
    Integer from = single(first);
    Integer to = single(last);
    if (from == null || to == null || to < from) {
      throw unsupported("range");
    }
    return CodePoints.range(from, to);
  }

  /** The one character of a set; null if there are more, or none. */
  private static @Nullable Integer single(CodePoints set) {
    return set.size() == 1 ? set.least() : null;
  }

  private CodePoints classMember() throws Unsupported {
    return peek() == '\\' ? escape() : CodePoints.of(literal());
  }

  /** What follows a backslash, in a class or outside. */
  private CodePoints escape() throws Unsupported {
    at++;
    char c = peek();
    at++;
    return switch (c) {
      case 'd' -> DIGIT;
      case 'D' -> DIGIT.complement();
      case 'w' -> WORD;
      case 'W' -> WORD.complement();
      case 's' -> SPACE;
      case 'S' -> SPACE.complement();
      case 'n' -> CodePoints.of('\n');
      case 'r' -> CodePoints.of('\r');
      case 't' -> CodePoints.of('\t');
      case 'f' -> CodePoints.of('\f');
      case 'v' -> CodePoints.of(0x0B);
      case 'x' -> CodePoints.of(hex(2));
      case 'u' -> CodePoints.of(unicode());
      default -> {
        if (c == '\0' || Character.isLetterOrDigit(c)) {
          at--;
          throw unsupported("\"\\" + c + "\"");
        }
        yield CodePoints.of(c);
      }
    };
  }

  private int unicode() throws Unsupported {
    if (take('{')) {
      int end = source.indexOf('}', at);
      int value = end < 0 || end > at + 6 ? -1 : hex(end - at);
      if (value < 0 || value > Character.MAX_CODE_POINT || !take('}')) {
        throw unsupported("\"\\u{\"");
      }
      return value;
    }
    int value = hex(4);
    if (value >= 0xD800 && value <= 0xDBFF && source.startsWith("\\u", at)) {
      at += 2;
      return Character.toCodePoint((char) value, (char) hex(4));
    }
    return value;
  }

  private int hex(int digits) throws Unsupported {
    int value = 0;
    for (int i = 0; i < digits; i++) {
      int digit = Character.digit(peek(), 16);
      if (digit < 0) {
        throw unsupported("escape without " + digits + " hexadecimal digits");
      }
      value = value << 4 | digit;
      at++;
    }
    return value;
  }
}
