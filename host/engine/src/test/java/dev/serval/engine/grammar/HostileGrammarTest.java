package dev.serval.engine.grammar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.error.RequestRejectedException.Reason;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Grammars that are made to be slow or large: refused, or no slower than others. */
@Timeout(60)
class HostileGrammarTest {

  private static final WordVocabulary VOCABULARY =
      WordVocabulary.bytesAnd("aa", "ab", "ba", "abab", "((((", "aaaaaaaa", "))))");

  private static GrammarMatcher matcher(String source) {
    Grammar grammar = GbnfParser.parse(source, VOCABULARY, GrammarLimits.DEFAULT);
    return new Grammars(VOCABULARY, VOCABULARY.vocabSize(), GrammarLimits.DEFAULT)
        .get(source, () -> grammar)
        .matcher();
  }

  private static void add(GrammarMatcher matcher, String text) {
    for (int id : VOCABULARY.encode(text, false, false)) {
      assertTrue(matcher.allowed().allows(id), text);
      matcher.accept(id);
    }
  }

  private static RequestRejectedException refusal(String source) {
    return assertThrows(RequestRejectedException.class, () -> matcher(source));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "root ::= (((\"a\"{0,100}){0,100}){0,100}){0,100}",
        "root ::= ((((\"\"{1000}){1000}){1000}){1000}){1000} \"a\"",
        "root ::= \"a\"{0,10000000}",
        "root ::= (\"a\" (\"b\" (\"c\"{999}){999}){999}){999}",
      })
  void refusesRepetitionsThatExplode(String source) {
    assertEquals(Reason.GRAMMAR_LIMIT, refusal(source).reason());
  }

  @Test
  void readsTwofoldNestingInStepsThatDoNotDouble() {
    int depth = 300;
    GrammarMatcher m = matcher(Examples.TWOFOLD);
    add(m, "(".repeat(depth) + "x");
    for (int i = 0; i < depth; i++) {
      assertTrue(m.allowed().allows(VOCABULARY.id("]")));
      add(m, i % 3 == 0 ? "]" : ")");
    }
    assertTrue(m.isAtEnd());
  }

  @Test
  void seesManyWaysToTheSamePlaceAsOne() {
    String rules =
        IntStream.range(0, 100)
            .mapToObj(i -> "r" + i + " ::= r" + (i + 1) + " \"a\" | r" + (i + 1) + " \"b\"\n")
            .collect(Collectors.joining());
    GrammarMatcher m = matcher("root ::= r0\n" + rules + "r100 ::= \"x\"");
    add(m, "x" + "ab".repeat(50));

    assertTrue(m.isAtEnd());
  }

  @Test
  void endsWorkOnAmbiguousCounting() {
    GrammarMatcher m = matcher("root ::= ((\"a\" | \"b\"){1,60}){1,60} \"c\"");
    add(m, "ab".repeat(60));
    add(m, "c");

    assertTrue(m.isAtEnd());
  }

  @Test
  void followsAnAutomatonThatWouldBeExponentialIfItWereWrittenOut() {
    GrammarMatcher m = matcher("root ::= [ab]* \"a\" [ab]{60}");
    add(m, "abbabaabab".repeat(10) + "a" + "b".repeat(60));

    assertTrue(m.isComplete());
  }

  @Test
  void takesManyOptionalPartsInARow() {
    GrammarMatcher m = matcher("root ::= (\"a\"?){0,20000} \"b\"");
    add(m, "a".repeat(20) + "b");

    assertTrue(m.isAtEnd());
  }

  @Test
  void takesLongChainsOfRules() {
    int n = 20_000;
    String rules =
        IntStream.range(0, n)
            .mapToObj(i -> "r" + i + " ::= r" + (i + 1) + "\n")
            .collect(Collectors.joining());
    GrammarMatcher m = matcher("root ::= r0\n" + rules + "r" + n + " ::= \"x\"");
    add(m, "x");

    assertTrue(m.isAtEnd());
  }

  @Test
  void refusesALongCycleOfRules() {
    int n = 20_000;
    String rules =
        IntStream.range(0, n)
            .mapToObj(i -> "r" + i + " ::= r" + ((i + 1) % n) + "\n")
            .collect(Collectors.joining());
    assertEquals(Reason.GRAMMAR_INVALID, refusal("root ::= \"a\"\n" + rules).reason());
  }

  @Test
  void takesThousandsOfTexts() {
    String texts =
        IntStream.range(0, 20_000)
            .mapToObj(i -> "\"" + Integer.toString(i, 3) + "x\"")
            .collect(Collectors.joining(" | "));
    GrammarMatcher m = matcher("root ::= " + texts);
    add(m, Integer.toString(12_345, 3) + "x");

    assertTrue(m.isAtEnd());
  }

  @Test
  void saysSoWhereOneTokenWouldTakeTooMuchWork() {
    GrammarLimits little = new GrammarLimits(1 << 20, 100, 200_000, 500, 1_000, 1 << 20);
    String source = "root ::= (\"a\"?){0,2000} \"b\"";
    Grammars grammars = new Grammars(VOCABULARY, VOCABULARY.vocabSize(), little);
    RequestRejectedException e =
        assertThrows(
            RequestRejectedException.class,
            () ->
                grammars.get(source, () -> GbnfParser.parse(source, VOCABULARY, little)).matcher());

    assertEquals(Reason.GRAMMAR_LIMIT, e.reason());
  }

  @Test
  void keepsItsMemoryBounded() {
    GrammarLimits small = new GrammarLimits(1 << 20, 100, 200_000, 500, 10_000_000, 200_000);
    String source = "root ::= [ab]* \"a\" [ab]{40}";
    TokenGrammar grammar =
        new Grammars(VOCABULARY, VOCABULARY.vocabSize(), small)
            .get(source, () -> GbnfParser.parse(source, VOCABULARY, small));
    GrammarMatcher m = grammar.matcher();
    for (int i = 0; i < 2_000; i++) {
      int id = VOCABULARY.id((((i * 7919) >> 3) & 1) == 0 ? "a" : "b");
      assertTrue(m.allowed().allows(id));
      m.accept(id);
      // one state, with what its mask takes, may lie above the limit
      assertTrue(grammar.memoryBytes() < 4 * small.cacheBytes(), () -> grammar.memoryBytes() + "");
    }
  }
}
