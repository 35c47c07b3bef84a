package dev.serval.launcher;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.function.IntToLongFunction;
import org.junit.jupiter.api.Test;

class WarmUpTest {

  private static final long MILLI = 1_000_000;

  private long now;
  private int run;

  /** Warms up with runs whose times depend on how many there were before. */
  private WarmUp.Report warmUp(IntToLongFunction millis) throws InterruptedException {
    return WarmUp.repeat(() -> now += millis.applyAsLong(run++) * MILLI, () -> now);
  }

  @Test
  void takesThreeWindowsWhereNothingGetsFaster() throws InterruptedException {
    assertEquals(new WarmUp.Report(30, 3.0, true), warmUp(i -> 100));
  }

  @Test
  void takesThreeRunsThatAreLongerThanAWindow() throws InterruptedException {
    assertEquals(new WarmUp.Report(3, 12.0, true), warmUp(i -> 4000));
  }

  @Test
  void goesOnWhileRunsGetFaster() throws InterruptedException {
    WarmUp.Report report = warmUp(i -> Math.max(100, 1000 - 50 * i));
    assertTrue(report.stable());
    // the runs of 100 ms begin after the eighteenth
    assertTrue(report.runs() >= 18 + 20, report.toString());
  }

  @Test
  void isNotProlongedByAWindowThatIsSlow() throws InterruptedException {
    assertEquals(3, warmUp(i -> i == 1 ? 9000 : 2000).runs());
  }

  @Test
  void saysThatItEndedByItsLimit() throws InterruptedException {
    WarmUp.Report report = warmUp(i -> (long) (20_000 / Math.pow(1.2, i)));
    assertFalse(report.stable());
    assertTrue(report.seconds() >= 60, report.toString());
  }
}
