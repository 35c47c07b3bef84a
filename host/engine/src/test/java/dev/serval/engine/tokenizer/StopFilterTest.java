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
      shown.add(filter.append(piece));
    }
    assertEquals(matched, filter.matched());
    shown.add(filter.flush());

    assertEquals(expected, String.join("/", shown));
  }

  @Test
  void withoutStopsNothingIsHeld() {
    StopFilter filter = new StopFilter(List.of());
    assertEquals("anything", filter.append("anything"));
    assertEquals("", filter.flush());
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
      String expected = whole.append(text) + whole.flush();

      StopFilter cut = new StopFilter(stops);
      StringBuilder shown = new StringBuilder();
      for (int at = 0; at < text.length(); ) {
        int end = Math.min(text.length(), at + 1 + random.nextInt(4));
        shown.append(cut.append(text.substring(at, end)));
        assertTrue(text.startsWith(shown.toString()));
        at = end;
      }
      shown.append(cut.flush());

      assertEquals(expected, shown.toString(), "seed " + seed + ", stops " + stops);
      assertEquals(whole.matched(), cut.matched());
      assertEquals(stops.stream().anyMatch(text::contains), whole.matched());
      assertTrue(stops.stream().noneMatch(expected::contains));
    }
  }

  private static String letters(Random random, int most) {
    StringBuilder s = new StringBuilder();
    for (int n = 1 + random.nextInt(most); n > 0; n--) {
      s.append((char) ('a' + random.nextInt(2)));
    }
    return s.toString();
  }
}
