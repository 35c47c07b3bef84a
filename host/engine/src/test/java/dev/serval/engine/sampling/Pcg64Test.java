package dev.serval.engine.sampling;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class Pcg64Test {

  /** Numbers of numpy 2.4.6, {@code PCG64} with its state and increment set, {@code random_raw}. */
  @ParameterizedTest
  @CsvSource({
    "0, 9b3184d7ee6bacdb 8b7b271aa4769fd4 9b4db63dfe544aab e714ba3532308667 64eaf919a9a040e2",
    "42, 86b1da1d72062b68 1304aa46c9853d39 a3670e9e0dd50358 f9090e529a7dae00 c85b9fd837996f2c",
    "-1, ee89537ecbd16900 dcbe53d8a6c852e6 561ba13ffcfd5094 76962ea43fcf9400 a2bf24c068f28d0d"
  })
  void givesTheNumbersOfTheReference(long seed, String expected) {
    Pcg64 random = new Pcg64(seed);
    long[] got = new long[5];
    Arrays.setAll(got, i -> random.nextLong());
    long[] wanted =
        Arrays.stream(expected.split(" ")).mapToLong(s -> Long.parseUnsignedLong(s, 16)).toArray();

    assertEquals(Arrays.toString(wanted), Arrays.toString(got));
  }

  @Test
  void doublesAreTheUpper53Bits() {
    assertEquals((0x86b1da1d72062b68L >>> 11) / 9007199254740992.0, new Pcg64(42).nextDouble());
  }

  @Test
  void firstNumbersOfNeighbouringSeedsAreUniform() {
    int[] counts = new int[64];
    int n = 64_000;
    for (int seed = 0; seed < n; seed++) {
      double r = new Pcg64(seed).nextDouble();
      assertTrue(r >= 0 && r < 1);
      counts[(int) (r * counts.length)]++;
    }
    double expected = (double) n / counts.length;
    double chiSquare = 0;
    for (int c : counts) {
      chiSquare += (c - expected) * (c - expected) / expected;
    }
    // 63 degrees of freedom: above 130 with probability 1e-6
    assertTrue(chiSquare < 130, "chi-square " + chiSquare);
  }
}
