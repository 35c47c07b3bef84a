package dev.serval.engine.grammar;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.engine.grammar.json.JsonGrammar;
import dev.serval.engine.grammar.json.SchemaGrammar;
import java.lang.management.ManagementFactory;
import java.util.LinkedHashSet;
import java.util.Random;
import java.util.Set;
import java.util.function.Supplier;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * What a mask costs with a vocabulary as large as Gemma's: 262,144 made-up tokens, of which half
 * are Latin words, nearly half other scripts, the rest punctuation, numbers and white space.
 * Processor time of the thread, so that busy neighbours do not count; the bounds are ten times what
 * was seen.
 */
@Tag("nightly")
class TokenMaskTimeTest {

  private static final int SIZE = 262_144;
  private static final double MEAN_MILLIS = 1;
  private static final double WORST_MILLIS = 10;

  private static final String[] SYLLABLES =
      "a e i o u th er in on re st at en tion al ing com pro ver ment s ed ly con de per un ar or le"
          .split(" ");
  private static final String PUNCTUATION = "\"\\{}[]():;,.<>=+-*/_'`!?#$%&|~^@\n\t ";

  /** First and last of some scripts. */
  private static final int[][] SCRIPTS = {
    {0x4E00, 0x9FFF},
    {0x400, 0x4FF},
    {0x600, 0x6FF},
    {0x3040, 0x30FF},
    {0xAC00, 0xD7A3},
    {0x900, 0x97F},
    {0xC0, 0x24F},
    {0x1F300, 0x1F6FF}
  };

  private static final String SCHEMA =
      """
      {"type": "object",
       "properties": {
         "name": {"type": "string", "maxLength": 200},
         "age": {"type": "integer", "minimum": 0, "maximum": 150},
         "tags": {"type": "array", "items": {"enum": ["red", "green", "blue"]}},
         "id": {"type": "string", "pattern": "^[A-Z]{2}-\\\\d{4}$"}},
       "required": ["name", "age", "tags", "id"]}\
      """;

  private static WordVocabulary vocabulary() {
    Random random = new Random(1);
    Set<String> words = new LinkedHashSet<>();
    for (int i = 0; i < 1000; i++) {
      words.add(Integer.toString(1000 + i));
      words.add(" ".repeat(2 + i % 62));
    }
    while (words.size() < 14_000) {
      StringBuilder w = new StringBuilder();
      for (int n = 2 + random.nextInt(3); n > 0; n--) {
        w.append(PUNCTUATION.charAt(random.nextInt(PUNCTUATION.length())));
      }
      words.add(w + (random.nextInt(3) == 0 ? SYLLABLES[random.nextInt(SYLLABLES.length)] : ""));
    }
    while (words.size() < 140_000) {
      StringBuilder w = new StringBuilder(random.nextBoolean() ? " " : "");
      for (int n = 2 + random.nextInt(4); n > 0; n--) {
        w.append(SYLLABLES[random.nextInt(SYLLABLES.length)]);
      }
      words.add(w.toString());
    }
    while (words.size() < SIZE - 258) {
      int[] script = SCRIPTS[random.nextInt(SCRIPTS.length)];
      StringBuilder w = new StringBuilder(random.nextInt(3) == 0 ? " " : "");
      for (int n = 2 + random.nextInt(5); n > 0; n--) {
        w.appendCodePoint(random.nextInt(script[0], script[1] + 1));
      }
      words.add(w.toString());
    }
    return WordVocabulary.bytesAnd(words.toArray(String[]::new));
  }

  private static double millis() {
    return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() / 1e6;
  }

  @Test
  void takesLessThanAMillisecondForMostTokens() {
    WordVocabulary v = vocabulary();
    assertTrue(v.vocabSize() == SIZE, () -> "tokens: " + v.vocabSize());
    check(
        v,
        JsonGrammar::anyObject,
        "{\"name\": \"some words and ünïcode 日本語\", \"n\": [1, 2.5, true, {\"x\": []}]}");
    check(
        v,
        () -> SchemaGrammar.of(SCHEMA, GrammarLimits.DEFAULT),
        "{\"name\": \"some words, 日本語\", \"age\": 123, \"tags\": [\"red\"], \"id\": \"AB-1234\"}");
    check(
        v,
        () -> GbnfParser.parse("root ::= ([a-z]+ \" \"?)+ \".\"", v, GrammarLimits.DEFAULT),
        "many words in lower case.");
    check(
        v,
        () -> GbnfParser.parse(Examples.TWOFOLD, v, GrammarLimits.DEFAULT),
        "(".repeat(20) + "x" + ")]".repeat(10));
  }

  /**
   * Follows a text byte by byte: with fresh states several times, then once more for the figures.
   */
  private static void check(WordVocabulary v, Supplier<Grammar> grammar, String text) {
    Grammars grammars = new Grammars(v, v.vocabSize(), GrammarLimits.DEFAULT);
    int[] ids = v.encode(text, false, false);
    double mean = 0;
    double worst = 0;
    for (int round = 0; round < 5; round++) {
      GrammarMatcher m = grammars.get(round, grammar).matcher();
      mean = 0;
      worst = 0;
      for (int id : ids) {
        double before = millis();
        boolean isAllowed = m.allowed().allows(id);
        double took = millis() - before;
        assertTrue(isAllowed, text);
        m.accept(id);
        mean += took / ids.length;
        worst = Math.max(worst, took);
      }
    }
    String figures = text + ": " + mean + " ms on average, " + worst + " ms at worst";
    assertTrue(mean < MEAN_MILLIS && worst < WORST_MILLIS, figures);
  }
}
