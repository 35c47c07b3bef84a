package dev.serval.engine.grammar.json;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.serval.engine.grammar.Expr;
import dev.serval.engine.grammar.Grammar;
import dev.serval.engine.grammar.GrammarLimits;
import dev.serval.engine.grammar.GrammarWalk;
import dev.serval.engine.grammar.json.DecimalRange.Bound;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.Random;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Ranges of numbers against comparison, patterns against the JDK's. */
class RangesTest {

  private static Predicate<String> texts(Expr expr) {
    boolean isEmpty = expr instanceof Expr.Choice c && c.alternatives().isEmpty();
    return isEmpty ? text -> false : GrammarWalk.texts(Grammar.of(expr));
  }

  @Test
  void integersAreInTheirRange() {
    Random random = new Random(5);
    for (int round = 0; round < 60; round++) {
      int bits = 1 + random.nextInt(12);
      int a = random.nextInt(-(1 << bits), 1 << bits);
      int b = random.nextInt(-(1 << bits), 1 << bits);
      Integer min = round % 7 == 0 ? null : (Integer) Math.min(a, b);
      Integer max = round % 5 == 0 ? null : (Integer) Math.max(a, b);
      Predicate<String> range = texts(IntegerRange.of(big(min), big(max)));
      for (int i = 0; i < 60; i++) {
        int near = random.nextBoolean() ? a : b;
        int n = random.nextBoolean() ? near + random.nextInt(-2, 3) : random.nextInt(-5000, 5000);
        boolean expected = (min == null || n >= min) && (max == null || n <= max);
        assertEquals(expected, range.test(Integer.toString(n)), min + " <= " + n + " <= " + max);
      }
    }
  }

  private static @Nullable BigInteger big(@Nullable Integer n) {
    return n == null ? null : BigInteger.valueOf(n);
  }

  @Test
  void decimalsAreInTheirRange() {
    Random random = new Random(6);
    for (int round = 0; round < 120; round++) {
      BigDecimal a = decimal(random);
      BigDecimal b = random.nextInt(4) == 0 ? a : decimal(random);
      Bound min = round % 7 == 0 ? null : new Bound(a.min(b), random.nextBoolean());
      Bound max = round % 5 == 0 ? null : new Bound(a.max(b), random.nextBoolean());
      Predicate<String> range = texts(DecimalRange.of(min, max, 4));
      for (int i = 0; i < 40; i++) {
        BigDecimal n =
            switch (random.nextInt(3)) {
              case 0 -> a.add(BigDecimal.valueOf(random.nextInt(-2, 3), 1 + random.nextInt(3)));
              case 1 -> b.add(BigDecimal.valueOf(random.nextInt(-2, 3), 1 + random.nextInt(3)));
              default -> decimal(random);
            };
        boolean expected =
            (min == null || inside(n.compareTo(min.value()), min))
                && (max == null || inside(max.value().compareTo(n), max));
        assertEquals(expected, range.test(n.toPlainString()), min + " <= " + n + " <= " + max);
      }
    }
  }

  private static boolean inside(int order, Bound bound) {
    return order > 0 || (order == 0 && bound.inclusive());
  }

  private static BigDecimal decimal(Random random) {
    int scale = random.nextInt(4);
    return BigDecimal.valueOf(random.nextInt(-3000, 3000), scale);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      quoteCharacter = '`',
      value = {
        "abc",
        "^abc$",
        "^a|b$",
        "a{2,3}?b*?",
        "^(?:x|yz)+$",
        "[^a-c]d",
        "^[\\w.-]+@[a-z]+$",
        ".",
        "^\\d{1,3}(,\\d{3})*$",
        "\\x41\\u0042|\\.\\*\\/",
        "^[\\s\\S]$",
        "()",
        "a||b",
        "^\\u{1F600}$",
      })
  void patternsMatchWhatTheJdkMatches(String pattern) throws PatternParser.Unsupported {
    Predicate<String> ours = texts(PatternParser.parse(pattern, GrammarLimits.DEFAULT));
    String javaPattern = pattern.replace("\\u{1F600}", "\\x{1F600}");
    Pattern jdk = Pattern.compile(javaPattern);
    Random random = new Random(8);
    String letters = "abcdxyz019.,@-AB \n😀*/]";
    int[] points = letters.codePoints().toArray();
    for (int i = 0; i < 300; i++) {
      StringBuilder text = new StringBuilder();
      for (int n = random.nextInt(6); n > 0; n--) {
        text.appendCodePoint(points[random.nextInt(points.length)]);
      }
      if (pattern.contains("$") && text.toString().endsWith("\n")) {
        continue; // before a last newline the JDK's $ matches too
      }
      assertEquals(
          jdk.matcher(text).find(), ours.test(text.toString()), () -> pattern + " on " + text);
    }
  }
}
