package dev.serval.engine.grammar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.text.Tokenizer;
import dev.serval.engine.gguf.GgufFile;
import dev.serval.engine.gguf.GoldenFile;
import dev.serval.engine.sampling.TokenFilter;
import dev.serval.engine.tokenizer.Tokenizers;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The mask against the obvious way to find it: every token, character by character. */
class TokenMaskTest {

  private static final WordVocabulary ODD =
      WordVocabulary.bytesAnd(
              "ab",
              "abc",
              "a\"",
              "\": ",
              "\", \"",
              "日",
              "日本語",
              "é",
              "ée",
              "{\"",
              "true",
              "]]",
              "😀",
              "😀a",
              "\n  ",
              "(((",
              "1.5",
              "\\u00",
              "\\\"",
              "x)",
              "\u2028",
              "\ud7ff\ue000")
          .with(new byte[] {(byte) 0xE6, (byte) 0x97})
          .with(new byte[] {'a', (byte) 0xE6})
          .with(new byte[] {(byte) 0xA5, 'a'})
          .with(new byte[] {(byte) 0xC0, (byte) 0x80})
          .with(new byte[] {(byte) 0xED, (byte) 0xA0, (byte) 0x80})
          .with(new byte[] {(byte) 0xF0, (byte) 0x9F})
          .with(new byte[] {(byte) 0xF4, (byte) 0x90})
          .with(new byte[] {(byte) 0xFF, 'a'});

  static Tokenizer golden(String file) {
    try (GgufFile f = GgufFile.open(GoldenFile.of(file))) {
      return new Tokenizers().fromMetadata(f.source().metadata());
    }
  }

  private static final Map<String, Tokenizer> VOCABULARIES =
      Map.of("odd", ODD, "spm", golden("vocab-spm.gguf"), "bpe", golden("vocab-bpe.gguf"));

  static Stream<Arguments> cases() {
    return Examples.ALL.keySet().stream()
        .sorted()
        .flatMap(name -> VOCABULARIES.keySet().stream().map(kind -> Arguments.of(name, kind)));
  }

  private static void compare(String name, String kind, long seed, int steps) {
    Tokenizer vocabulary = VOCABULARIES.getOrDefault(kind, ODD);
    String source = Examples.ALL.getOrDefault(name, "");
    Grammar grammar = GbnfParser.parse(source, vocabulary, GrammarLimits.DEFAULT);
    compareOnAWalk(grammar, vocabulary, seed, steps);
  }

  @ParameterizedTest(name = "{0} on {1}")
  @MethodSource("cases")
  void holdsTheTokensThatKeepTheTextAlive(String name, String kind) {
    compare(name, kind, 7, 8);
  }

  @Tag("nightly")
  @ParameterizedTest(name = "{0} on {1}")
  @MethodSource("cases")
  void holdsTheTokensThatKeepLongTextsAlive(String name, String kind) {
    for (long seed = 0; seed < 10; seed++) {
      compare(name, kind, seed, 60);
    }
  }

  /** Walks at random, and compares the mask with the oracle at each step. */
  private static void compareOnAWalk(Grammar grammar, Tokenizer vocabulary, long seed, int steps) {
    NaiveMatcher naive = new NaiveMatcher(grammar);
    GrammarMatcher matcher =
        new Grammars(vocabulary, vocabulary.vocabSize(), GrammarLimits.DEFAULT)
            .get(grammar, () -> grammar)
            .matcher();
    Random random = new Random(seed);
    NaiveMatcher.Place place = naive.begin();
    List<Integer> text = new ArrayList<>();
    for (int step = 0; step < steps && !matcher.isAtEnd(); step++) {
      TokenFilter allowed = matcher.allowed();
      List<Integer> choices = new ArrayList<>();
      for (int id = 0; id < vocabulary.vocabSize(); id++) {
        boolean isEnd = vocabulary.isEndOfGeneration(id);
        boolean expected =
            (isEnd || vocabulary.isControl(id) || isMark(vocabulary, id))
                ? isEnd && place.isComplete()
                : naive.after(place, vocabulary.bytes(id)).isAlive();
        int token = id;
        assertEquals(
            expected,
            allowed.allows(id),
            () -> "seed " + seed + ", after " + text + ", token " + token);
        if (expected && !isEnd) {
          choices.add(id);
        }
      }
      int next = choices.get(random.nextInt(choices.size()));
      matcher.accept(next);
      place = naive.after(place, vocabulary.bytes(next));
      text.add(next);
      assertEquals(place.isComplete(), matcher.isComplete(), text::toString);
    }
  }

  private static boolean isMark(Tokenizer vocabulary, int id) {
    return new String(vocabulary.bytes(id), StandardCharsets.UTF_8).matches("<\\|.+\\|>");
  }

  @Test
  void randomGrammarsAgreeToo() {
    int walked = 0;
    for (long seed = 0; seed < 60; seed++) {
      Grammar grammar = RandomGrammar.of(seed);
      if (LeftRecursion.cycle(grammar).isEmpty() && RandomGrammar.endsEverywhere(grammar)) {
        compareOnAWalk(grammar, ODD, seed, 8);
        walked++;
      }
    }
    assertTrue(walked > 15, "walked " + walked);
  }
}
