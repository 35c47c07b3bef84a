package dev.serval.engine.sampling;

/**
 * The random numbers of one sequence: PCG XSL-RR 128/64 (M. E. O'Neill, "PCG: A Family of Simple
 * Fast Space-Efficient Statistically Good Algorithms for Random Number Generation", 2014), seeded
 * as its reference implementation does. Confined to one thread.
 *
 * <p>State s of 128 bits: s ← s · M + C (mod 2^128), output rotr64(high ^ low, s >>> 122).
 */
final class Pcg64 {

  // M = 47026247687942121848144207491837523525
  private static final long MULTIPLIER_HIGH = 0x2360ED051FC65DA4L;
  private static final long MULTIPLIER_LOW = 0x4385DF649FCCF645L;

  /** The stream: C = 2 · 54 + 1, the stream of the reference implementation's demonstration. */
  private static final long INCREMENT = 109;

  /** 2^−53, the distance of neighbouring results of {@link #nextDouble}. */
  private static final double DOUBLE_UNIT = 0x1p-53;

  private long high;
  private long low;

  /** Starts at a seed, of which all 64 bits count. */
  Pcg64(long seed) {
    step();
    low += seed;
    if (Long.compareUnsigned(low, seed) < 0) {
      high++;
    }
    step();
  }

  private void step() {
    long product = Math.unsignedMultiplyHigh(low, MULTIPLIER_LOW);
    high = product + high * MULTIPLIER_LOW + low * MULTIPLIER_HIGH;
    low *= MULTIPLIER_LOW;
    low += INCREMENT;
    if (Long.compareUnsigned(low, INCREMENT) < 0) {
      high++;
    }
  }

  /** The next 64 random bits. */
  long nextLong() {
    step();
    return Long.rotateRight(high ^ low, (int) (high >>> 58));
  }

  /** The next number of [0, 1): the upper 53 of 64 random bits times 2^−53. */
  double nextDouble() {
    return (nextLong() >>> 11) * DOUBLE_UNIT;
  }
}
