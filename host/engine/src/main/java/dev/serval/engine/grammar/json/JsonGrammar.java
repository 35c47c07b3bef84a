package dev.serval.engine.grammar.json;

import static dev.serval.engine.grammar.Expr.any;
import static dev.serval.engine.grammar.Expr.anyOf;
import static dev.serval.engine.grammar.Expr.choice;
import static dev.serval.engine.grammar.Expr.optional;
import static dev.serval.engine.grammar.Expr.range;
import static dev.serval.engine.grammar.Expr.rule;
import static dev.serval.engine.grammar.Expr.sequence;
import static dev.serval.engine.grammar.Expr.text;
import static dev.serval.engine.grammar.Expr.times;

import dev.serval.engine.grammar.CodePoints;
import dev.serval.engine.grammar.Expr;
import dev.serval.engine.grammar.Grammar;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * JSON as a grammar (RFC 8259), with bounds where JSON has none.
 *
 * <ul>
 *   <li>White space: nothing, a blank, or one or two newlines and up to 20 blanks or tabs; after
 *       <code>{ [ : ,</code> and before <code>} ]</code>. Endless white space is where models get
 *       lost.
 *   <li>Numbers: up to 16 digits before and behind the point, up to two in the exponent.
 *   <li>Strings: no escaped slash, no half of a surrogate pair.
 * </ul>
 */
public final class JsonGrammar {

  /** White space. */
  static final String SPACE = "space";

  /** A character of a string, escaped or not. */
  static final String CHAR = "char";

  /** A string. */
  static final String STRING = "string";

  /** A whole number. */
  static final String INTEGER = "integer";

  /** A number. */
  static final String NUMBER = "number";

  /** Any value. */
  static final String VALUE = "value";

  /** Any object. */
  static final String OBJECT = "object";

  /** Any list. */
  static final String ARRAY = "array";

  /** Digits before the point, and behind it, of a number without bounds. */
  static final int DIGITS = 16;

  /** Characters that stand for themselves in a string. */
  static final CodePoints PLAIN =
      CodePoints.of("\"\\\u007f").union(CodePoints.range(0, 0x1F)).complement();

  private static final int INDENT = 20;
  private static final Expr HEX = anyOf("0123456789abcdefABCDEF");
  private static final Expr DIGIT = range('0', '9');

  private JsonGrammar() {}

  /** Any object, as Ollama's {@code "format": "json"} wants it. */
  public static Grammar anyObject() {
    Map<String, Expr> rules = rules();
    rules.put(Grammar.ROOT, rule(OBJECT));
    return new Grammar(rules);
  }

  /** The rules that others are made of. */
  static Map<String, Expr> rules() {
    Map<String, Expr> rules = new LinkedHashMap<>();
    rules.put(
        SPACE,
        choice(
            Expr.EMPTY,
            text(" "),
            sequence(times(text("\n"), 1, 2), times(anyOf(" \t"), 0, INDENT))));
    rules.put(CHAR, character());
    rules.put(STRING, sequence(text("\""), any(rule(CHAR)), text("\"")));
    rules.put(
        INTEGER,
        sequence(
            optional(text("-")),
            choice(text("0"), sequence(range('1', '9'), times(DIGIT, 0, DIGITS - 1)))));
    rules.put(
        NUMBER,
        sequence(
            rule(INTEGER),
            optional(sequence(text("."), times(DIGIT, 1, DIGITS))),
            optional(sequence(anyOf("eE"), optional(anyOf("+-")), times(DIGIT, 1, 2)))));
    rules.put(
        VALUE,
        choice(
            rule(OBJECT),
            rule(ARRAY),
            rule(STRING),
            rule(NUMBER),
            text("true"),
            text("false"),
            text("null")));
    Expr pair = sequence(rule(STRING), text(":"), rule(SPACE), rule(VALUE));
    rules.put(OBJECT, list("{", pair, "}"));
    rules.put(ARRAY, list("[", rule(VALUE), "]"));
    return rules;
  }

  private static Expr character() {
    Expr notD = anyOf("0123456789abcefABCEF");
    Expr plainEscape = choice(sequence(notD, HEX, HEX, HEX), surrogate("01234567"));
    Expr pair = sequence(surrogate("89abAB"), text("\\u"), surrogate("cdefCDEF"));
    return choice(
        new Expr.Chars(PLAIN),
        sequence(
            text("\\"),
            choice(anyOf("\"\\bfnrt"), sequence(text("u"), choice(plainEscape, pair)))));
  }

  /** The hexadecimal digits of U+D000..U+DFFF whose second is one of some. */
  private static Expr surrogate(String second) {
    return sequence(anyOf("dD"), anyOf(second), HEX, HEX);
  }

  /** Any number of items between brackets. */
  static Expr list(String open, Expr item, String close) {
    return bracketed(open, optional(sequence(item, any(next(item)))), close);
  }

  /** Something, or nothing, between brackets. */
  static Expr bracketed(String open, Expr content, String close) {
    return sequence(text(open), rule(SPACE), content, rule(SPACE), text(close));
  }

  /** An item behind another. */
  static Expr next(Expr item) {
    return sequence(text(","), rule(SPACE), item);
  }

  /** A member of an object. */
  static Expr pair(Expr name, Expr value) {
    return sequence(name, text(":"), rule(SPACE), value);
  }
}
