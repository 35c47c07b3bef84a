package dev.serval.backend.cpu.instruction;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.serval.backend.cpu.kernel.KernelSets;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Comparator;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class BestSelectionTest {

  @Test
  void agreesWithSorting() {
    SplittableRandom random = new SplittableRandom(5);
    for (int n = 1; n < 60; n++) {
      float[] x = new float[n];
      for (int i = 0; i < n; i++) {
        x[i] = random.nextInt(n / 3 + 1);
      }
      for (int k = 0; k <= n; k++) {
        check(x, k);
      }
    }
  }

  @Test
  void findsFiniteNumbersAmongInfinities() {
    check(new float[] {Float.NEGATIVE_INFINITY, 1, Float.NEGATIVE_INFINITY, 2, -3e38f}, 4);
  }

  /** A chunk is not passed over for a NaN in it. */
  @Test
  void findsTheBestBesideNaN() {
    float[] x = new float[2_000];
    x[700] = Float.NaN;
    x[900] = 5;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment row = arena.allocateFrom(ValueLayout.JAVA_FLOAT, x);
      MemorySegment target = arena.allocate(8, 8);
      BestSelection.select(KernelSets.best().set().rows(), row, 0, x.length, 1, target, 0, 4);
      assertEquals(900, target.get(ValueLayout.JAVA_INT, 0));
    }
  }

  private static void check(float[] x, int k) {
    int[] expected =
        IntStream.range(0, x.length)
            .boxed()
            .sorted(Comparator.<Integer, Float>comparing(i -> -x[i]).thenComparing(i -> i))
            .limit(k)
            .mapToInt(i -> i)
            .toArray();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment row = arena.allocateFrom(ValueLayout.JAVA_FLOAT, x);
      MemorySegment target = arena.allocate(8L * k + 4, 8);
      BestSelection.select(KernelSets.best().set().rows(), row, 0, x.length, k, target, 0, 4L * k);
      int[] ids = target.asSlice(0, 4L * k).toArray(ValueLayout.JAVA_INT);
      assertArrayEquals(expected, ids);
      for (int i = 0; i < k; i++) {
        float value = target.get(ValueLayout.JAVA_FLOAT, 4L * (k + i));
        assertArrayEquals(new float[] {x[ids[i]]}, new float[] {value});
      }
    }
  }
}
