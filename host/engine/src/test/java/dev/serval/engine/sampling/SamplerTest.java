package dev.serval.engine.sampling;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.serval.api.backend.Output;
import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.error.RequestRejectedException.Reason;
import dev.serval.api.runtime.SamplingOptions;
import dev.serval.engine.recall.RecallProgram;
import dev.serval.engine.sampling.Sampler.Vocabulary;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SamplerTest {

  private static final int LARGE_VOCABULARY = 262_144;
  private static final float IMPOSSIBLE = Float.NEGATIVE_INFINITY;

  private static SamplingOptions options(float temperature, int topK, float topP, float minP) {
    return new SamplingOptions(temperature, topK, topP, minP, 0, 1, 0, 0, OptionalLong.empty());
  }

  private static int sample(SamplingOptions options, float... logits) {
    return new Sampler(options, Vocabulary.of(logits.length), 1)
        .sample(MemorySegment.ofArray(logits));
  }

  /** Which tokens come out of many draws. */
  private static boolean[] drawn(SamplingOptions options, float... logits) {
    Sampler sampler = new Sampler(options, Vocabulary.of(logits.length), 7);
    boolean[] drawn = new boolean[logits.length];
    for (int i = 0; i < 500; i++) {
      drawn[sampler.sample(MemorySegment.ofArray(logits))] = true;
    }
    return drawn;
  }

  private static float[] logitsOf(double... weights) {
    float[] logits = new float[weights.length];
    for (int i = 0; i < weights.length; i++) {
      logits[i] = (float) Math.log(weights[i]);
    }
    return logits;
  }

  @Test
  void greedyTakesTheBestAndOfEqualsTheLowestId() {
    assertEquals(2, sample(SamplingOptions.GREEDY, 1, 2, 3, 0));
    assertEquals(1, sample(SamplingOptions.GREEDY, 1, 3, 3, 3));
    assertEquals(0, sample(SamplingOptions.GREEDY, -0f, 0f));
    assertEquals(3, sample(SamplingOptions.GREEDY, IMPOSSIBLE, -5, -4, -3));
    assertEquals(1, sample(options(-1, 40, 0.9f, 0), 1, 9, 2), "a negative temperature");
  }

  @Test
  void penaltiesComeBeforeTheBestIsTaken() {
    SamplingOptions penalised = PenaltyWindowTest.options(2, 2, 0, 0);
    Sampler sampler = new Sampler(penalised, Vocabulary.of(3), 1);
    MemorySegment logits = MemorySegment.ofArray(new float[] {4, 3, 1});
    assertEquals(0, sampler.sample(logits));
    sampler.accept(0);
    assertEquals(1, sampler.sample(logits), "4 / 2 < 3");
    sampler.accept(1);
    assertEquals(0, sampler.sample(logits), "4 / 2 > 3 / 2");
    sampler.accept(2);
    assertEquals(0, sampler.sample(logits), "token 0 has left the window");
    assertArrayEquals(new float[] {4, 3, 1}, logits.toArray(ValueLayout.JAVA_FLOAT), "unchanged");
  }

  @Test
  void penaltiesComeBeforeTopK() {
    SamplingOptions options = new SamplingOptions(1, 1, 1, 0, -1, 1, 2, 0, OptionalLong.empty());
    Sampler sampler = new Sampler(options, Vocabulary.of(3), 1);
    sampler.accept(0);
    for (int i = 0; i < 50; i++) {
      assertEquals(1, sampler.sample(MemorySegment.ofArray(new float[] {4, 3, 1})));
    }
  }

  @Test
  void eachStageLimitsWhatIsDrawn() {
    float[] logits = logitsOf(0.1, 0.4, 0.2, 0.3);
    assertArrayEquals(new boolean[] {true, true, true, true}, drawn(options(1, 0, 1, 0), logits));
    assertArrayEquals(new boolean[] {false, true, false, true}, drawn(options(1, 2, 1, 0), logits));
    assertArrayEquals(new boolean[] {true, true, true, true}, drawn(options(1, 9, 1, 0), logits));
    assertArrayEquals(
        new boolean[] {false, true, false, true}, drawn(options(1, 0, 0.65f, 0), logits));
    assertArrayEquals(
        new boolean[] {false, true, false, false}, drawn(options(1, 0, 0, 0), logits));
    assertArrayEquals(
        new boolean[] {false, true, false, true}, drawn(options(1, 0, 1, 0.7f), logits));
    assertArrayEquals(
        new boolean[] {false, true, true, true}, drawn(options(1, 0, 1, 0.45f), logits));
  }

  @Test
  void topPSeesProbabilitiesAmongTheTopK() {
    // Among all, 0.4 + 0.3 < 0.75; among the best two it is 4/7 < 0.75 <= 1; among three 7/9.
    float[] logits = logitsOf(0.1, 0.4, 0.2, 0.3);
    assertArrayEquals(
        new boolean[] {false, true, true, true}, drawn(options(1, 0, 0.75f, 0), logits));
    assertArrayEquals(
        new boolean[] {false, true, false, true}, drawn(options(1, 3, 0.75f, 0), logits));
  }

  @Test
  void temperatureComesAfterTheLimits() {
    // At temperature 4 all four are nearly equal and top-p 0.65 would keep three.
    float[] logits = logitsOf(0.1, 0.4, 0.2, 0.3);
    assertArrayEquals(
        new boolean[] {false, true, false, true}, drawn(options(4, 0, 0.65f, 0), logits));
    assertArrayEquals(
        new boolean[] {false, true, false, true}, drawn(options(4, 0, 1, 0.7f), logits));
  }

  @Test
  void impossibleTokensAreNeverDrawn() {
    boolean[] drawn = drawn(options(5, 0, 1, 0), IMPOSSIBLE, 0, IMPOSSIBLE, 0, IMPOSSIBLE);
    assertArrayEquals(new boolean[] {false, true, false, true, false}, drawn);
    assertEquals(2, sample(options(1, 5, 0.9f, 0.1f), IMPOSSIBLE, IMPOSSIBLE, -1e30f));
  }

  @ParameterizedTest
  @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY})
  void refusesBrokenLogits(float broken) {
    for (SamplingOptions o :
        new SamplingOptions[] {
          SamplingOptions.GREEDY, SamplingOptions.DEFAULT, options(1, 0, 1, 0), options(1, 1, 1, 0)
        }) {
      for (int at = 0; at < 3; at++) {
        float[] logits = {3, 2, 1};
        logits[at] = broken;
        RequestRejectedException e =
            assertThrows(RequestRejectedException.class, () -> sample(o, logits));
        assertEquals(Reason.NO_TOKEN, e.reason());
      }
    }
  }

  @Test
  void refusesLogitsThatLeaveNoToken() {
    RequestRejectedException e =
        assertThrows(
            RequestRejectedException.class,
            () -> sample(SamplingOptions.DEFAULT, IMPOSSIBLE, IMPOSSIBLE));
    assertEquals(Reason.NO_TOKEN, e.reason());
  }

  @Test
  void refusesLogitsOfAnotherSizeAndUnknownTokens() {
    Sampler sampler = new Sampler(SamplingOptions.GREEDY, Vocabulary.of(3), 1);
    MemorySegment four = MemorySegment.ofArray(new float[4]);
    assertThrows(IllegalArgumentException.class, () -> sampler.sample(four));
    assertThrows(IndexOutOfBoundsException.class, () -> sampler.accept(3));
    assertThrows(
        IllegalArgumentException.class,
        () -> new Sampler(SamplingOptions.GREEDY, Vocabulary.of(0), 1));
  }

  @Test
  void asksForTheBestAloneOnlyWhereTheyDecide() {
    assertEquals(new Output.Candidates(1, List.of()), output(SamplingOptions.GREEDY, 100));
    assertEquals(new Output.Candidates(40, List.of()), output(SamplingOptions.DEFAULT, 100));
    assertEquals(Output.full(), output(SamplingOptions.DEFAULT, 80));
    assertEquals(Output.full(), output(options(1, 0, 1, 0), 100));
    assertEquals(Output.full(), output(options(1, 257, 1, 0), 1000));
    SamplingOptions penalised =
        new SamplingOptions(0, 1, 1, 0, 64, 1.1f, 0, 0, OptionalLong.empty());
    assertEquals(Output.full(), output(penalised, 100));
    Vocabulary narrow = new Vocabulary(100, 99, List.of());
    assertEquals(Output.full(), new Sampler(SamplingOptions.GREEDY, narrow, 1).output());
  }

  private static Output output(SamplingOptions options, int vocabSize) {
    return new Sampler(options, Vocabulary.of(vocabSize), 1).output();
  }

  @Test
  void drawsTheSameFromTheBestAsFromAll() {
    Vocabulary vocabulary = new Vocabulary(200, 200, List.of(3, 7, 190));
    for (SamplingOptions o : List.of(SamplingOptions.GREEDY, SamplingOptions.DEFAULT)) {
      Sampler fromAll = new Sampler(o, vocabulary, 11);
      Sampler fromBest = new Sampler(o, vocabulary, 11);
      Output.Candidates asked = (Output.Candidates) fromBest.output();
      for (long seed = 0; seed < 200; seed++) {
        float[] logits = new float[200];
        Random random = new Random(seed);
        for (int i = 0; i < logits.length; i++) {
          // Few distinct values: many equal logits. The forbidden ones are often the best.
          logits[i] = random.nextInt(8) == 0 ? IMPOSSIBLE : random.nextInt(12) / 4f;
        }
        logits[(int) (seed % 2) * 4 + 3] = 5;
        int expected = fromAll.sample(MemorySegment.ofArray(logits.clone()));
        MemorySegment row = MemorySegment.ofArray(logits);
        RecallProgram.select(row, asked.k());
        assertEquals(expected, fromBest.sampleBest(row), "seed " + seed);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY})
  void refusesBestOfBrokenLogits(float logSumExp) {
    Sampler sampler = new Sampler(SamplingOptions.GREEDY, Vocabulary.of(3), 1);
    MemorySegment row = MemorySegment.ofArray(new float[] {0, 1, logSumExp});
    assertThrows(RequestRejectedException.class, () -> sampler.sampleBest(row));
  }

  @Test
  void drawsInProportion() {
    // Weights 1..8 at temperature 1; and the same through top-k 6 at temperature 0.5.
    double[] weights = {3, 1, 8, 5, 7, 2, 4, 6};
    assertTrue(chiSquare(options(1, 0, 1, 0), weights, weights) < 38, "7 degrees, 1e-6: 38.2");
    double[] sharpened = Arrays.stream(weights).map(w -> w >= 3 ? w * w : 0).toArray();
    assertTrue(chiSquare(options(0.5f, 6, 1, 0), weights, sharpened) < 35, "5 degrees, 1e-6: 35.9");
  }

  private static double chiSquare(SamplingOptions options, double[] weights, double[] expected) {
    int n = 50_000;
    Sampler sampler = new Sampler(options, Vocabulary.of(weights.length), 123);
    MemorySegment logits = MemorySegment.ofArray(logitsOf(weights));
    int[] counts = new int[weights.length];
    for (int i = 0; i < n; i++) {
      counts[sampler.sample(logits)]++;
    }
    double total = Arrays.stream(expected).sum();
    double chiSquare = 0;
    for (int i = 0; i < counts.length; i++) {
      double e = n * expected[i] / total;
      if (e == 0) {
        assertEquals(0, counts[i]);
      } else {
        chiSquare += (counts[i] - e) * (counts[i] - e) / e;
      }
    }
    return chiSquare;
  }

  private static MemorySegment largeLogits(long seed) {
    Random random = new Random(seed);
    float[] logits = new float[LARGE_VOCABULARY];
    for (int i = 0; i < logits.length; i++) {
      logits[i] = (float) (3 * random.nextGaussian());
    }
    return MemorySegment.ofArray(logits);
  }

  private static int[] run(SamplingOptions options, long seed) {
    Sampler sampler = new Sampler(options, Vocabulary.of(LARGE_VOCABULARY), seed);
    MemorySegment logits = largeLogits(5);
    return IntStream.range(0, 20)
        .map(i -> {
          int token = sampler.sample(logits);
          sampler.accept(token);
          return token;
        })
        .toArray();
  }

  @Test
  void equalSeedsGiveEqualTokens() {
    assertArrayEquals(run(SamplingOptions.DEFAULT, 9), run(SamplingOptions.DEFAULT, 9));
    assertFalse(Arrays.equals(run(SamplingOptions.DEFAULT, 9), run(SamplingOptions.DEFAULT, 10)));
    assertEquals(9, new Sampler(SamplingOptions.DEFAULT, Vocabulary.of(4), 9).seed());
  }

  @Test
  void findsTheBestOfLargeVocabulary() {
    MemorySegment logits = largeLogits(1);
    float[] copy = logits.toArray(ValueLayout.JAVA_FLOAT);
    int best = IntStream.range(0, copy.length).reduce(0, (a, b) -> copy[b] > copy[a] ? b : a);

    assertEquals(
        best,
        new Sampler(SamplingOptions.GREEDY, Vocabulary.of(LARGE_VOCABULARY), 1).sample(logits));
    assertEquals(
        best, new Sampler(options(1, 1, 1, 0), Vocabulary.of(LARGE_VOCABULARY), 1).sample(logits));
    assertEquals(
        best, new Sampler(options(1, 0, 0, 0), Vocabulary.of(LARGE_VOCABULARY), 1).sample(logits));
  }

  @Test
  void allocatesNothingPerToken() {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    SamplingOptions all =
        new SamplingOptions(0.8f, 0, 0.9f, 0.01f, 64, 1.1f, 0.1f, 0.1f, OptionalLong.empty());
    for (SamplingOptions o :
        new SamplingOptions[] {SamplingOptions.DEFAULT, SamplingOptions.GREEDY, all}) {
      Sampler sampler = new Sampler(o, Vocabulary.of(4096), 1);
      MemorySegment logits = largeLogits(3).asSlice(0, 4096 * Float.BYTES);
      for (int i = 0; i < 20; i++) {
        sampler.accept(sampler.sample(logits));
      }
      long before = threads.getCurrentThreadAllocatedBytes();
      for (int i = 0; i < 100; i++) {
        sampler.accept(sampler.sample(logits));
      }
      long allocated = threads.getCurrentThreadAllocatedBytes() - before;
      assertTrue(allocated < 4096, allocated + " bytes in 100 tokens");
    }
  }
}
