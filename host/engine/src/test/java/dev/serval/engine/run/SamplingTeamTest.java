package dev.serval.engine.run;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class SamplingTeamTest {

  @Test
  void looksAtEachRowOnce() {
    AtomicIntegerArray seen = new AtomicIntegerArray(64);
    try (SamplingTeam team = new SamplingTeam("test", 4, seen::incrementAndGet)) {
      int[] expected = new int[64];
      for (int run = 0; run < 3000; run++) {
        int n = 1 + run % 64;
        team.run(n);
        for (int i = 0; i < n; i++) {
          expected[i]++;
        }
        int[] got = new int[64];
        Arrays.setAll(got, seen::get);
        assertArrayEquals(expected, got, "run " + run);
      }
    }
  }

  @Test
  void looksAtRowsSideBySide() {
    CountDownLatch both = new CountDownLatch(2);
    boolean[] met = new boolean[2];
    try (SamplingTeam team = new SamplingTeam("test", 2, i -> met[i] = meet(both))) {
      team.run(2);
    }
    assertTrue(met[0] && met[1], "each row waited for the other");
  }

  private static boolean meet(CountDownLatch both) {
    both.countDown();
    try {
      return both.await(10, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  @Test
  void leavesNoThread() {
    try (SamplingTeam team = new SamplingTeam("gone", 3, i -> {})) {
      team.run(2);
      assertEquals(2, threads());
    }
    assertEquals(0, threads());
  }

  private static long threads() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(t -> t.getName().startsWith("serval-sampler-gone-"))
        .count();
  }

  @Test
  void worksAloneWhereThereIsOneProcessor() {
    AtomicIntegerArray seen = new AtomicIntegerArray(3);
    try (SamplingTeam team = new SamplingTeam("test", 1, seen::incrementAndGet)) {
      team.run(3);
    }
    assertEquals("[1, 1, 1]", seen.toString());
  }
}
