package dev.serval.engine.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StopFilterTest {

  /** Pieces, stops and outputs are separated by {@code /}; the last output is that of flush. */
  @ParameterizedTest
  @CsvSource({
    "STOP, hello/ world, hello/ world/, false",
    "STOP, hello STOP world, hello /, true",
    "STOP, abST/OP, ab//, true",
    "STOP, abST/ART, ab/START/, false",
    "STOP, abST, ab/ST, false",
    "STOP, S/T/O/P, ////, true",
    "STOP, SSTOP, S/, true",
    "STOP, STOPmore/again, //, true",
    "abab, xaba/c, x/abac/, false",
    "abab, xaba/bab, x//, true",
    "aab, aaaa/b, aa//, true",
    "END/STOP, aSTO/xEN/D, a/STOx//, true",
    "bc/abcd, abc, a/, true",
    "c/bc, abc, a/, true",
  })
  void showsWhatIsCertain(String stops, String pieces, String expected, boolean matched) {
    StopFilter filter = new StopFilter(List.of(stops.split("/")));
    List<String> shown = new ArrayList<>();
    for (String piece : pieces.split("/")) {
      shown.add(appended(filter, piece));
    }
    assertEquals(matched, filter.matched());
    shown.add(flushed(filter));

    assertEquals(expected, String.join("/", shown));
  }

  @Test
  void withoutStopsNothingIsHeld() {
    StopFilter filter = new StopFilter(List.of());
    assertEquals("anything", appended(filter, "anything"));
    assertEquals("", flushed(filter));
  }

  @Test
  void refusesEmptyStop() {
    assertThrows(IllegalArgumentException.class, () -> new StopFilter(List.of("a", "")));
  }

  @Test
  void piecesDoNotMatter() {
    for (long seed = 0; seed < 1000; seed++) {
      Random random = new Random(seed);
      List<String> stops = List.of(letters(random, 3), letters(random, 5), letters(random, 4));
      String text = letters(random, 40);
      StopFilter whole = new StopFilter(stops);
      String expected = appended(whole, text) + flushed(whole);

      StopFilter cut = new StopFilter(stops);
      StringBuilder shown = new StringBuilder();
      for (int at = 0; at < text.length(); ) {
        int end = Math.min(text.length(), at + 1 + random.nextInt(4));
        cut.append(text.substring(at, end), shown);
        assertTrue(text.startsWith(shown.toString()));
        at = end;
      }
      cut.flush(shown);

      assertEquals(expected, shown.toString(), "seed " + seed + ", stops " + stops);
      assertEquals(whole.matched(), cut.matched());
      assertEquals(stops.stream().anyMatch(text::contains), whole.matched());
      assertTrue(stops.stream().noneMatch(expected::contains));
    }
  }

  private static String appended(StopFilter filter, String text) {
    StringBuilder shown = new StringBuilder();
    filter.append(text, shown);
    return shown.toString();
  }

  private static String flushed(StopFilter filter) {
    StringBuilder shown = new StringBuilder();
    filter.flush(shown);
    return shown.toString();
  }

  private static String letters(Random random, int most) {
    StringBuilder s = new StringBuilder();
    for (int n = 1 + random.nextInt(most); n > 0; n--) {
      s.append((char) ('a' + random.nextInt(2)));
    }
    return s.toString();
  }
}
