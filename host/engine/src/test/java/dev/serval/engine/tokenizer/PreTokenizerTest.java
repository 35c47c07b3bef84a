package dev.serval.engine.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The scanners cut as {@code java.util.regex} does with the published expressions. */
class PreTokenizerTest {

  private static final String CONTRACTION = "'s|'t|'re|'ve|'m|'ll|'d";

  /** GPT-2's as published, without the last alternative: text between matches is the same. */
  private static final String GPT_2 =
      CONTRACTION + "| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)";

  private static final String FOLDED = "(?i:" + CONTRACTION + ")";
  private static final String LED = "[^\\r\\n\\p{L}\\p{N}]?";
  private static final String SPACES = "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
  private static final String SYMBOLS = "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*";
  private static final String UPPER = "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]";
  private static final String LOWER = "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]";

  /** A splitting with its expressions, each applied to the pieces that the one before it left. */
  record Family(String name, List<Pattern> expressions) {

    static Family of(String name, String... expressions) {
      return new Family(
          name,
          Stream.of(expressions)
              .map(e -> Pattern.compile(e, Pattern.UNICODE_CHARACTER_CLASS))
              .toList());
    }

    List<String> expected(String text) {
      List<String> pieces = List.of(text);
      for (Pattern expression : expressions) {
        List<String> finer = new ArrayList<>();
        for (String piece : pieces) {
          Matcher m = expression.matcher(piece);
          int done = 0;
          while (m.find()) {
            finer.add(piece.substring(done, m.start()));
            finer.add(m.group());
            done = m.end();
          }
          finer.add(piece.substring(done));
        }
        pieces = finer.stream().filter(p -> !p.isEmpty()).toList();
      }
      return pieces;
    }

    List<String> pieces(String text) {
      byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
      List<String> pieces = new ArrayList<>();
      PreTokenizer preTokenizer = Splitting.of("pre", name).preTokenizer();
      preTokenizer.split(
          new ScannedText(bytes),
          0,
          bytes.length,
          (from, until) ->
              pieces.add(new String(bytes, from, until - from, StandardCharsets.UTF_8)));
      return pieces;
    }
  }

  static Stream<Family> families() {
    return Stream.of(
        Family.of("gpt-2", GPT_2),
        Family.of("llama-bpe", FOLDED + "|" + LED + "\\p{L}+|\\p{N}{1,3}" + SYMBOLS + SPACES),
        Family.of("qwen2", FOLDED + "|" + LED + "\\p{L}+|\\p{N}" + SYMBOLS + SPACES),
        Family.of(
            "qwen35",
            (FOLDED + "|" + LED + "[\\p{L}\\p{M}]+|\\p{N}")
                + ("| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*" + SPACES)),
        Family.of(
            "gpt-4o",
            (LED + UPPER + "*" + LOWER + "+" + FOLDED + "?|")
                + (LED + UPPER + "+" + LOWER + "*" + FOLDED + "?")
                + ("|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*" + SPACES)),
        Family.of("starcoder", "\\p{N}", GPT_2),
        Family.of("falcon", "[\\p{P}\\$\\+<=>\\^~\\|`]+", GPT_2, "[0-9][0-9][0-9]"),
        Family.of("default", "[\\p{P}\\$\\+<=>\\^~\\|]+", GPT_2, "\\p{N}+", "[0-9][0-9][0-9]"));
  }

  /** Characters at which the expressions decide, some more often than others. */
  private static final List<String> EDGES =
      List.of(
          (" ,  ,\t,\n,\r,\r\n,\n\n,\u00A0,\u2028,\u3000,\u0085,\u001C,\u200B,',',’,/,//,\\,!,.,-,_"
                  + ",<|,|>,$,+,=,>,^,~,`,s,t,re,ve,m,ll,d,S,T,RE,vE,M,Ll,D,ſ,K,a,b,A,B,É,é,ß,İ,ı"
                  + ",ǅ,ʰ,ª,日,本,ا,ب,\u0301,\u0902,\u0940,\u20DD,0,1,2,12,345,²,½,Ⅷ,٣,😀,🏳,\uFE0F"
                  + ",\u200D,€,©,\u0000,\uE000,\u0378,\uFFFD,\uDB40\uDDEF,𝐀,𝐚,𝟘,𐐀,𐐨")
              .split(",", -1));

  private static String text(Random random) {
    StringBuilder text = new StringBuilder();
    for (int n = random.nextInt(14); n > 0; n--) {
      if (random.nextInt(20) == 0) {
        int c = random.nextInt(0x110000);
        text.appendCodePoint(c >= 0xD800 && c <= 0xDFFF ? 'x' : c);
      } else {
        String edge = EDGES.get(random.nextInt(EDGES.size()));
        text.append(edge.isEmpty() ? "," : edge);
      }
    }
    return text.toString();
  }

  @ParameterizedTest
  @MethodSource("families")
  void cutsAsTheExpressionDoes(Family family) {
    compare(family, 0, 2_000);
  }

  @ParameterizedTest
  @MethodSource("families")
  @Tag("nightly")
  void cutsManyTextsAsTheExpressionDoes(Family family) {
    compare(family, 2_000, 200_000);
  }

  private static void compare(Family family, long firstSeed, long untilSeed) {
    for (long seed = firstSeed; seed < untilSeed; seed++) {
      String text = text(new Random(seed));
      List<String> pieces = family.pieces(text);
      if (!pieces.equals(family.expected(text))) {
        assertEquals(family.expected(text), pieces, "seed " + seed + ": " + escaped(text));
      }
    }
  }

  private static String escaped(String text) {
    StringBuilder s = new StringBuilder();
    text.chars().forEach(c -> s.append(String.format(c < 0x7F && c > 0x1F ? "%c" : "\\u%04X", c)));
    return s.toString();
  }

  /** All of Unicode, asked for by the expressions' names of the classes. */
  @Test
  void classesAreThoseOfTheExpressions() {
    String expressions =
        "([\\p{Lu}\\p{Lt}])|(\\p{Ll})|([\\p{Lm}\\p{Lo}])|(\\p{M})|(\\p{N})"
            + "|([\\s&&[^\\r\\n]])|([\\r\\n])|(\\p{P})|(.)";
    StringBuilder all = new StringBuilder();
    IntStream.rangeClosed(0, Character.MAX_CODE_POINT)
        .filter(c -> c < Character.MIN_SURROGATE || c > Character.MAX_SURROGATE)
        .forEach(all::appendCodePoint);
    int flags = Pattern.UNICODE_CHARACTER_CLASS | Pattern.DOTALL;
    Matcher m = Pattern.compile(expressions, flags).matcher(all);
    int[] counts = new int[10];
    while (m.find()) {
      int group = 1;
      while (m.start(group) < 0) {
        group++;
      }
      counts[group]++;
      int c = all.codePointAt(m.start());
      if (CharacterClass.of(c) != 1 << (group - 1)) {
        assertEquals(1 << (group - 1), CharacterClass.of(c), Integer.toHexString(c));
      }
    }
    assertEquals(Character.MAX_CODE_POINT + 1 - 2048, IntStream.of(counts).sum());
    assertEquals(2, counts[7]);
  }

  @Test
  void inventsAndLosesNothing() {
    for (Family family : families().toList()) {
      String text = "a".repeat(70) + "\n \n\t'S '1234567 \r\n" + "日\u0301 ".repeat(9);
      assertEquals(text, String.join("", family.pieces(text)));
      assertEquals(List.of(), family.pieces(""));
    }
  }
}
