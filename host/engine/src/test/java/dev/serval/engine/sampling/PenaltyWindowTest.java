package dev.serval.engine.sampling;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.runtime.SamplingOptions;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class PenaltyWindowTest {

  static SamplingOptions options(int lastN, float repeat, float presence, float frequency) {
    return new SamplingOptions(
        0, 0, 1, 0, lastN, repeat, presence, frequency, OptionalLong.empty());
  }

  private static PenaltyWindow window(SamplingOptions options, int... tokens) {
    PenaltyWindow w = PenaltyWindow.of(options, 10);
    for (int t : tokens) {
      w.accept(t);
    }
    return w;
  }

  @Test
  void isOffWithoutWindowOrEffect() {
    assertTrue(window(options(0, 2, 1, 1)).isOff());
    assertTrue(window(options(64, 1, 0, 0), 1, 2).isOff());
    assertFalse(window(options(64, 1.1f, 0, 0)).isOff());
    assertFalse(window(options(64, 1, 0.1f, 0)).isOff());
    assertFalse(window(options(-1, 1, 0, -0.1f)).isOff());
  }

  @Test
  void repeatDividesPositiveAndMultipliesOtherLogits() {
    PenaltyWindow w = window(options(8, 2, 0, 0), 3, 3);
    assertEquals(2f, w.penalised(3, 4));
    assertEquals(-8f, w.penalised(3, -4));
    assertEquals(0f, w.penalised(3, 0));
    assertEquals(4f, w.penalised(4, 4), "not seen");
    assertEquals(Float.NEGATIVE_INFINITY, w.penalised(3, Float.NEGATIVE_INFINITY));
  }

  @Test
  void presenceCountsOnceAndFrequencyEachTime() {
    PenaltyWindow w = window(options(8, 2, 0.5f, 0.25f), 3, 1, 3, 3);
    assertEquals(4f / 2 - 3 * 0.25f - 0.5f, w.penalised(3, 4));
    assertEquals(4f / 2 - 0.25f - 0.5f, w.penalised(1, 4));
    assertEquals(-4f * 2 - 0.75f, w.penalised(1, -4));
  }

  @Test
  void forgetsWhatLeavesTheWindow() {
    PenaltyWindow w = window(options(3, 1, 0, 1), 1, 1, 2, 3);
    assertEquals(-1f, w.penalised(1, 0), "one of two left");
    w.accept(4);
    assertEquals(0f, w.penalised(1, 0));
    assertEquals(-1f, w.penalised(2, 0));
    w.accept(4);
    w.accept(4);
    w.accept(4);
    assertEquals(-3f, w.penalised(4, 0));
    assertEquals(0f, w.penalised(3, 0));
  }

  @Test
  void minusOneNeverForgets() {
    PenaltyWindow w = window(options(-1, 1, 0, 1), 1);
    for (int i = 0; i < 5000; i++) {
      w.accept(2);
    }
    assertEquals(-1f, w.penalised(1, 0));
    assertEquals(-5000f, w.penalised(2, 0));
  }

  @Test
  void longWindowsGrow() {
    PenaltyWindow w = window(options(3000, 1, 0, 1));
    for (int i = 0; i < 3000; i++) {
      w.accept(i < 1000 ? 1 : 2);
    }
    assertEquals(-1000f, w.penalised(1, 0));
    for (int i = 0; i < 999; i++) {
      w.accept(3);
    }
    assertEquals(-1f, w.penalised(1, 0));
    assertEquals(-2000f, w.penalised(2, 0));
    w.accept(3);
    assertEquals(0f, w.penalised(1, 0));
  }
}
