package dev.serval.api.attention;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.serval.api.attention.RopeSpec.Yarn;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RopeSpecTest {

  /** gpt-oss: base 150000, 64 dimensions, factor 32 over 4096 tokens. */
  private static RopeSpec gptOss(boolean truncate) {
    return RopeSpec.neox(64, 150000, 32).withYarn(new Yarn(4096, 32, 1, 1, truncate));
  }

  @ParameterizedTest
  @CsvSource({
    "0, 1",
    "1, 0.68904431",
    "8, 0.05081327",
    "9, 0.03162075",
    "10, 0.01945097",
    "13, 0.00406955",
    "17, 0.00022794780",
    "18, 3.8308812e-05",
    "31, 3.0235114e-07"
  })
  void yarnBlendsFrequenciesOfGptOss(int pair, double expected) {
    // eight decimals, or eight digits below 0.001
    double rounding = expected > 1e-3 ? 5.1e-9 : expected * 2e-7;
    assertEquals(expected, gptOss(true).inverseFrequencies()[pair], rounding);
  }

  @Test
  void magnitudeOfYarnGrowsWithTheFactor() {
    assertEquals(1.3465736, gptOss(true).magnitude(), 1e-7);
    assertEquals(1, RopeSpec.neox(64, 150000, 32).magnitude());
  }

  @Test
  void exactCorrectionRangeChangesOnlyTheBlendedPairs() {
    double[] rounded = gptOss(true).inverseFrequencies();
    double[] exact = gptOss(false).inverseFrequencies();
    double[] ratios = {1.0027, 0.9940, 0.9830, 0.9685, 0.9486, 0.9194, 0.8727, 0.7858, 0.5673};
    for (int p = 0; p < 32; p++) {
      double expected = p >= 9 && p <= 17 ? ratios[p - 9] : 1;
      assertEquals(expected, exact[p] / rounded[p], 6e-5, "pair " + p);
    }
  }

  @Test
  void linearScalingDividesEveryFrequency() {
    double[] plain = RopeSpec.neox(8, 1e4, 1).inverseFrequencies();
    double[] scaled = RopeSpec.neox(8, 1e4, 8).inverseFrequencies();
    for (int p = 0; p < 4; p++) {
      assertEquals(Math.pow(1e4, -p / 4.0), plain[p], 1e-15);
      assertEquals(plain[p] / 8, scaled[p], 1e-15);
    }
  }

  @Test
  void impossibleNumbersAreRefused() {
    assertThrows(IllegalArgumentException.class, () -> RopeSpec.neox(7, 1e4, 1));
    assertThrows(IllegalArgumentException.class, () -> RopeSpec.neox(8, 0, 1));
    assertThrows(IllegalArgumentException.class, () -> RopeSpec.neox(8, 1e4, Double.NaN));
    assertThrows(IllegalArgumentException.class, () -> new Yarn(0, 32, 1, 1, true));
  }
}
