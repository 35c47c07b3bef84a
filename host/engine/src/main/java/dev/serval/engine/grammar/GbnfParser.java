package dev.serval.engine.grammar;

import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.error.RequestRejectedException.Reason;
import dev.serval.api.text.Tokenizer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/**
 * Reads grammars in GBNF, llama.cpp's language ({@code grammars/README.md} there).
 *
 * <pre>
 *  root  ::= item ("," item)*           # rules: name ::= alternatives; "root" is the whole text
 *  item  ::= "text" | [a-z0-9_] | [^\n] | . | name | ( … )
 *                                       # after an item: * + ? {n} {n,} {n,m}
 *  mark  ::= &lt;[42]&gt; | !&lt;|end|&gt;        # a token by id or text; any other token
 * </pre>
 *
 * Escapes in texts and classes: {@code \n \r \t \\ \" \[ \] \- \^ \xHH \ uHHHH \UHHHHHHHH}. A line
 * ends a rule unless parentheses are open or it ends with {@code ::=} or {@code |}.
 */
public final class GbnfParser {

  private final GbnfText text;
  private final GrammarLimits limits;
  private final ToIntFunction<String> tokenOf;
  private final int vocabSize;
  private final Map<String, Expr> rules = new LinkedHashMap<>();

  /** Where each rule is defined, and where it is named first. */
  private final Map<String, Integer> defined = new HashMap<>();

  private final Map<String, Integer> named = new LinkedHashMap<>();

  private GbnfParser(String source, Tokenizer tokenizer, GrammarLimits limits) {
    this.text = new GbnfText(source);
    this.limits = limits;
    this.vocabSize = tokenizer.vocabSize();
    this.tokenOf =
        name -> {
          int[] ids = tokenizer.encode(name, false, true);
          return ids.length == 1 ? ids[0] : -1;
        };
  }

  /**
   * Reads a grammar.
   *
   * @param tokenizer finds the tokens that a grammar names
   * @throws RequestRejectedException ({@code GRAMMAR_INVALID}) with line and column of what is
   *     wrong; ({@code GRAMMAR_LIMIT}) if the text is too long or nested too deep
   */
  public static Grammar parse(String source, Tokenizer tokenizer, GrammarLimits limits) {
    if (source.length() > limits.textChars()) {
      throw new RequestRejectedException(
          Reason.GRAMMAR_LIMIT,
          "grammar: expected at most "
              + limits.textChars()
              + " characters, got "
              + source.length());
    }
    return new GbnfParser(source, tokenizer, limits).grammar();
  }

  private Grammar grammar() {
    text.skipSpace(true);
    while (!text.atEnd()) {
      rule();
      text.skipSpace(true);
    }
    named.forEach((name, at) -> {
      if (!rules.containsKey(name)) {
        throw text.wrong(at, "a rule that is defined", "\"" + name + "\"");
      }
    });
    if (!rules.containsKey(Grammar.ROOT)) {
      throw text.wrong(text.position(), "a rule \"" + Grammar.ROOT + "\"", "none");
    }
    Grammar grammar = new Grammar(rules);
    List<String> cycle = LeftRecursion.cycle(grammar);
    if (!cycle.isEmpty()) {
      throw text.wrong(
          defined.getOrDefault(cycle.getFirst(), 0),
          "a rule that reads something before it calls itself",
          "left recursion " + String.join(" -> ", cycle));
    }
    return grammar;
  }

  private void rule() {
    int at = text.position();
    String name = text.name();
    text.skipSpace(false);
    text.expect("::=");
    text.skipSpace(true);
    Expr body = alternatives(0);
    if (!text.atEnd() && !text.takeNewLine()) {
      throw text.wrong(text.position(), "the end of the rule", text.here());
    }
    if (rules.putIfAbsent(name, body) != null) {
      throw text.wrong(at, "a name that no other rule has", "\"" + name + "\"");
    }
    defined.put(name, at);
  }

  private Expr alternatives(int nesting) {
    checkNesting(nesting);
    List<Expr> alternatives = new ArrayList<>();
    alternatives.add(sequence(nesting));
    while (text.take('|')) {
      text.skipSpace(true);
      alternatives.add(sequence(nesting));
    }
    return alternatives.size() == 1 ? alternatives.getFirst() : new Expr.Choice(alternatives);
  }

  private void checkNesting(int nesting) {
    if (nesting > limits.nesting()) {
      throw new RequestRejectedException(
          Reason.GRAMMAR_LIMIT,
          "grammar: expected at most "
              + limits.nesting()
              + " groups or repetitions inside each other, got more at "
              + text.where(text.position()));
    }
  }

  private Expr sequence(int nesting) {
    List<Expr> parts = new ArrayList<>();
    while (true) {
      Expr item = item(nesting);
      if (item == null) {
        return parts.size() == 1 ? parts.getFirst() : new Expr.Sequence(parts);
      }
      text.skipSpace(nesting > 0);
      parts.add(repeated(item, nesting));
    }
  }

  /** The next item of a sequence; null at its end. */
  private @Nullable Expr item(int nesting) {
    if (text.take('"')) {
      return Expr.text(text.quoted());
    }
    if (text.take('[')) {
      return new Expr.Chars(text.charClass());
    }
    if (text.take('.')) {
      return new Expr.Chars(CodePoints.ANY);
    }
    if (text.take('(')) {
      text.skipSpace(true);
      Expr group = alternatives(nesting + 1);
      text.expect(")");
      return group;
    }
    int at = text.position();
    if (text.take('!')) {
      text.expect("<");
      return token(at, true);
    }
    if (text.take('<')) {
      return token(at, false);
    }
    if (text.startsName()) {
      String name = text.name();
      named.putIfAbsent(name, at);
      return Expr.rule(name);
    }
    return null;
  }

  private Expr token(int at, boolean negated) {
    int id;
    String name;
    if (text.take('[')) {
      id = text.number();
      text.expect("]");
      text.expect(">");
      name = "[" + id + "]";
    } else {
      name = "<" + text.until('>') + ">";
      id = tokenOf.applyAsInt(name);
    }
    if (id < 0 || id >= vocabSize) {
      throw text.wrong(at, "a token of the vocabulary", name);
    }
    return new Expr.Token(id, negated);
  }

  /** An item with the repetitions that follow it. */
  private Expr repeated(Expr item, int nesting) {
    Expr all = item;
    for (int n = 0; ; n++) {
      int at = text.position();
      checkNesting(n);
      if (text.take('*')) {
        all = Expr.any(all);
      } else if (text.take('+')) {
        all = Expr.times(all, 1, Expr.Repeat.UNBOUNDED);
      } else if (text.take('?')) {
        all = Expr.optional(all);
      } else if (text.take('{')) {
        all = counted(all, at);
      } else {
        return all;
      }
      text.skipSpace(nesting > 0);
    }
  }

  private Expr counted(Expr item, int at) {
    text.skipSpace(false);
    boolean hasMin = text.startsNumber();
    int min = hasMin ? text.number() : 0;
    text.skipSpace(false);
    int max = min;
    if (text.take(',')) {
      text.skipSpace(false);
      max = text.startsNumber() ? text.number() : Expr.Repeat.UNBOUNDED;
      text.skipSpace(false);
    } else if (!hasMin) {
      throw text.wrong(text.position(), "a number", text.here());
    }
    text.expect("}");
    if (max != Expr.Repeat.UNBOUNDED && max < min) {
      throw text.wrong(at, "repetitions {n,m} with n <= m", "{" + min + "," + max + "}");
    }
    return Expr.times(item, min, max);
  }
}
