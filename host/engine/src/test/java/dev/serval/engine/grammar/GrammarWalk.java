package dev.serval.engine.grammar;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.text.Tokenizer;
import dev.serval.engine.sampling.TokenFilter;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import java.util.function.Predicate;
import java.util.stream.IntStream;

/** Draws texts that a grammar allows, without a model. */
public final class GrammarWalk {

  private static final Grammars GOLDEN = grammars(TokenMaskTest.golden("vocab-spm.gguf"));

  private static final String[] TEXTS =
      IntStream.range(0, GOLDEN.tokenizer().vocabSize())
          .mapToObj(id -> new String(GOLDEN.tokenizer().bytes(id), StandardCharsets.UTF_8))
          .toArray(String[]::new);

  /** What is preferred among the tokens that are allowed. */
  public enum Taste {
    /** Any token. */
    ANY,
    /** White space, which never ends a text. */
    SPACE,
    /** Digits, which never end a number. */
    DIGITS,
    /** Whatever opens something new. */
    OPEN,
    /** The longest token. */
    LONG
  }

  private GrammarWalk() {}

  private static Grammars grammars(Tokenizer tokenizer) {
    return new Grammars(tokenizer, tokenizer.vocabSize(), GrammarLimits.DEFAULT);
  }

  /** Says whether a grammar matches a text, as the automaton sees it. */
  public static Predicate<String> texts(Grammar grammar) {
    Automaton automaton =
        new Automaton(ProgramBuilder.build(grammar, GrammarLimits.DEFAULT), GrammarLimits.DEFAULT);
    State start = automaton.start();
    return text -> automaton.run(start, text.getBytes(StandardCharsets.UTF_8)).accepting;
  }

  /** Whether a grammar matches a text, as the automaton sees it. */
  public static boolean matches(Grammar grammar, String text) {
    return texts(grammar).test(text);
  }

  /**
   * Draws a text of the golden vocabulary.
   *
   * @param key equal for equal grammars
   * @param limit tokens within which it must be complete
   */
  public static String walk(Object key, Grammar grammar, Taste taste, long seed, int limit) {
    GrammarMatcher matcher = GOLDEN.get(key, () -> grammar).matcher();
    Tokenizer tokenizer = GOLDEN.tokenizer();
    Random random = new Random(seed);
    ByteArrayOutputStream text = new ByteArrayOutputStream();
    for (int left = limit; left > 0 && !matcher.isAtEnd(); left--) {
      TokenFilter allowed = matcher.allowed(left);
      int best = -1;
      double bestScore = Double.NEGATIVE_INFINITY;
      for (int id = 0; id < tokenizer.vocabSize(); id++) {
        if (allowed.allows(id)) {
          double score = score(tokenizer, id, TEXTS[id], taste, random.nextDouble());
          if (score > bestScore) {
            best = id;
            bestScore = score;
          }
        }
      }
      assertTrue(best >= 0, () -> "seed " + seed + ", no token after " + text);
      if (tokenizer.isEndOfGeneration(best)) {
        break;
      }
      matcher.accept(best);
      text.writeBytes(tokenizer.bytes(best));
    }
    assertTrue(matcher.isComplete(), () -> "seed " + seed + ", " + taste + ": " + text);
    return text.toString(StandardCharsets.UTF_8);
  }

  private static double score(
      Tokenizer tokenizer, int id, String text, Taste taste, double random) {
    if (tokenizer.isEndOfGeneration(id)) {
      return taste == Taste.ANY ? random : -1;
    }
    return random
        + switch (taste) {
          case ANY -> 0;
          case SPACE -> text.isBlank() ? text.length() : 0;
          case DIGITS -> Character.isDigit(text.charAt(0)) ? 1 : 0;
          case OPEN -> "[{\"".indexOf(text.charAt(0)) >= 0 ? 1 : 0;
          case LONG -> text.length();
        };
  }
}
