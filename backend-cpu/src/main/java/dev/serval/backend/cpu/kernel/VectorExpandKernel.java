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
import static jdk.incubator.vector.VectorOperators.ROL;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * Expands words of a packed tile to F32 [inputs, 32], as a part of wider rows if wanted, without
 * scales: what the tiled matrix product reads for all rows of activations, and the small integers
 * that scale groups of them.
 */
final class VectorExpandKernel {

  /** The bits of a float that a code of {@link Codes#BIASED_8} is put in. */
  static final int FRACTION = 0x7f8000;

  /** The bits of 1f. */
  static final int ONE = 0x3f800000;

  private VectorExpandKernel() {}

  static void f16(MemorySegment w, long from, int words, float[] panel, int to, int width) {
    for (int i = 0; i < words; i++) {
      for (int c = 0; c < WORD_ROW; c += BYTES) {
        long at = from + (long) i * WORD_ROW + c;
        int out = to + 2 * i * width + c / 4;
        IntVector word = IntVector.fromMemorySegment(INTS, w, at, ORDER);
        IntVector v = word.lanewise(ASHR, 3).and(HALF_BITS);
        IntVector full = v.and(HALF_EXPONENT).sub(HALF_EXPONENT).lanewise(ASHR, 31).not();
        v = v.reinterpretAsFloats().mul(Halves.REBIAS).reinterpretAsInts();
        v.or(full.and(Halves.INFINITY)).reinterpretAsFloats().intoArray(panel, out);
        v = word.lanewise(LSHL, 16).lanewise(ASHR, 3).and(HALF_BITS);
        full = v.and(HALF_EXPONENT).sub(HALF_EXPONENT).lanewise(ASHR, 31).not();
        v = v.reinterpretAsFloats().mul(Halves.REBIAS).reinterpretAsInts();
        v.or(full.and(Halves.INFINITY)).reinterpretAsFloats().intoArray(panel, out + width);
      }
    }
  }

  static void f32(MemorySegment w, long from, int words, float[] panel, int to, int width) {
    for (int i = 0; i < words; i++) {
      for (int c = 0; c < WORD_ROW; c += BYTES) {
        FloatVector.fromMemorySegment(FLOATS, w, from + (long) i * WORD_ROW + c, ORDER)
            .intoArray(panel, to + i * width + c / 4);
      }
    }
  }

  static void bf16(MemorySegment w, long from, int words, float[] panel, int to, int width) {
    for (int i = 0; i < words; i++) {
      for (int c = 0; c < WORD_ROW; c += BYTES) {
        long at = from + (long) i * WORD_ROW + c;
        IntVector v = IntVector.fromMemorySegment(INTS, w, at, ORDER);
        int out = to + 2 * i * width + c / 4;
        v.and(0xffff0000).reinterpretAsFloats().intoArray(panel, out);
        v.lanewise(LSHL, 16).reinterpretAsFloats().intoArray(panel, out + width);
      }
    }
  }

  /**
   * Expands n codes of 32 rows from byte {@code from} on to F32 from element {@code to} on.
   *
   * @param n number of codes, whole spans
   * @param width elements from the codes of an input to those of the next
   */
  static void codes(
      Codes codes, MemorySegment w, long from, int n, float[] panel, int to, int width) {
    int words = codes.words(n);
    switch (codes) {
      case SIGNED_2 -> q2(w, from, words, panel, to, width);
      case SIGNED_3 -> q3(w, from, words / 3, panel, to, width);
      case SIGNED_4 -> q4(w, from, words, panel, to, width);
      case SIGNED_5 -> q5(w, from, words / 5, panel, to, width);
      case SIGNED_6 -> q6(w, from, words / 3, panel, to, width);
      case SIGNED_8 -> q8(w, from, words, panel, to, width);
      case BIASED_8 -> biased(w, from, words, panel, to, width);
      case E2M1 -> {
        if (LENGTH == 16) {
          table(VectorCodecKernel.E2M1, w, from, words, panel, to, width);
        } else {
          mxfp4Narrow(w, from, words, panel, to, width);
        }
      }
      case NON_LINEAR -> {
        if (LENGTH == 16) {
          table(VectorCodecKernel.NON_LINEAR, w, from, words, panel, to, width);
        } else {
          nonLinearNarrow(w, from, words, panel, to, width);
        }
      }
    }
  }

  /** 4 codes per word. */
  private static void q8(MemorySegment w, long from, int words, float[] panel, int to, int width) {
    for (int g = 0; g < words; g++) {
      for (int c = 0; c < WORD_ROW; c += BYTES) {
        long word = from + (long) g * WORD_ROW + c;
        int out = to + 4 * g * width + c / 4;
        IntVector v = IntVector.fromMemorySegment(INTS, w, word, ORDER);
        ((FloatVector) v.lanewise(ASHR, 24).convertShape(I2F, FLOATS, 0)).intoArray(panel, out);
        ((FloatVector) v.lanewise(LSHL, 8).lanewise(ASHR, 24).convertShape(I2F, FLOATS, 0))
            .intoArray(panel, out + width);
        ((FloatVector) v.lanewise(LSHL, 16).lanewise(ASHR, 24).convertShape(I2F, FLOATS, 0))
            .intoArray(panel, out + 2 * width);
        ((FloatVector) v.lanewise(LSHL, 24).lanewise(ASHR, 24).convertShape(I2F, FLOATS, 0))
            .intoArray(panel, out + 3 * width);
      }
    }
  }

  /** 4 codes per word, each the fraction of a float between 1 and 2. */
  private static void biased(
      MemorySegment w, long from, int words, float[] panel, int to, int width) {
    for (int g = 0; g < words; g++) {
      for (int c = 0; c < WORD_ROW; c += BYTES) {
        long word = from + (long) g * WORD_ROW + c;
        int out = to + 4 * g * width + c / 4;
        IntVector v = IntVector.fromMemorySegment(INTS, w, word, ORDER);
        v.lanewise(LSHR, 8).and(FRACTION).or(ONE).reinterpretAsFloats().intoArray(panel, out);
        v.and(FRACTION).or(ONE).reinterpretAsFloats().intoArray(panel, out + width);
        v.lanewise(LSHL, 8)
            .and(FRACTION)
            .or(ONE)
            .reinterpretAsFloats()
            .intoArray(panel, out + 2 * width);
        v.lanewise(ROL, 16)
            .and(FRACTION)
            .or(ONE)
            .reinterpretAsFloats()
            .intoArray(panel, out + 3 * width);
      }
    }
  }

  /** 8 codes per word. */
  private static void q4(MemorySegment w, long from, int words, float[] panel, int to, int width) {
    for (int g = 0; g < words; g++) {
      for (int c = 0; c < WORD_ROW; c += BYTES) {
        long word = from + (long) g * WORD_ROW + c;
        IntVector v = IntVector.fromMemorySegment(INTS, w, word, ORDER);
        for (int k = 8 * g; k < 8 * g + 8; k++) {
          int out = to + k * width + c / 4;
          ((FloatVector) v.lanewise(ASHR, 28).convertShape(I2F, FLOATS, 0)).intoArray(panel, out);
          v = v.lanewise(LSHL, 4);
        }
      }
    }
  }

  /** 16 codes per word. */
  private static void q2(MemorySegment w, long from, int words, float[] panel, int to, int width) {
    for (int g = 0; g < words; g++) {
      for (int c = 0; c < WORD_ROW; c += BYTES) {
        long word = from + (long) g * WORD_ROW + c;
        IntVector v = IntVector.fromMemorySegment(INTS, w, word, ORDER);
        for (int k = 16 * g; k < 16 * g + 16; k++) {
          int out = to + k * width + c / 4;
          ((FloatVector) v.lanewise(ASHR, 30).convertShape(I2F, FLOATS, 0)).intoArray(panel, out);
          v = v.lanewise(LSHL, 2);
        }
      }
    }
  }

  /** 32 codes in 3 words. */
  private static void q3(MemorySegment w, long from, int spans, float[] panel, int to, int width) {
    for (int u = 0; u < spans; u++) {
      for (int c = 0; c < WORD_ROW; c += BYTES) {
        IntVector r = IntVector.zero(INTS);
        for (int g = 0; g < 3; g++) {
          long word = from + (3L * u + g) * WORD_ROW + c;
          IntVector v = IntVector.fromMemorySegment(INTS, w, word, ORDER);
          for (int k = 10 * g; k < 10 * g + 10; k++) {
            ((FloatVector) v.lanewise(ASHR, 29).convertShape(I2F, FLOATS, 0))
                .intoArray(panel, to + (32 * u + k) * width + c / 4);
            v = v.lanewise(LSHL, 3);
          }
          r = r.lanewise(LSHR, 2).or(v);
        }
        for (int k = 30; k < 32; k++) {
          ((FloatVector) r.lanewise(ASHR, 29).convertShape(I2F, FLOATS, 0))
              .intoArray(panel, to + (32 * u + k) * width + c / 4);
          r = r.lanewise(LSHL, 3);
        }
      }
    }
  }

  /** 32 codes in 5 words. */
  private static void q5(MemorySegment w, long from, int spans, float[] panel, int to, int width) {
    for (int u = 0; u < spans; u++) {
      for (int c = 0; c < WORD_ROW; c += BYTES) {
        IntVector r = IntVector.zero(INTS);
        for (int g = 0; g < 5; g++) {
          long word = from + (5L * u + g) * WORD_ROW + c;
          IntVector v = IntVector.fromMemorySegment(INTS, w, word, ORDER);
          for (int k = 6 * g; k < 6 * g + 6; k++) {
            ((FloatVector) v.lanewise(ASHR, 27).convertShape(I2F, FLOATS, 0))
                .intoArray(panel, to + (32 * u + k) * width + c / 4);
            v = v.lanewise(LSHL, 5);
          }
          r = r.lanewise(LSHR, 2).or(v);
        }
        for (int k = 30; k < 32; k++) {
          ((FloatVector) r.lanewise(ASHR, 27).convertShape(I2F, FLOATS, 0))
              .intoArray(panel, to + (32 * u + k) * width + c / 4);
          r = r.lanewise(LSHL, 5);
        }
      }
    }
  }

  /** 16 codes in 3 words. */
  private static void q6(MemorySegment w, long from, int spans, float[] panel, int to, int width) {
    for (int u = 0; u < spans; u++) {
      for (int c = 0; c < WORD_ROW; c += BYTES) {
        IntVector r = IntVector.zero(INTS);
        for (int g = 0; g < 3; g++) {
          long word = from + (3L * u + g) * WORD_ROW + c;
          IntVector v = IntVector.fromMemorySegment(INTS, w, word, ORDER);
          for (int k = 5 * g; k < 5 * g + 5; k++) {
            ((FloatVector) v.lanewise(ASHR, 26).convertShape(I2F, FLOATS, 0))
                .intoArray(panel, to + (16 * u + k) * width + c / 4);
            v = v.lanewise(LSHL, 6);
          }
          r = r.lanewise(LSHR, 2).or(v);
        }
        for (int k = 15; k < 16; k++) {
          ((FloatVector) r.lanewise(ASHR, 26).convertShape(I2F, FLOATS, 0))
              .intoArray(panel, to + (16 * u + k) * width + c / 4);
          r = r.lanewise(LSHL, 6);
        }
      }
    }
  }

  /** For vectors of 16 floats, that hold the values of all codes; {@code values} are F32 bits. */
  private static void table(
      int[] values, MemorySegment w, long from, int words, float[] panel, int to, int width) {
    IntVector table = IntVector.fromArray(INTS, values, 0);
    for (int g = 0; g < words; g++) {
      for (int c = 0; c < WORD_ROW; c += BYTES) {
        long word = from + (long) g * WORD_ROW + c;
        IntVector v = IntVector.fromMemorySegment(INTS, w, word, ORDER);
        for (int k = 8 * g; k < 8 * g + 8; k++) {
          int out = to + k * width + c / 4;
          v.lanewise(LSHR, 28).selectFrom(table).reinterpretAsFloats().intoArray(panel, out);
          v = v.lanewise(LSHL, 4);
        }
      }
    }
  }

  /** For narrower vectors, as in {@link VectorSumsKernel}. */
  private static void mxfp4Narrow(
      MemorySegment w, long from, int words, float[] panel, int to, int width) {
    for (int g = 0; g < words; g++) {
      for (int c = 0; c < WORD_ROW; c += BYTES) {
        long word = from + (long) g * WORD_ROW + c;
        IntVector v = IntVector.fromMemorySegment(INTS, w, word, ORDER);
        for (int k = 8 * g; k < 8 * g + 8; k++) {
          int out = to + k * width + c / 4;
          IntVector magnitude = v.lanewise(LSHR, 28).and(7);
          IntVector bits = magnitude.lanewise(LSHL, 22).add(E2M1_ONE);
          IntVector tiny = magnitude.neg().and(E2M1_ONE);
          IntVector isTiny = magnitude.sub(2).lanewise(ASHR, 31);
          bits = bits.lanewise(BITWISE_BLEND, tiny, isTiny).or(v.and(0x80000000));
          bits.reinterpretAsFloats().intoArray(panel, out);
          v = v.lanewise(LSHL, 4);
        }
      }
    }
  }

  /** For narrower vectors, as in {@link VectorSumsKernel}. */
  private static void nonLinearNarrow(
      MemorySegment w, long from, int words, float[] panel, int to, int width) {
    for (int g = 0; g < words; g++) {
      for (int c = 0; c < WORD_ROW; c += BYTES) {
        long word = from + (long) g * WORD_ROW + c;
        IntVector v = IntVector.fromMemorySegment(INTS, w, word, ORDER);
        for (int k = 8 * g; k < 8 * g + 8; k++) {
          int out = to + k * width + c / 4;
          IntVector four = v.lanewise(LSHR, 30).selectFrom(NON_LINEAR_BYTES);
          four = four.lanewise(LSHL, v.lanewise(LSHR, 25).and(24)).lanewise(ASHR, 24);
          ((FloatVector) four.convertShape(I2F, FLOATS, 0)).intoArray(panel, out);
          v = v.lanewise(LSHL, 4);
        }
      }
    }
  }
}
