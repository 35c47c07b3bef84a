package dev.serval.backend.cpu.kernel;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Reductions in 16 interleaved parts that are joined pairwise: part i with part i + 8, then with i
 * + 4, i + 2, i + 1. Parts are passed over with a stride instead of kept in an array.
 */
final class Sums {

  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

  /** Number of parts. */
  static final int PARTS = 16;

  private Sums() {}

  /**
   * Σ x of a group of inputs: four chains, element i in chain i mod 4, joined pairwise. Not in
   * {@link #PARTS} parts, since a group has 16 or 32 elements.
   *
   * @param at byte of the first element
   * @param n elements, a multiple of 4
   */
  static float ofGroup(MemorySegment x, long at, int n) {
    float a = 0;
    float b = 0;
    float c = 0;
    float d = 0;
    for (long i = at; i < at + 4L * n; i += 16) {
      a += x.get(FLOAT, i);
      b += x.get(FLOAT, i + 4);
      c += x.get(FLOAT, i + 8);
      d += x.get(FLOAT, i + 12);
    }
    return (a + b) + (c + d);
  }

  /** Σ x. */
  static float plain(MemorySegment x, long offset, int n) {
    return plain(x, offset, n, 0, 1);
  }

  private static float plain(MemorySegment x, long offset, int n, int part, int width) {
    if (width < PARTS) {
      return plain(x, offset, n, part, 2 * width) + plain(x, offset, n, part + width, 2 * width);
    }
    float sum = 0;
    for (int i = part; i < n; i += PARTS) {
      sum += x.get(FLOAT, 4 * (offset + i));
    }
    return sum;
  }

  /** Σ (x − center)². */
  static float squaredDistances(MemorySegment x, long offset, int n, float center) {
    return squaredDistances(x, offset, n, center, 0, 1);
  }

  private static float squaredDistances(
      MemorySegment x, long offset, int n, float center, int part, int width) {
    if (width < PARTS) {
      return squaredDistances(x, offset, n, center, part, 2 * width)
          + squaredDistances(x, offset, n, center, part + width, 2 * width);
    }
    float sum = 0;
    for (int i = part; i < n; i += PARTS) {
      float d = x.get(FLOAT, 4 * (offset + i)) - center;
      sum = Math.fma(d, d, sum);
    }
    return sum;
  }

  /** Σ x·y. */
  static float products(MemorySegment x, long xOffset, MemorySegment y, long yOffset, int n) {
    return products(x, xOffset, y, yOffset, n, 0, 1);
  }

  private static float products(
      MemorySegment x, long xOffset, MemorySegment y, long yOffset, int n, int part, int width) {
    if (width < PARTS) {
      return products(x, xOffset, y, yOffset, n, part, 2 * width)
          + products(x, xOffset, y, yOffset, n, part + width, 2 * width);
    }
    float sum = 0;
    for (int i = part; i < n; i += PARTS) {
      sum = Math.fma(x.get(FLOAT, 4 * (xOffset + i)), y.get(FLOAT, 4 * (yOffset + i)), sum);
    }
    return sum;
  }

  /** The largest element, NaN if one is NaN, −∞ if there is none. */
  static float max(MemorySegment x, long offset, int n) {
    float max = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < n; i++) {
      max = Math.max(max, x.get(FLOAT, 4 * (offset + i)));
    }
    return max;
  }
}
