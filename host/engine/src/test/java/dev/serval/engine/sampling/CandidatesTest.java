package dev.serval.engine.sampling;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class CandidatesTest {

  /** Logits whose softmax is 0.5, 0.25, 0.125, 0.125, at tokens 2, 0, 1 and 3. */
  private static final float[] HALVES = {ln(0.25), ln(0.125), ln(0.5), ln(0.125)};

  private static float ln(double p) {
    return (float) Math.log(p);
  }

  private static Candidates of(int capacity, float... logits) {
    Candidates c = new Candidates(capacity);
    for (int i = 0; i < logits.length; i++) {
      c.add(i, logits[i]);
    }
    return c;
  }

  private static List<Integer> tokens(Candidates c) {
    return IntStream.range(0, c.size()).mapToObj(c::token).toList();
  }

  private static Candidates sorted(Candidates c) {
    c.sort();
    return c;
  }

  @Test
  void sortsByLogitThenById() {
    assertEquals(List.of(2, 0, 1, 3), tokens(sorted(of(4, HALVES))));
    assertEquals(List.of(1, 3, 0, 2), tokens(sorted(of(4, -1, 5, -1, 5))));
    assertEquals(List.of(0, 1, 2), tokens(sorted(of(3, -0f, 0, -0f))));
    float max = Float.MAX_VALUE;
    assertEquals(
        List.of(1, 2, 3, 0), tokens(sorted(of(4, -max, max, Float.MIN_VALUE, -Float.MIN_VALUE))));
  }

  @Test
  void topKeepsTheBestAndOfEqualsTheLowestIds() {
    assertEquals(List.of(2, 0), tokens(sorted(of(2, HALVES))));
    assertEquals(List.of(2, 0, 1), tokens(sorted(of(3, HALVES))));
    assertEquals(List.of(0), tokens(of(1, 7, 7, 7)));
    assertEquals(List.of(1, 2), tokens(sorted(of(2, 1, 3, 3, 3))));
  }

  @Test
  void thresholdIsTheWorstKeptOnceSomeWereDropped() {
    assertEquals(Float.NEGATIVE_INFINITY, of(2, 1, 2).threshold());
    assertEquals(2f, of(2, 1, 2, 3).threshold());
  }

  @Test
  void topPKeepsTheShortestPrefixThatReachesIt() {
    for (boolean sorted : new boolean[] {false, true}) {
      assertEquals(List.of(2), topP(0.4, sorted));
      assertEquals(List.of(2, 0), topP(0.6, sorted));
      assertEquals(List.of(2, 0), topP(0.7499, sorted));
      assertEquals(List.of(2, 0, 1), topP(0.76, sorted));
      assertEquals(List.of(2, 0, 1, 3), topP(0.9, sorted));
      assertEquals(List.of(2), topP(0, sorted), "at least one");
    }
    assertEquals(List.of(0, 1, 2, 3), topP(1, false), "off");
  }

  private static List<Integer> topP(double p, boolean sorted) {
    Candidates c = of(4, HALVES);
    if (sorted) {
      c.sort();
    }
    c.topP(p);
    return tokens(c);
  }

  @Test
  void minPKeepsWhatIsLikelyAgainstTheBest() {
    assertEquals(List.of(0, 1, 2, 3), minP(0));
    assertEquals(List.of(0, 1, 2, 3), minP(0.24));
    assertEquals(List.of(0, 2), minP(0.26));
    assertEquals(List.of(0, 2), minP(0.49));
    assertEquals(List.of(2), minP(0.51));
    assertEquals(List.of(2), minP(1));
  }

  private static List<Integer> minP(double p) {
    Candidates c = of(4, HALVES);
    c.minP(p);
    return tokens(c);
  }

  @Test
  void drawsTheFirstWhoseRunningSumExceedsTheShare() {
    Candidates c = sorted(of(4, HALVES)); // 0.5, 0.75, 0.875, 1
    assertEquals(2, c.draw(1, 0));
    assertEquals(2, c.draw(1, 0.499));
    assertEquals(0, c.draw(1, 0.501));
    assertEquals(0, c.draw(1, 0.749));
    assertEquals(1, c.draw(1, 0.751));
    assertEquals(3, c.draw(1, 0.876));
    assertEquals(3, c.draw(1, Math.nextDown(1.0)));
  }

  @Test
  void temperatureSharpensAndFlattens() {
    // Weights 4, 2, 1, 1 to the power of 1/T, best first: T = 0.5 gives 16, 4, 1, 1 of 22.
    Candidates c = sorted(of(4, HALVES));
    assertEquals(2, c.draw(0.5, 15.9 / 22));
    assertEquals(0, c.draw(0.5, 16.1 / 22));
    assertEquals(1, c.draw(0.5, 20.1 / 22));
    // T = 2 gives 2, 1.4142, 1, 1 of 5.4142.
    assertEquals(2, c.draw(2, 1.99 / 5.4142));
    assertEquals(0, c.draw(2, 2.01 / 5.4142));
    assertEquals(1, c.draw(2, 3.42 / 5.4142));
    // Almost none left: only the best can be drawn.
    assertEquals(2, c.draw(1e-30, Math.nextDown(1.0)));
  }

  @Test
  void impossibleWeightsAreNeverDrawn() {
    Candidates c = of(3, -20_000, 0, -20_000);
    assertEquals(1, c.draw(1, 0));
    assertEquals(1, c.draw(1, Math.nextDown(1.0)));
  }

  @Test
  void canBeUsedAgain() {
    Candidates c = of(2, HALVES);
    c.sort();
    c.topP(0.1);
    c.clear();
    for (int i = 0; i < 3; i++) {
      c.add(i, i);
    }
    c.sort();
    assertEquals(List.of(2, 1), tokens(c));
  }

  @Test
  void selectionEqualsSortingEverything() {
    for (long seed = 0; seed < 200; seed++) {
      Random random = new Random(seed);
      float[] logits = new float[1 + random.nextInt(200)];
      for (int i = 0; i < logits.length; i++) {
        logits[i] = random.nextInt(20) - 10; // many equals
      }
      Integer[] all = IntStream.range(0, logits.length).boxed().toArray(Integer[]::new);
      Arrays.sort(all, Comparator.comparingDouble((Integer i) -> -logits[i]));
      int k = 1 + random.nextInt(logits.length);

      Candidates c = sorted(of(k, logits));

      assertEquals(Arrays.asList(all).subList(0, k), tokens(c), "seed " + seed);
      double p = random.nextDouble();
      Candidates lazily = of(logits.length, logits);
      lazily.topP(p);
      Candidates fully = sorted(of(logits.length, logits));
      fully.topP(p);
      assertEquals(tokens(fully), tokens(lazily), "seed " + seed);
    }
  }
}
