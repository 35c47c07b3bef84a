package dev.serval.backend.cpu.kernel;

import static dev.serval.backend.cpu.kernel.Lanes.BYTES;
import static dev.serval.backend.cpu.kernel.Lanes.FLOAT;
import static dev.serval.backend.cpu.kernel.Lanes.FLOATS;
import static dev.serval.backend.cpu.kernel.Lanes.INTS;
import static dev.serval.backend.cpu.kernel.Lanes.ORDER;
import static dev.serval.backend.cpu.kernel.PackedMatrix.BLOCK;
import static dev.serval.backend.cpu.kernel.Packing.WORD_ROW;
import static dev.serval.backend.cpu.kernel.VectorCodecKernel.HALF_BITS;
import static dev.serval.backend.cpu.kernel.VectorCodecKernel.HALF_EXPONENT;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.LSHL;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * One row of activations times some blocks of a tile of 32 weight rows of a plain type, two vectors
 * of rows at a time; a word of weights is loaded once.
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
}
