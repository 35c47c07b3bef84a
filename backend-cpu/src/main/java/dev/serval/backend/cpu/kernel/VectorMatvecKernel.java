package dev.serval.backend.cpu.kernel;

import static dev.serval.backend.cpu.kernel.Lanes.BYTES;
import static dev.serval.backend.cpu.kernel.Lanes.FLOAT;
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
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * One row of activations times some blocks of a tile of 32 weight rows, two vectors of rows at a
 * time; a word of weights is loaded once. The result are the sums of the blocks without their
 * scales: one method for both would exceed what the compiler inlines.
 *
 * <p>Parameters: {@code w}, {@code tile} the packed tile and its byte offset; blocks {@code from}
 * until {@code until}; {@code x}, {@code xByte} the activations [in] F32; {@code y} the sums [until
 * − from, 32] F32.
 */
final class VectorMatvecKernel {

  private VectorMatvecKernel() {}

  static void f32(
      MemorySegment w,
      long tile,
      int from,
      int until,
      int in,
      MemorySegment x,
      long xByte,
      MemorySegment y) {
    for (int b = from; b < until; b++) {
      int n = Math.min(BLOCK, in - b * BLOCK);
      long xAt = xByte + 4L * BLOCK * b;
      for (int c = 0; c < WORD_ROW; c += 2 * BYTES) {
        long at = tile + (long) b * 32 * WORD_ROW + c;
        FloatVector s0 = FloatVector.zero(FLOATS);
        FloatVector s1 = FloatVector.zero(FLOATS);
        for (int k = 0; k < n; k++) {
          FloatVector t = FloatVector.broadcast(FLOATS, x.get(FLOAT, xAt + 4L * k));
          long word = at + (long) k * WORD_ROW;
          s0 = FloatVector.fromMemorySegment(FLOATS, w, word, ORDER).fma(t, s0);
          s1 = FloatVector.fromMemorySegment(FLOATS, w, word + BYTES, ORDER).fma(t, s1);
        }
        long sum = (long) (b - from) * WORD_ROW + c;
        s0.intoMemorySegment(y, sum, ORDER);
        s1.intoMemorySegment(y, sum + BYTES, ORDER);
      }
    }
  }

  static void f16(
      MemorySegment w,
      long tile,
      int from,
      int until,
      int in,
      MemorySegment x,
      long xByte,
      MemorySegment y) {
    for (int b = from; b < until; b++) {
      int n = Math.min(BLOCK, in - b * BLOCK);
      long xAt = xByte + 4L * BLOCK * b;
      for (int c = 0; c < WORD_ROW; c += 2 * BYTES) {
        long at = tile + (long) b * 16 * WORD_ROW + c;
        FloatVector s0 = FloatVector.zero(FLOATS);
        FloatVector s1 = FloatVector.zero(FLOATS);
        for (int k = 0; k < n; k++) {
          FloatVector t = FloatVector.broadcast(FLOATS, x.get(FLOAT, xAt + 4L * k));
          long word = at + (long) (k >> 1) * WORD_ROW;
          int shift = (k & 1) << 4;
          IntVector v = IntVector.fromMemorySegment(INTS, w, word, ORDER);
          v = v.lanewise(LSHL, shift).lanewise(ASHR, 3).and(HALF_BITS);
          IntVector full = v.and(HALF_EXPONENT).sub(HALF_EXPONENT).lanewise(ASHR, 31).not();
          v = v.reinterpretAsFloats().mul(Halves.REBIAS).reinterpretAsInts();
          s0 = v.or(full.and(Halves.INFINITY)).reinterpretAsFloats().fma(t, s0);
          v = IntVector.fromMemorySegment(INTS, w, word + BYTES, ORDER);
          v = v.lanewise(LSHL, shift).lanewise(ASHR, 3).and(HALF_BITS);
          full = v.and(HALF_EXPONENT).sub(HALF_EXPONENT).lanewise(ASHR, 31).not();
          v = v.reinterpretAsFloats().mul(Halves.REBIAS).reinterpretAsInts();
          s1 = v.or(full.and(Halves.INFINITY)).reinterpretAsFloats().fma(t, s1);
        }
        long sum = (long) (b - from) * WORD_ROW + c;
        s0.intoMemorySegment(y, sum, ORDER);
        s1.intoMemorySegment(y, sum + BYTES, ORDER);
      }
    }
  }

  static void bf16(
      MemorySegment w,
      long tile,
      int from,
      int until,
      int in,
      MemorySegment x,
      long xByte,
      MemorySegment y) {
    for (int b = from; b < until; b++) {
      int n = Math.min(BLOCK, in - b * BLOCK);
      long xAt = xByte + 4L * BLOCK * b;
      for (int c = 0; c < WORD_ROW; c += 2 * BYTES) {
        long at = tile + (long) b * 16 * WORD_ROW + c;
        FloatVector s0 = FloatVector.zero(FLOATS);
        FloatVector s1 = FloatVector.zero(FLOATS);
        for (int k = 0; k < n; k++) {
          FloatVector t = FloatVector.broadcast(FLOATS, x.get(FLOAT, xAt + 4L * k));
          long word = at + (long) (k >> 1) * WORD_ROW;
          int shift = (k & 1) << 4;
          IntVector v0 = IntVector.fromMemorySegment(INTS, w, word, ORDER).lanewise(LSHL, shift);
          IntVector v1 =
              IntVector.fromMemorySegment(INTS, w, word + BYTES, ORDER).lanewise(LSHL, shift);
          s0 = v0.and(0xffff0000).reinterpretAsFloats().fma(t, s0);
          s1 = v1.and(0xffff0000).reinterpretAsFloats().fma(t, s1);
        }
        long sum = (long) (b - from) * WORD_ROW + c;
        s0.intoMemorySegment(y, sum, ORDER);
        s1.intoMemorySegment(y, sum + BYTES, ORDER);
      }
    }
  }

  static void q8(
      MemorySegment w,
      long tile,
      int from,
      int until,
      MemorySegment x,
      long xByte,
      MemorySegment y) {
    for (int b = from; b < until; b++) {
      long words = tile + SCALES + (long) b * (SCALES + 8 * WORD_ROW);
      long xAt = xByte + 4L * BLOCK * b;
      for (int c = 0; c < WORD_ROW; c += 2 * BYTES) {
        FloatVector s0 = FloatVector.zero(FLOATS);
        FloatVector s1 = FloatVector.zero(FLOATS);
        for (int g = 0; g < 8; g++) {
          long word = words + (long) g * WORD_ROW + c;
          IntVector v0 = IntVector.fromMemorySegment(INTS, w, word, ORDER);
          IntVector v1 = IntVector.fromMemorySegment(INTS, w, word + BYTES, ORDER);
          for (int k = 4 * g; k < 4 * g + 4; k++) {
            FloatVector t = FloatVector.broadcast(FLOATS, x.get(FLOAT, xAt + 4L * k));
            s0 = ((FloatVector) v0.lanewise(ASHR, 24).convertShape(I2F, FLOATS, 0)).fma(t, s0);
            s1 = ((FloatVector) v1.lanewise(ASHR, 24).convertShape(I2F, FLOATS, 0)).fma(t, s1);
            v0 = v0.lanewise(LSHL, 8);
            v1 = v1.lanewise(LSHL, 8);
          }
        }
        long sum = (long) (b - from) * WORD_ROW + c;
        s0.intoMemorySegment(y, sum, ORDER);
        s1.intoMemorySegment(y, sum + BYTES, ORDER);
      }
    }
  }

  static void q4(
      MemorySegment w,
      long tile,
      int from,
      int until,
      MemorySegment x,
      long xByte,
      MemorySegment y) {
    for (int b = from; b < until; b++) {
      long words = tile + SCALES + (long) b * (SCALES + 4 * WORD_ROW);
      long xAt = xByte + 4L * BLOCK * b;
      for (int c = 0; c < WORD_ROW; c += 2 * BYTES) {
        FloatVector s0 = FloatVector.zero(FLOATS);
        FloatVector s1 = FloatVector.zero(FLOATS);
        for (int g = 0; g < 4; g++) {
          long word = words + (long) g * WORD_ROW + c;
          IntVector v0 = IntVector.fromMemorySegment(INTS, w, word, ORDER);
          IntVector v1 = IntVector.fromMemorySegment(INTS, w, word + BYTES, ORDER);
          for (int k = 8 * g; k < 8 * g + 8; k++) {
            FloatVector t = FloatVector.broadcast(FLOATS, x.get(FLOAT, xAt + 4L * k));
            s0 = ((FloatVector) v0.lanewise(ASHR, 28).convertShape(I2F, FLOATS, 0)).fma(t, s0);
            s1 = ((FloatVector) v1.lanewise(ASHR, 28).convertShape(I2F, FLOATS, 0)).fma(t, s1);
            v0 = v0.lanewise(LSHL, 4);
            v1 = v1.lanewise(LSHL, 4);
          }
        }
        long sum = (long) (b - from) * WORD_ROW + c;
        s0.intoMemorySegment(y, sum, ORDER);
        s1.intoMemorySegment(y, sum + BYTES, ORDER);
      }
    }
  }

  /** For vectors of 16 floats, that hold the values of all codes. */
  static void mxfp4(
      MemorySegment w,
      long tile,
      int from,
      int until,
      MemorySegment x,
      long xByte,
      MemorySegment y) {
    for (int b = from; b < until; b++) {
      long words = tile + SCALES + (long) (b >> 1) * SCALES + (long) b * 4 * WORD_ROW;
      long xAt = xByte + 4L * BLOCK * b;
      for (int c = 0; c < WORD_ROW; c += 2 * BYTES) {
        FloatVector s0 = FloatVector.zero(FLOATS);
        FloatVector s1 = FloatVector.zero(FLOATS);
        for (int g = 0; g < 4; g++) {
          long word = words + (long) g * WORD_ROW + c;
          IntVector v0 = IntVector.fromMemorySegment(INTS, w, word, ORDER);
          IntVector v1 = IntVector.fromMemorySegment(INTS, w, word + BYTES, ORDER);
          for (int k = 8 * g; k < 8 * g + 8; k++) {
            FloatVector t = FloatVector.broadcast(FLOATS, x.get(FLOAT, xAt + 4L * k));
            s0 = v0.lanewise(LSHR, 28).selectFrom(E2M1).reinterpretAsFloats().fma(t, s0);
            s1 = v1.lanewise(LSHR, 28).selectFrom(E2M1).reinterpretAsFloats().fma(t, s1);
            v0 = v0.lanewise(LSHL, 4);
            v1 = v1.lanewise(LSHL, 4);
          }
        }
        long sum = (long) (b - from) * WORD_ROW + c;
        s0.intoMemorySegment(y, sum, ORDER);
        s1.intoMemorySegment(y, sum + BYTES, ORDER);
      }
    }
  }

  /** For narrower vectors. */
  static void mxfp4Narrow(
      MemorySegment w,
      long tile,
      int from,
      int until,
      MemorySegment x,
      long xByte,
      MemorySegment y) {
    for (int b = from; b < until; b++) {
      long words = tile + SCALES + (long) (b >> 1) * SCALES + (long) b * 4 * WORD_ROW;
      long xAt = xByte + 4L * BLOCK * b;
      for (int c = 0; c < WORD_ROW; c += BYTES) {
        FloatVector sum = FloatVector.zero(FLOATS);
        for (int g = 0; g < 4; g++) {
          long word = words + (long) g * WORD_ROW + c;
          IntVector v = IntVector.fromMemorySegment(INTS, w, word, ORDER);
          for (int k = 8 * g; k < 8 * g + 8; k++) {
            FloatVector t = FloatVector.broadcast(FLOATS, x.get(FLOAT, xAt + 4L * k));
            IntVector magnitude = v.lanewise(LSHR, 28).and(7);
            // exponent and fraction in place, 2^1 for exponent 1: right from code 2 on
            IntVector bits = magnitude.lanewise(LSHL, 22).add(E2M1_ONE);
            // codes 0 and 1 mean 0 and 1
            IntVector tiny = magnitude.neg().and(E2M1_ONE);
            IntVector isTiny = magnitude.sub(2).lanewise(ASHR, 31);
            bits = bits.lanewise(BITWISE_BLEND, tiny, isTiny).or(v.and(0x80000000));
            sum = bits.reinterpretAsFloats().fma(t, sum);
            v = v.lanewise(LSHL, 4);
          }
        }
        sum.intoMemorySegment(y, (long) (b - from) * WORD_ROW + c, ORDER);
      }
    }
  }
}
