package dev.serval.engine.inspect;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NamePatternTest {

  @ParameterizedTest
  @CsvSource({
    "blk.0.*, blk.0.attn_q, true",
    "blk.0.*, blk.0., true",
    "blk.0.*, blk.10.attn_q, false",
    "blk.?.attn_q, blk.7.attn_q, true",
    "blk.?.attn_q, blk.17.attn_q, false",
    "*, logits, true",
    "*.attn_*norm*, blk.3.attn_q_norm.rope, true",
    "blkx0xadd, blk.0.add, false",
    "blk.0.add, blk.0.add.2, false",
    "logits, logits, true"
  })
  void starsStandForAnyTextAndQuestionMarksForOneCharacter(
      String pattern, String name, boolean matches) {
    assertEquals(matches, new NamePattern(pattern).matches(name));
  }

  /** Every pattern and name up to a length, against the JDK's expressions. */
  @Test
  void agreesWithRegularExpressions() {
    for (String pattern : words("a?*", 5)) {
      String expression =
          pattern
              .chars()
              .mapToObj(c -> c == '*' ? ".*" : c == '?' ? "." : "a")
              .collect(Collectors.joining());
      for (String name : words("ab", 4)) {
        assertEquals(
            Pattern.matches(expression, name),
            new NamePattern(pattern).matches(name),
            pattern + " and " + name);
      }
    }
  }

  private static List<String> words(String alphabet, int length) {
    int n = alphabet.length() + 1; // shorter words: the digit 0 is no character
    return IntStream.range(0, (int) Math.pow(n, length))
        .mapToObj(number -> {
          StringBuilder word = new StringBuilder();
          for (int i = 0, rest = number; i < length; i++, rest /= n) {
            word.append(rest % n == 0 ? "" : alphabet.substring(rest % n - 1, rest % n));
          }
          return word.toString();
        })
        .distinct()
        .toList();
  }

  @Test
  void manyStarsTakeNoTime() {
    String pattern = "*a".repeat(60) + "b";
    assertEquals(false, new NamePattern(pattern).matches("a".repeat(2000)));
    assertTrue(new NamePattern(pattern).matches("a".repeat(2000) + "b"));
  }

  @Test
  void namesWithFewerEditsAreNearer() {
    List<String> names = List.of("logits", "blk.0.attn_output", "blk.0.attn_k", "blk.0.attn_q");
    assertEquals(
        List.of("blk.0.attn_k", "blk.0.attn_q", "blk.0.attn_output"),
        new NamePattern("blk.0.attn_x").nearest(names, 3));
  }
}
