package dev.serval.engine.grammar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.error.RequestRejectedException.Reason;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class GbnfParserTest {

  static Grammar parse(String source) {
    return GbnfParser.parse(source, WordVocabulary.bytesAnd(), GrammarLimits.DEFAULT);
  }

  private static boolean matches(String source, String text) {
    return new NaiveMatcher(parse(source)).matches(text);
  }

  @Test
  void readsEveryKindOfItem() {
    Grammar grammar =
        parse(
            """
            # the whole
            root ::= greeting ("," ws name)* [.!?]?   # the end
            greeting ::= "hello" | "hi" |
              "good" ws "day"
            name ::= (
              [A-Z] [a-z]{1,3}
              | .
            ) <[3]> !<[4]>
            ws ::= [ \\t]+\
            """);

    assertEquals(List.of("root", "greeting", "name", "ws"), List.copyOf(grammar.rules().keySet()));
    assertEquals(
        Expr.sequence(
            Expr.choice(
                Expr.sequence(Expr.range('A', 'Z'), Expr.times(Expr.range('a', 'z'), 1, 3)),
                new Expr.Chars(CodePoints.ANY)),
            new Expr.Token(3, false),
            new Expr.Token(4, true)),
        grammar.rules().get("name"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      quoteCharacter = '`',
      value = {
        "root ::= [a-c^-]+ ~ a^-b ~ d",
        "root ::= [^a-c\\n] ~ d ~ b",
        "root ::= [\\]\\[\\\\\\-] ~ ] ~ a",
        "root ::= \"\\x41\\u00e9\\U0001F600\" ~ Aé😀 ~ A",
        "root ::= \"a\"{2} ~ aa ~ a",
        "root ::= \"a\"{2,} ~ aaaaa ~ a",
        "root ::= \"a\"{,2} \"b\" ~ b ~ aaab",
        "root ::= \"a\"{ 1 , 2 } ~ aa ~ aaa",
        "root ::= \"a\"{0,0} \"b\" ~ b ~ ab",
        "root ::= (\"a\" | \"b\" \"c\")+ ~ abc ~ ab",
        "root ::= . ~ \uD83D\uDE00 ~ ab",
        "root ::= (\"a\"?)* \"b\" ~ aab ~ aa",
        "root::=\"a\"|\"b\" ~ b ~ c",
      })
  void meansWhatLlamaCppMeans(String source, String matching, String other) {
    assertTrue(matches(source, matching), matching);
    assertFalse(matches(source, other), other);
  }

  @Test
  void endsARuleAtTheEndOfItsLine() {
    Grammar grammar = parse("root ::= \"a\" \"b\"\r\nc-d ::= root\n\n\n");

    assertEquals(2, grammar.rules().size());
    assertTrue(matches("root ::= (\n\"a\"\n# b\n\"b\"\n)\n", "ab"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      quoteCharacter = '`',
      value = {
        "root ::= \"a ~ 1, column 10 ~ closing quote",
        "root ::= [a ~ 1, column 10 ~ closing bracket",
        "root ::= [z-a] ~ 1, column 11 ~ ascending",
        "root ::= (\"a\" ~ 1, column 14 ~ \")\"",
        "root ::= \"\\q\" ~ 1, column 11 ~ escape",
        "root ::= \"\\u12\" ~ 1, column 13 ~ hexadecimal",
        "root ::= \"\\ud800\" ~ 1, column 11 ~ Unicode",
        "root ::= \"\\U00110000\" ~ 1, column 13 ~ Unicode",
        "root ::= \"a\"{3,2} ~ 1, column 13 ~ n <= m",
        "root ::= \"a\"{} ~ 1, column 14 ~ a number",
        "root ::= \"a\"{99999999999} ~ 1, column 14 ~ a number up to",
        "root = \"a\" ~ 1, column 6 ~ ::=",
        "root ::= other ~ 1, column 10 ~ defined",
        "start ::= \"a\" ~ 1, column 14 ~ root",
        "root ::= <nothing> ~ 1, column 10 ~ token of the vocabulary",
        "root ::= <[999]> ~ 1, column 10 ~ token of the vocabulary",
        "root ::= \"a\" ) ~ 1, column 14 ~ end of the rule",
        "::= \"a\" ~ 1, column 1 ~ name",
      })
  void saysWhereItIsWrong(String source, String where, String what) {
    RequestRejectedException e = assertThrows(RequestRejectedException.class, () -> parse(source));

    assertEquals(Reason.GRAMMAR_INVALID, e.reason());
    assertTrue(
        String.valueOf(e.getMessage()).startsWith("grammar, line " + where + ":"), e::getMessage);
    assertTrue(String.valueOf(e.getMessage()).contains(what), e::getMessage);
  }

  @Test
  void refusesARuleThatIsDefinedTwice() {
    RequestRejectedException e =
        assertThrows(
            RequestRejectedException.class, () -> parse("root ::= \"a\"\n\n root ::= \"b\""));

    assertTrue(String.valueOf(e.getMessage()).contains("line 3, column 2"), e::getMessage);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "root ::= \"x\"\na ::= a \"b\"",
        "root ::= \"x\"\na ::= b \"c\"\nb ::= \"d\"? a",
        "root ::= \"x\"\na ::= (\"b\"* | c) a\nc ::= \"\"",
        "root ::= \"x\"\na ::= e e a\ne ::= f?\nf ::= \"f\"",
        "root ::= \"x\"\na ::= (a)*",
      })
  void refusesLeftRecursion(String source) {
    RequestRejectedException e = assertThrows(RequestRejectedException.class, () -> parse(source));

    assertEquals(Reason.GRAMMAR_INVALID, e.reason());
    assertTrue(String.valueOf(e.getMessage()).contains("left recursion"), e::getMessage);
    assertTrue(String.valueOf(e.getMessage()).contains("line "), e::getMessage);
  }

  @Test
  void allowsOtherRecursion() {
    assertTrue(matches("root ::= \"(\" root \")\" root | \"\"", "(())()"));
  }

  @Test
  void refusesGroupsThatAreNestedTooDeep() {
    String deep = "root ::= " + "(".repeat(100_000) + "\"a\"" + ")".repeat(100_000);
    RequestRejectedException e = assertThrows(RequestRejectedException.class, () -> parse(deep));

    assertEquals(Reason.GRAMMAR_LIMIT, e.reason());
  }

  @Test
  void refusesRepetitionsOfRepetitionsWithoutEnd() {
    RequestRejectedException e =
        assertThrows(
            RequestRejectedException.class, () -> parse("root ::= \"a\"" + "?".repeat(100_000)));

    assertEquals(Reason.GRAMMAR_LIMIT, e.reason());
  }

  @Test
  void refusesATextThatIsTooLong() {
    String longText = "root ::= \"" + "a".repeat(GrammarLimits.DEFAULT.textChars()) + '"';
    RequestRejectedException e =
        assertThrows(RequestRejectedException.class, () -> parse(longText));

    assertEquals(Reason.GRAMMAR_LIMIT, e.reason());
  }

  @Test
  void findsTokensByTheirText() {
    assertEquals(
        new Expr.Token(WordVocabulary.CONTROL, false),
        parse("root ::= <c>").rules().get(Grammar.ROOT));
  }
}
