package dev.serval.engine.grammar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.error.RequestRejectedException.Reason;
import dev.serval.engine.sampling.TokenFilter;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class GrammarMatcherTest {

  private static final WordVocabulary BYTES = WordVocabulary.bytesAnd("ab", "bb", "é", "日本");

  private static GrammarMatcher matcher(String grammar, WordVocabulary vocabulary) {
    return matcher(grammar, vocabulary, GrammarLimits.DEFAULT);
  }

  private static GrammarMatcher matcher(
      String grammar, WordVocabulary vocabulary, GrammarLimits limits) {
    return new Grammars(vocabulary, vocabulary.vocabSize(), limits)
        .get(grammar, () -> GbnfParser.parse(grammar, vocabulary, limits))
        .matcher();
  }

  /** Adds a text byte by byte. */
  private static void add(GrammarMatcher matcher, String text) {
    for (int id : BYTES.encode(text, false, false)) {
      assertTrue(matcher.allowed().allows(id), () -> text + ", id " + id);
      matcher.accept(id);
    }
  }

  @Test
  void allowsTheEndOnlyWhereTheTextIsComplete() {
    GrammarMatcher m = matcher("root ::= \"ab\" \"c\"?", BYTES);

    assertFalse(m.allowed().allows(WordVocabulary.END));
    add(m, "ab");
    assertTrue(m.isComplete());
    assertFalse(m.isAtEnd());
    assertTrue(m.allowed().allows(WordVocabulary.END));
    add(m, "c");
    assertTrue(m.isAtEnd());
    for (int id = 1; id < BYTES.vocabSize(); id++) {
      assertFalse(m.allowed().allows(id));
    }
  }

  @Test
  void neverAllowsControlTokensButThoseItNames() {
    assertFalse(matcher("root ::= .*", BYTES).allowed().allows(WordVocabulary.CONTROL));
    assertFalse(matcher("root ::= !<[5]>", BYTES).allowed().allows(WordVocabulary.CONTROL));

    GrammarMatcher m = matcher("root ::= <c> \"a\"", BYTES);
    assertTrue(m.allowed().allows(WordVocabulary.CONTROL));
    assertFalse(m.allowed().allows(BYTES.id("<")));
    m.accept(WordVocabulary.CONTROL);
    add(m, "a");
    assertTrue(m.isAtEnd());
  }

  @Test
  void readsATokenByNameAndByTextAtOnce() {
    int ab = BYTES.id("ab");
    GrammarMatcher m =
        matcher("root ::= <[" + ab + "]> \"x\" | \"ab\" \"y\" | !<[7]> \"z\"", BYTES);
    m.accept(ab);
    for (String next : new String[] {"x", "y", "z"}) {
      assertTrue(m.allowed().allows(BYTES.id(next)), next);
    }
    assertFalse(m.allowed().allows(BYTES.id("a")));
  }

  @Test
  void neverAllowsMarksAndEmptyTokens() {
    WordVocabulary v = WordVocabulary.of("a", "<|channel|>", "<|a|b", "").with(new byte[] {});
    TokenFilter allowed = matcher("root ::= .*", v).allowed();

    assertTrue(allowed.allows(v.id("a")));
    assertTrue(allowed.allows(v.id("<|a|b")));
    assertFalse(allowed.allows(v.id("<|channel|>")));
    assertFalse(allowed.allows(v.id("")));
  }

  @Test
  void followsACharacterOverSeveralTokens() {
    GrammarMatcher m = matcher("root ::= [à-ï] \"日\"", BYTES);
    byte[] e = "é".getBytes(StandardCharsets.UTF_8);

    assertTrue(m.allowed().allows(BYTES.id("é")));
    assertFalse(m.allowed().allows(2 + 0xC2), "first byte of U+0080..U+00BF");
    m.accept(2 + (e[0] & 0xFF));
    assertFalse(m.isComplete());
    assertFalse(m.allowed().allows(BYTES.id("é")));
    assertTrue(m.allowed().allows(2 + (e[1] & 0xFF)));
    assertFalse(m.allowed().allows(2 + 0xB0), "U+00F0 is behind the range");
    m.accept(2 + (e[1] & 0xFF));
    add(m, "日");
    assertTrue(m.isAtEnd());
  }

  @Test
  void copiesGoOnByThemselves() {
    GrammarMatcher m = matcher("root ::= \"ab\" | \"ac\"", BYTES);
    add(m, "a");
    GrammarMatcher copy = m.copy();
    add(m, "b");
    add(copy, "c");

    assertTrue(m.isAtEnd());
    assertTrue(copy.isAtEnd());
  }

  @Test
  void replayedTokensLeadToTheSamePlace() {
    String json = "{\"a\": [1, 2]";
    GrammarMatcher m = matcher(Examples.JSON, BYTES);
    add(m, json);
    GrammarMatcher replayed = matcher(Examples.JSON, BYTES);
    add(replayed, json);

    for (int id = 0; id < BYTES.vocabSize(); id++) {
      assertEquals(m.allowed().allows(id), replayed.allowed().allows(id));
    }
  }

  @Test
  void refusesATokenThatIsNotAllowedAndStaysWhereItWas() {
    GrammarMatcher m = matcher("root ::= \"ab\"", BYTES);
    RequestRejectedException e =
        assertThrows(RequestRejectedException.class, () -> m.accept(BYTES.id("b")));

    assertEquals(Reason.GRAMMAR_DEAD_END, e.reason());
    add(m, "ab");
  }

  @Test
  void saysThatTheVocabularyCannotGoOn() {
    WordVocabulary v = WordVocabulary.of("a", "b");
    GrammarMatcher m = matcher("root ::= \"ax\"", v);
    m.accept(v.id("a"));
    RequestRejectedException e = assertThrows(RequestRejectedException.class, m::allowed);

    assertEquals(Reason.GRAMMAR_DEAD_END, e.reason());
  }

  @Test
  void neverEntersWhatHasNoEnd() {
    GrammarMatcher m = matcher("root ::= \"a\" endless | \"b\"\nendless ::= \"a\" endless", BYTES);

    assertFalse(m.allowed().allows(BYTES.id("a")));
    assertTrue(m.allowed().allows(BYTES.id("b")));
    RequestRejectedException e =
        assertThrows(RequestRejectedException.class, () -> matcher("root ::= \"a\" root", BYTES));
    assertEquals(Reason.GRAMMAR_INVALID, e.reason());
  }

  @Test
  void leadsTheTextToItsEndInTime() {
    for (int limit = 1; limit < 60; limit++) {
      GrammarMatcher m =
          matcher("root ::= \"[\" (root (\",\" root)*)? \"]\" | \"12\" \"3\"*", BYTES);
      StringBuilder text = new StringBuilder();
      int left = limit;
      while (!m.isAtEnd() && left > 0) {
        TokenFilter allowed = m.allowed(left);
        // whatever makes the text longest
        String next =
            "[,123]"
                .chars()
                .mapToObj(Character::toString)
                .filter(c -> allowed.allows(BYTES.id(c)))
                .findFirst()
                .orElseThrow();
        m.accept(BYTES.id(next));
        text.append(next);
        left--;
      }
      assertEquals(limit >= 2, m.isComplete(), text::toString);
    }
  }

  @Test
  void leavesOutNothingWhileThereIsRoom() {
    GrammarMatcher m = matcher("root ::= \"a\"* \"b\"", BYTES);

    assertTrue(m.allowed(1000).allows(BYTES.id("a")));
    assertFalse(m.isNarrowed());
    assertFalse(m.allowed(1).allows(BYTES.id("a")));
    assertTrue(m.isNarrowed());
    assertTrue(m.allowed(1).allows(BYTES.id("b")));
  }

  @Test
  void leadsATextNestedTooDeepBack() {
    GrammarLimits limits = new GrammarLimits(1000, 10, 1000, 20, 1_000_000, 1 << 20);
    GrammarMatcher m = matcher("root ::= \"[\" root* \"]\"", BYTES, limits);
    int depth = 0;
    while (m.allowed().allows(BYTES.id("["))) {
      m.accept(BYTES.id("["));
      depth++;
    }

    assertEquals(21, depth);
    add(m, "]".repeat(depth));
    assertTrue(m.isAtEnd());
  }

  @Test
  void keepsGoingWhenItsMemoryIsFull() {
    GrammarLimits small = new GrammarLimits(1000, 10, 1000, 500, 1_000_000, 4_000);
    GrammarMatcher m = matcher(Examples.JSON, BYTES, small);
    GrammarMatcher other = matcher(Examples.JSON, BYTES);
    for (int id : BYTES.encode("{\"a\": [[1, {\"ab\": \"日本\"}], null, 1.5e3]}", false, false)) {
      for (int t = 0; t < BYTES.vocabSize(); t++) {
        assertEquals(other.allowed().allows(t), m.allowed().allows(t));
      }
      m.accept(id);
      other.accept(id);
    }
    assertTrue(m.isComplete());
  }
}
