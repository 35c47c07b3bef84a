package dev.serval.backend.cpu.kernel;

import static dev.serval.backend.cpu.kernel.Lanes.BYTES;
import static dev.serval.backend.cpu.kernel.Lanes.FLOATS;
import static dev.serval.backend.cpu.kernel.Lanes.INTS;
import static dev.serval.backend.cpu.kernel.Lanes.ORDER;
import static dev.serval.backend.cpu.kernel.PackedMatrix.BLOCK;
import static dev.serval.backend.cpu.kernel.Packing.SCALES;
import static dev.serval.backend.cpu.kernel.Packing.WORD_ROW;
import static dev.serval.backend.cpu.kernel.VectorCodecKernel.E2M1;
import static dev.serval.backend.cpu.kernel.VectorCodecKernel.E2M1_ONE;
import static dev.serval.backend.cpu.kernel.VectorCodecKernel.HALF_BITS;
import static dev.serval.backend.cpu.kernel.VectorCodecKernel.HALF_EXPONENT;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.BITWISE_BLEND;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.IntVector;

/**
 * Expands some blocks of a packed tile to F32 [inputs, 32], without their scales, and the scales
 * [blocks, 32]: what the tiled matrix product reads for all rows of activations.
 */
final class VectorExpandKernel {

  private VectorExpandKernel() {}

  static void f16(MemorySegment w, long tile, int fromWord, int words, MemorySegment panel) {
    for (int i = 0; i < words; i++) {
      for (int c = 0; c < WORD_ROW; c += BYTES) {
        long at = tile + (long) (fromWord + i) * WORD_ROW + c;
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

  static void bf16(MemorySegment w, long tile, int fromWord, int words, MemorySegment panel) {
    for (int i = 0; i < words; i++) {
      for (int c = 0; c < WORD_ROW; c += BYTES) {
        long at = tile + (long) (fromWord + i) * WORD_ROW + c;
        IntVector v = IntVector.fromMemorySegment(INTS, w, at, ORDER);
        long to = 2L * i * WORD_ROW + c;
        v.and(0xffff0000).intoMemorySegment(panel, to, ORDER);
        v.lanewise(LSHL, 16).intoMemorySegment(panel, to + WORD_ROW, ORDER);
      }
    }
  }

  static void q8(MemorySegment w, long tile, int from, int until, MemorySegment panel) {
    for (int b = from; b < until; b++) {
      long words = tile + SCALES + (long) b * (SCALES + 8 * WORD_ROW);
      long out = (long) (b - from) * BLOCK * WORD_ROW;
      for (int c = 0; c < WORD_ROW; c += BYTES) {
        for (int g = 0; g < 8; g++) {
          long word = words + (long) g * WORD_ROW + c;
          IntVector v = IntVector.fromMemorySegment(INTS, w, word, ORDER);
          for (int k = 4 * g; k < 4 * g + 4; k++) {
            v.lanewise(ASHR, 24)
                .convertShape(I2F, FLOATS, 0)
                .intoMemorySegment(panel, out + (long) k * WORD_ROW + c, ORDER);
            v = v.lanewise(LSHL, 8);
          }
        }
      }
    }
  }

  static void q4(MemorySegment w, long tile, int from, int until, MemorySegment panel) {
    for (int b = from; b < until; b++) {
      long words = tile + SCALES + (long) b * (SCALES + 4 * WORD_ROW);
      long out = (long) (b - from) * BLOCK * WORD_ROW;
      for (int c = 0; c < WORD_ROW; c += BYTES) {
        for (int g = 0; g < 4; g++) {
          long word = words + (long) g * WORD_ROW + c;
          IntVector v = IntVector.fromMemorySegment(INTS, w, word, ORDER);
          for (int k = 8 * g; k < 8 * g + 8; k++) {
            v.lanewise(ASHR, 28)
                .convertShape(I2F, FLOATS, 0)
                .intoMemorySegment(panel, out + (long) k * WORD_ROW + c, ORDER);
            v = v.lanewise(LSHL, 4);
          }
        }
      }
    }
  }

  /** For vectors of 16 floats, that hold the values of all codes. */
  static void mxfp4(MemorySegment w, long tile, int from, int until, MemorySegment panel) {
    for (int b = from; b < until; b++) {
      long words = tile + SCALES + (long) (b >> 1) * SCALES + (long) b * 4 * WORD_ROW;
      long out = (long) (b - from) * BLOCK * WORD_ROW;
      for (int c = 0; c < WORD_ROW; c += BYTES) {
        for (int g = 0; g < 4; g++) {
          long word = words + (long) g * WORD_ROW + c;
          IntVector v = IntVector.fromMemorySegment(INTS, w, word, ORDER);
          for (int k = 8 * g; k < 8 * g + 8; k++) {
            v.lanewise(LSHR, 28)
                .selectFrom(E2M1)
                .intoMemorySegment(panel, out + (long) k * WORD_ROW + c, ORDER);
            v = v.lanewise(LSHL, 4);
          }
        }
      }
    }
  }

  /** For narrower vectors, as in {@link VectorMatvecKernel}. */
  static void mxfp4Narrow(MemorySegment w, long tile, int from, int until, MemorySegment panel) {
    for (int b = from; b < until; b++) {
      long words = tile + SCALES + (long) (b >> 1) * SCALES + (long) b * 4 * WORD_ROW;
      long out = (long) (b - from) * BLOCK * WORD_ROW;
      for (int c = 0; c < WORD_ROW; c += BYTES) {
        for (int g = 0; g < 4; g++) {
          long word = words + (long) g * WORD_ROW + c;
          IntVector v = IntVector.fromMemorySegment(INTS, w, word, ORDER);
          for (int k = 8 * g; k < 8 * g + 8; k++) {
            IntVector magnitude = v.lanewise(LSHR, 28).and(7);
            IntVector bits = magnitude.lanewise(LSHL, 22).add(E2M1_ONE);
            IntVector tiny = magnitude.neg().and(E2M1_ONE);
            IntVector isTiny = magnitude.sub(2).lanewise(ASHR, 31);
            bits = bits.lanewise(BITWISE_BLEND, tiny, isTiny).or(v.and(0x80000000));
            bits.intoMemorySegment(panel, out + (long) k * WORD_ROW + c, ORDER);
            v = v.lanewise(LSHL, 4);
          }
        }
      }
    }
  }

  /** F16 scales of blocks {@code blockBytes} apart. */
  static void halfScales(
      MemorySegment w, long tile, int blockBytes, int from, int until, MemorySegment y, long to) {
    for (int b = from; b < until; b++) {
      for (int c = 0; c < WORD_ROW; c += BYTES) {
        long at = tile + (long) b * blockBytes + (c & (SCALES - 1));
        IntVector v = IntVector.fromMemorySegment(INTS, w, at, ORDER);
        v = v.lanewise(LSHL, 16 - 16 * (c / SCALES)).lanewise(ASHR, 3).and(HALF_BITS);
        IntVector full = v.and(HALF_EXPONENT).sub(HALF_EXPONENT).lanewise(ASHR, 31).not();
        v = v.reinterpretAsFloats().mul(Halves.REBIAS).reinterpretAsInts();
        v = v.or(full.and(Halves.INFINITY));
        v.intoMemorySegment(y, to + (long) (b - from) * WORD_ROW + c, ORDER);
      }
    }
  }

  /** Exponents of MXFP4 blocks. */
  static void mxfp4Scales(
      MemorySegment w, long tile, int from, int until, MemorySegment y, long to) {
    for (int b = from; b < until; b++) {
      for (int c = 0; c < WORD_ROW; c += BYTES) {
        long at = tile + (long) (b >> 1) * (SCALES + 8 * WORD_ROW) + (c & (SCALES - 1));
        IntVector v = IntVector.fromMemorySegment(INTS, w, at, ORDER);
        v = v.lanewise(LSHR, 16 * (b & 1) + 8 * (c / SCALES)).and(255);
        // 2^(e − 128), subnormal for e below 2; see Halves
        IntVector small = v.add(1).lanewise(LSHL, 21);
        IntVector isSmall = v.sub(2).lanewise(ASHR, 31);
        v = v.sub(1).lanewise(LSHL, 23).lanewise(BITWISE_BLEND, small, isSmall);
        v.intoMemorySegment(y, to + (long) (b - from) * WORD_ROW + c, ORDER);
      }
    }
  }
}
