package dev.serval.backend.cpu.kernel;

import dev.serval.api.tensor.DataType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * A row of activations rounded to whole numbers, for products that sum in integers: groups of
 * {@link PackedMatrix#BLOCK} elements x become q = x · (255 / m) rounded half to even, m being the
 * group's largest magnitude, so that x ≈ m / 255 · q with q in −255..255. Groups with m below 2⁻¹²⁰
 * count as zeros; with a NaN or an infinity, m / 255 is NaN and so is everything computed from it.
 *
 * <pre>
 * pairs   16 ints per group: word i holds q[8 (i / 4) + i % 4] in its upper half and
 *         q[8 (i / 4) + i % 4 + 4] in its lower half, as 16-bit numbers
 * biases  an int per group: −8 Σ q over the upper halves and over the lower ones, as 16-bit numbers
 * scales  m / 255 of each group, F32
 * sums    Σ x of each group before rounding, F32, in the order of {@link Sums#ofGroup}
 * </pre>
 *
 * <p>A pair is what a 32-bit word of packed 4-bit codes needs at a time: its upper half holds four
 * inputs, its lower half the next four. Where codes are taken as 0..15 instead of −8..7, sums that
 * start with the bias come to the same.
 */
public final class RoundedRow {

  /** Bytes of the pairs of a group. */
  static final int PAIR_BYTES = 64;

  /** Magnitudes below it are rounded to 0: 255 / m would overflow. */
  static final float SMALLEST = 0x1p-120f;

  /** Largest magnitude of a rounded element: 16 products with −8 fit 16 bits. */
  static final float MOST = 255;

  /** 1.5 · 2²³: adding it rounds to a whole number, half to even, in the low bits. */
  static final float ROUNDER = 0x1.8p23f;

  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;

  private RoundedRow() {}

  /**
   * Whether products with a type take rounded activations unless they are to be exact: those with
   * codes −8..7 and a scale per 32 of them.
   */
  public static boolean isFor(DataType type) {
    return type.isQuantized()
        && BlockFormat.of(type).group() == PackedMatrix.BLOCK
        && BlockFormat.of(type).codes() == Codes.SIGNED_4;
  }

  /** Bytes of a row; {@code in} a multiple of {@link PackedMatrix#BLOCK}. */
  public static long bytes(int in) {
    return (long) in / PackedMatrix.BLOCK * (PAIR_BYTES + 4 + 4 + 4);
  }

  /** Bytes before the biases. */
  static long biases(int in) {
    return (long) in / PackedMatrix.BLOCK * PAIR_BYTES;
  }

  /** Bytes before the scales. */
  static long scales(int in) {
    return biases(in) + 4L * (in / PackedMatrix.BLOCK);
  }

  /** Bytes before the sums. */
  static long sums(int in) {
    return scales(in) + 4L * (in / PackedMatrix.BLOCK);
  }

  /** The scale of a group with this largest magnitude. */
  static float scale(float largest) {
    if (!(largest <= Float.MAX_VALUE)) {
      return Float.NaN;
    }
    return largest < SMALLEST ? 0 : largest / MOST;
  }

  /** What elements of a group with this largest magnitude are multiplied by. */
  static float inverse(float largest) {
    return largest >= SMALLEST && largest <= Float.MAX_VALUE ? MOST / largest : 0;
  }

  /**
   * Stores 32 numbers in −255..255, ints at byte {@code from}, as pairs and their bias.
   *
   * @param at byte of the first pair
   * @param bias byte of the bias
   */
  static void pack(MemorySegment q, long from, MemorySegment row, long at, long bias) {
    int upper = 0;
    int lower = 0;
    for (int i = 0; i < 16; i++) {
      long first = from + 4L * ((i & ~3) * 2 + (i & 3));
      int a = q.get(INT, first);
      int b = q.get(INT, first + 16);
      row.set(INT, at + 4L * i, pair(a, b));
      upper += a;
      lower += b;
    }
    row.set(INT, bias, pair(-8 * upper, -8 * lower));
  }

  private static int pair(int upper, int lower) {
    return (upper << 16) | (lower & 0xffff);
  }

  /** Element {@code k} of a row at byte {@code row}, rounded. */
  static int get(MemorySegment rows, long row, int k) {
    int i = (k & 31) / 8 * 4 + (k & 3);
    int pair = rows.get(INT, row + (long) (k / 32) * PAIR_BYTES + 4L * i);
    return (k & 4) == 0 ? pair >> 16 : (short) pair;
  }
}
