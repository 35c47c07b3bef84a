package dev.serval.backend.cpu.kernel;

import static dev.serval.backend.cpu.kernel.Lanes.BYTES;
import static dev.serval.backend.cpu.kernel.Lanes.FLOATS;
import static dev.serval.backend.cpu.kernel.Lanes.INTS;
import static dev.serval.backend.cpu.kernel.Lanes.LENGTH;
import static dev.serval.backend.cpu.kernel.Lanes.ORDER;
import static dev.serval.backend.cpu.kernel.Packing.WORD_ROW;
import static dev.serval.backend.cpu.kernel.VectorCodecKernel.E2M1_ONE;
import static dev.serval.backend.cpu.kernel.VectorCodecKernel.HALF_BITS;
import static dev.serval.backend.cpu.kernel.VectorCodecKernel.HALF_EXPONENT;
import static dev.serval.backend.cpu.kernel.VectorCodecKernel.NON_LINEAR_BYTES;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.BITWISE_BLEND;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.IntVector;

/**
 * Expands words of a packed tile to F32 [inputs, 32], without scales: what the tiled matrix product
 * reads for all rows of activations, and the small integers that scale groups of them.
 */
final class VectorExpandKernel {

  private VectorExpandKernel() {}

  static void f16(MemorySegment w, long from, int words, MemorySegment panel) {
    for (int i = 0; i < words; i++) {
      for (int c = 0; c < WORD_ROW; c += BYTES) {
        long at = from + (long) i * WORD_ROW + c;
        long to = 2L * i * WORD_ROW + c;
        IntVector word = IntVector.fromMemorySegment(INTS, w, at, ORDER);
        IntVector v = word.lanewise(ASHR, 3).and(HALF_BITS);
        IntVector full = v.and(HALF_EXPONENT).sub(HALF_EXPONENT).lanewise(ASHR, 31).not();
        v = v.reinterpretAsFloats().mul(Halves.REBIAS).reinterpretAsInts();
        v.or(full.and(Halves.INFINITY)).intoMemorySegment(panel, to, ORDER);
        v = word.lanewise(LSHL, 16).lanewise(ASHR, 3).and(HALF_BITS);
        full = v.and(HALF_EXPONENT).sub(HALF_EXPONENT).lanewise(ASHR, 31).not();
        v = v.reinterpretAsFloats().mul(Halves.REBIAS).reinterpretAsInts();
        v.or(full.and(Halves.INFINITY)).intoMemorySegment(panel, to + WORD_ROW, ORDER);
      }
    }
  }

  static void bf16(MemorySegment w, long from, int words, MemorySegment panel) {
    for (int i = 0; i < words; i++) {
      for (int c = 0; c < WORD_ROW; c += BYTES) {
        long at = from + (long) i * WORD_ROW + c;
        IntVector v = IntVector.fromMemorySegment(INTS, w, at, ORDER);
        long to = 2L * i * WORD_ROW + c;
        v.and(0xffff0000).intoMemorySegment(panel, to, ORDER);
        v.lanewise(LSHL, 16).intoMemorySegment(panel, to + WORD_ROW, ORDER);
      }
    }
  }

  /**
   * Expands n codes from byte {@code from} on to F32 from byte {@code to} on.
   *
   * @param n number of codes, whole spans
   */
  static void codes(Codes codes, MemorySegment w, long from, int n, MemorySegment panel, long to) {
    int words = codes.words(n);
    switch (codes) {
      case SIGNED_2 -> q2(w, from, words, panel, to);
      case SIGNED_3 -> q3(w, from, words / 3, panel, to);
      case SIGNED_4 -> q4(w, from, words, panel, to);
      case SIGNED_5 -> q5(w, from, words / 5, panel, to);
      case SIGNED_6 -> q6(w, from, words / 3, panel, to);
      case SIGNED_8 -> q8(w, from, words, panel, to);
      case E2M1 -> {
        if (LENGTH == 16) {
          table(VectorCodecKernel.E2M1, w, from, words, panel, to);
        } else {
          mxfp4Narrow(w, from, words, panel, to);
        }
      }
      case NON_LINEAR -> {
        if (LENGTH == 16) {
          table(VectorCodecKernel.NON_LINEAR, w, from, words, panel, to);
        } else {
          nonLinearNarrow(w, from, words, panel, to);
        }
      }
    }
  }

  /** 4 codes per word. */
  private static void q8(MemorySegment w, long from, int words, MemorySegment panel, long to) {
    for (int g = 0; g < words; g++) {
      for (int c = 0; c < WORD_ROW; c += BYTES) {
        long word = from + (long) g * WORD_ROW + c;
        long out = to + 4L * g * WORD_ROW + c;
        IntVector v = IntVector.fromMemorySegment(INTS, w, word, ORDER);
        v.lanewise(ASHR, 24).convertShape(I2F, FLOATS, 0).intoMemorySegment(panel, out, ORDER);
        v.lanewise(LSHL, 8)
            .lanewise(ASHR, 24)
            .convertShape(I2F, FLOATS, 0)
            .intoMemorySegment(panel, out + WORD_ROW, ORDER);
        v.lanewise(LSHL, 16)
            .lanewise(ASHR, 24)
            .convertShape(I2F, FLOATS, 0)
            .intoMemorySegment(panel, out + 2 * WORD_ROW, ORDER);
        v.lanewise(LSHL, 24)
            .lanewise(ASHR, 24)
            .convertShape(I2F, FLOATS, 0)
            .intoMemorySegment(panel, out + 3 * WORD_ROW, ORDER);
      }
    }
  }

  /** 8 codes per word. */
  private static void q4(MemorySegment w, long from, int words, MemorySegment panel, long to) {
    for (int g = 0; g < words; g++) {
      for (int c = 0; c < WORD_ROW; c += BYTES) {
        long word = from + (long) g * WORD_ROW + c;
        IntVector v = IntVector.fromMemorySegment(INTS, w, word, ORDER);
        for (int k = 8 * g; k < 8 * g + 8; k++) {
          long out = to + (long) k * WORD_ROW + c;
          v.lanewise(ASHR, 28).convertShape(I2F, FLOATS, 0).intoMemorySegment(panel, out, ORDER);
          v = v.lanewise(LSHL, 4);
        }
      }
    }
  }

  /** 16 codes per word. */
  private static void q2(MemorySegment w, long from, int words, MemorySegment panel, long to) {
    for (int g = 0; g < words; g++) {
      for (int c = 0; c < WORD_ROW; c += BYTES) {
        long word = from + (long) g * WORD_ROW + c;
        IntVector v = IntVector.fromMemorySegment(INTS, w, word, ORDER);
        for (int k = 16 * g; k < 16 * g + 16; k++) {
          long out = to + (long) k * WORD_ROW + c;
          v.lanewise(ASHR, 30).convertShape(I2F, FLOATS, 0).intoMemorySegment(panel, out, ORDER);
          v = v.lanewise(LSHL, 2);
        }
      }
    }
  }

  /** 32 codes in 3 words. */
  private static void q3(MemorySegment w, long from, int spans, MemorySegment panel, long to) {
    for (int u = 0; u < spans; u++) {
      for (int c = 0; c < WORD_ROW; c += BYTES) {
        IntVector r = IntVector.zero(INTS);
        for (int g = 0; g < 3; g++) {
          long word = from + (3L * u + g) * WORD_ROW + c;
          IntVector v = IntVector.fromMemorySegment(INTS, w, word, ORDER);
          for (int k = 10 * g; k < 10 * g + 10; k++) {
            v.lanewise(ASHR, 29)
                .convertShape(I2F, FLOATS, 0)
                .intoMemorySegment(panel, to + (32L * u + k) * WORD_ROW + c, ORDER);
            v = v.lanewise(LSHL, 3);
          }
          r = r.lanewise(LSHR, 2).or(v);
        }
        for (int k = 30; k < 32; k++) {
          r.lanewise(ASHR, 29)
              .convertShape(I2F, FLOATS, 0)
              .intoMemorySegment(panel, to + (32L * u + k) * WORD_ROW + c, ORDER);
          r = r.lanewise(LSHL, 3);
        }
      }
    }
  }

  /** 32 codes in 5 words. */
  private static void q5(MemorySegment w, long from, int spans, MemorySegment panel, long to) {
    for (int u = 0; u < spans; u++) {
      for (int c = 0; c < WORD_ROW; c += BYTES) {
        IntVector r = IntVector.zero(INTS);
        for (int g = 0; g < 5; g++) {
          long word = from + (5L * u + g) * WORD_ROW + c;
          IntVector v = IntVector.fromMemorySegment(INTS, w, word, ORDER);
          for (int k = 6 * g; k < 6 * g + 6; k++) {
            v.lanewise(ASHR, 27)
                .convertShape(I2F, FLOATS, 0)
                .intoMemorySegment(panel, to + (32L * u + k) * WORD_ROW + c, ORDER);
            v = v.lanewise(LSHL, 5);
          }
          r = r.lanewise(LSHR, 2).or(v);
        }
        for (int k = 30; k < 32; k++) {
          r.lanewise(ASHR, 27)
              .convertShape(I2F, FLOATS, 0)
              .intoMemorySegment(panel, to + (32L * u + k) * WORD_ROW + c, ORDER);
          r = r.lanewise(LSHL, 5);
        }
      }
    }
  }

  /** 16 codes in 3 words. */
  private static void q6(MemorySegment w, long from, int spans, MemorySegment panel, long to) {
    for (int u = 0; u < spans; u++) {
      for (int c = 0; c < WORD_ROW; c += BYTES) {
        IntVector r = IntVector.zero(INTS);
        for (int g = 0; g < 3; g++) {
          long word = from + (3L * u + g) * WORD_ROW + c;
          IntVector v = IntVector.fromMemorySegment(INTS, w, word, ORDER);
          for (int k = 5 * g; k < 5 * g + 5; k++) {
            v.lanewise(ASHR, 26)
                .convertShape(I2F, FLOATS, 0)
                .intoMemorySegment(panel, to + (16L * u + k) * WORD_ROW + c, ORDER);
            v = v.lanewise(LSHL, 6);
          }
          r = r.lanewise(LSHR, 2).or(v);
        }
        for (int k = 15; k < 16; k++) {
          r.lanewise(ASHR, 26)
              .convertShape(I2F, FLOATS, 0)
              .intoMemorySegment(panel, to + (16L * u + k) * WORD_ROW + c, ORDER);
          r = r.lanewise(LSHL, 6);
        }
      }
    }
  }

  /** For vectors of 16 floats, that hold the values of all codes; {@code values} are F32 bits. */
  private static void table(
      int[] values, MemorySegment w, long from, int words, MemorySegment panel, long to) {
    IntVector table = IntVector.fromArray(INTS, values, 0);
    for (int g = 0; g < words; g++) {
      for (int c = 0; c < WORD_ROW; c += BYTES) {
        long word = from + (long) g * WORD_ROW + c;
        IntVector v = IntVector.fromMemorySegment(INTS, w, word, ORDER);
        for (int k = 8 * g; k < 8 * g + 8; k++) {
          long out = to + (long) k * WORD_ROW + c;
          v.lanewise(LSHR, 28).selectFrom(table).intoMemorySegment(panel, out, ORDER);
          v = v.lanewise(LSHL, 4);
        }
      }
    }
  }

  /** For narrower vectors, as in {@link VectorSumsKernel}. */
  private static void mxfp4Narrow(
      MemorySegment w, long from, int words, MemorySegment panel, long to) {
    for (int g = 0; g < words; g++) {
      for (int c = 0; c < WORD_ROW; c += BYTES) {
        long word = from + (long) g * WORD_ROW + c;
        IntVector v = IntVector.fromMemorySegment(INTS, w, word, ORDER);
        for (int k = 8 * g; k < 8 * g + 8; k++) {
          long out = to + (long) k * WORD_ROW + c;
          IntVector magnitude = v.lanewise(LSHR, 28).and(7);
          IntVector bits = magnitude.lanewise(LSHL, 22).add(E2M1_ONE);
          IntVector tiny = magnitude.neg().and(E2M1_ONE);
          IntVector isTiny = magnitude.sub(2).lanewise(ASHR, 31);
          bits = bits.lanewise(BITWISE_BLEND, tiny, isTiny).or(v.and(0x80000000));
          bits.intoMemorySegment(panel, out, ORDER);
          v = v.lanewise(LSHL, 4);
        }
      }
    }
  }

  /** For narrower vectors, as in {@link VectorSumsKernel}. */
  private static void nonLinearNarrow(
      MemorySegment w, long from, int words, MemorySegment panel, long to) {
    for (int g = 0; g < words; g++) {
      for (int c = 0; c < WORD_ROW; c += BYTES) {
        long word = from + (long) g * WORD_ROW + c;
        IntVector v = IntVector.fromMemorySegment(INTS, w, word, ORDER);
        for (int k = 8 * g; k < 8 * g + 8; k++) {
          long out = to + (long) k * WORD_ROW + c;
          IntVector four = v.lanewise(LSHR, 30).selectFrom(NON_LINEAR_BYTES);
          four.lanewise(LSHL, v.lanewise(LSHR, 25).and(24))
              .lanewise(ASHR, 24)
              .convertShape(I2F, FLOATS, 0)
              .intoMemorySegment(panel, out, ORDER);
          v = v.lanewise(LSHL, 4);
        }
      }
    }
  }
}
