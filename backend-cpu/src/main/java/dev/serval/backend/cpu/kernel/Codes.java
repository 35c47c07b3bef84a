package dev.serval.backend.cpu.kernel;

import static dev.serval.backend.cpu.kernel.Packing.WORD_ROW;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * How the codes of a row lie in the 32-bit words of a tile: as many as fit one after the other, the
 * first in the highest bits. Where 2 bits of each word are left over, those of all words of a span,
 * from the last word to the first, form one more word that holds the span's last codes. So no code
 * takes more than its bits, and a shift of 32-bit lanes to the right takes one out, with its sign.
 *
 * <p>Products read a code c as {@link #centre} + {@link #unit} · c. Where the centre is not 0,
 * their sums begin with −centre · Σ x, and scales are divided by the unit.
 */
enum Codes {
  /** Signed, 16 per word. */
  SIGNED_2(2, 16),
  /** Signed; 3 words hold 32, of which the last 2 in what is left over. */
  SIGNED_3(3, 32),
  /** Signed, 8 per word. */
  SIGNED_4(4, 32),
  /** Signed; 5 words hold 32, of which the last 2 in what is left over. */
  SIGNED_5(5, 32),
  /** Signed; 3 words hold 16, of which the last in what is left over. */
  SIGNED_6(6, 16),
  /** Signed, 4 per word. */
  SIGNED_8(8, 8),
  /**
   * As {@link #SIGNED_8}, made to be read as floats: 128 more, in words that are rotated right by
   * one. With a shift by a multiple of 8 a code fills bits 15 to 22 of a word; as the fraction of a
   * float between 1 and 2 it makes {@link #CENTRE} plus a 256th of the signed code.
   */
  BIASED_8(8, 8),
  /** Twice the value of an E2M1 number, by table; 8 per word. */
  E2M1(4, 32),
  /** The values of IQ4_NL and IQ4_XS, by table; 8 per word. */
  NON_LINEAR(4, 32);

  /** Values of the codes of IQ4_NL (llama.cpp ggml-common.h, kvalues_iq4nl). */
  private static final int[] NON_LINEAR_VALUES = {
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113
  };

  /** What code 0 of {@link #BIASED_8} is read as. */
  static final float CENTRE = 1.5f;

  private static final ValueLayout.OfInt WORD = ValueLayout.JAVA_INT_UNALIGNED;

  private final int bits;
  private final int span;

  Codes(int bits, int span) {
    this.bits = bits;
    this.span = span;
  }

  /** Bits of a code; also the words that 32 codes take. */
  int bits() {
    return bits;
  }

  /** Words that n codes take; n a multiple of the span. */
  int words(int n) {
    return n * bits / 32;
  }

  /** The code that is stored as 0: half the number of codes where the file's codes are unsigned. */
  int middle() {
    return switch (this) {
      case SIGNED_8, BIASED_8, E2M1, NON_LINEAR -> 0;
      default -> 1 << (bits - 1);
    };
  }

  /** What products read code 0 as. */
  float centre() {
    return this == BIASED_8 ? CENTRE : 0;
  }

  /** What products read as the distance of two codes: a power of two. */
  float unit() {
    return this == BIASED_8 ? 0x1p-8f : 1;
  }

  /** The number that a code of the file means, if {@code middle} means 0. */
  int value(int code, int middle) {
    return switch (this) {
      case E2M1 -> Halves.mxElement(code);
      case NON_LINEAR -> NON_LINEAR_VALUES[code];
      default -> code - middle;
    };
  }

  /**
   * Stores codes of one row.
   *
   * @param codes eight in each element, the first in the lowest byte; bits above a code are ignored
   * @param n number of codes, a multiple of the span
   * @param at byte of the row's first word; the next is {@link Packing#WORD_ROW} further
   */
  void pack(long[] codes, int n, MemorySegment target, long at) {
    if (bits == 8) {
      for (int i = 0; i < n / 4; i++) {
        int four = Integer.reverseBytes((int) (codes[i >> 1] >>> (32 * (i & 1))));
        int word = this == BIASED_8 ? Integer.rotateRight(four ^ 0x80808080, 1) : four;
        target.set(WORD, at + (long) i * WORD_ROW, word);
      }
      return;
    }
    int words = words(span);
    for (int first = 0; first < n; first += span) {
      int word = first / span * words;
      packSpan(codes, first, target, at + (long) word * WORD_ROW);
    }
  }

  private void packSpan(long[] codes, int first, MemorySegment target, long at) {
    int regular = 32 / bits * words(span);
    int rest = 0;
    for (int i = first + regular; i < first + span; i++) {
      int code = (int) (codes[i >> 3] >>> (8 * (i & 7))) & ((1 << bits) - 1);
      rest = (rest << bits) | code;
    }
    int taken = 32 / bits * bits;
    int mask = ((1 << bits) - 1) * 0x01010101;
    long stream = 0; // codes one after the other, the latest in the lowest bits
    int pending = 0;
    long to = at;
    for (int i = first; i < first + span; i += 4) {
      int four = Integer.reverseBytes((int) (codes[i >> 3] >>> (8 * (i & 4))));
      stream = (stream << (4 * bits)) | Integer.toUnsignedLong(Integer.compress(four, mask));
      pending += 4 * bits;
      if (pending >= taken) {
        pending -= taken;
        int word = (int) (stream >>> pending);
        if (taken < 32) {
          word = (word << 2) | (rest & 3);
          rest >>>= 2;
        }
        target.set(WORD, to, word);
        to += WORD_ROW;
      }
    }
  }

  /**
   * The number that a stored code means.
   *
   * @param at byte of the row's first word
   * @param i place of the code
   */
  int get(MemorySegment w, long at, int i) {
    if (this == BIASED_8) {
      int word = Integer.rotateLeft(w.get(WORD, at + (long) (i >> 2) * WORD_ROW), 1);
      return ((word << (8 * (i & 3))) >>> 24) - 128;
    }
    int perWord = 32 / bits;
    int words = words(span);
    // spans are powers of two
    int word = (i >> Integer.numberOfTrailingZeros(span)) * words;
    long start = at + (long) word * WORD_ROW;
    int k = i & (span - 1);
    int bitsThere;
    if (k < words * perWord) {
      int there = w.get(WORD, start + (long) (k / perWord) * WORD_ROW);
      bitsThere = there << (bits * (k % perWord));
    } else {
      int rest = 0;
      for (int g = 0; g < words; g++) {
        rest = (rest >>> 2) | (w.get(WORD, start + (long) g * WORD_ROW) << 30);
      }
      bitsThere = rest << (bits * (k - words * perWord));
    }
    return switch (this) {
      case E2M1, NON_LINEAR -> value(bitsThere >>> 28, 0);
      default -> bitsThere >> (32 - bits);
    };
  }
}
