package dev.serval.backend.cpu.kernel;

import static dev.serval.backend.cpu.kernel.Lanes.BYTES;
import static dev.serval.backend.cpu.kernel.Lanes.FLOAT;
import static dev.serval.backend.cpu.kernel.Lanes.FLOATS;
import static dev.serval.backend.cpu.kernel.Lanes.INTS;
import static dev.serval.backend.cpu.kernel.Lanes.LENGTH;
import static dev.serval.backend.cpu.kernel.Lanes.ORDER;
import static dev.serval.backend.cpu.kernel.PackedMatrix.BLOCK;
import static dev.serval.backend.cpu.kernel.Packing.WORD_ROW;
import static dev.serval.backend.cpu.kernel.VectorCodecKernel.E2M1_ONE;
import static dev.serval.backend.cpu.kernel.VectorCodecKernel.NON_LINEAR_BYTES;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.BITWISE_BLEND;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * One row of activations times the codes of some blocks of 32 inputs of a tile, two vectors of rows
 * at a time; a word is loaded once. The result are the sums of the groups that share a scale,
 * without their scales: one method for both would exceed what the compiler inlines. No inner loop
 * is a counted one: see {@link VectorBiasedKernel}.
 *
 * <p>Parameters: {@code f} how the tile {@code w} at byte {@code tile} is laid out; blocks {@code
 * from} until {@code until}; {@code x}, {@code xByte} the activations [in] F32; {@code y} the sums
 * [groups, 32] F32.
 */
final class VectorSumsKernel {

  private VectorSumsKernel() {}

  /** The sums of a format. */
  static void sums(
      BlockFormat f,
      MemorySegment w,
      long tile,
      int from,
      int until,
      MemorySegment x,
      long xByte,
      MemorySegment y) {
    switch (f.codes()) {
      case SIGNED_2 -> VectorSpanSumsKernel.q2(f, w, tile, from, until, x, xByte, y);
      case SIGNED_3 -> VectorSpanSumsKernel.q3(f, w, tile, from, until, x, xByte, y);
      case SIGNED_4 -> q4(f, w, tile, from, until, x, xByte, y);
      case SIGNED_5 -> VectorSpanSumsKernel.q5(f, w, tile, from, until, x, xByte, y);
      case SIGNED_6 -> VectorSpanSumsKernel.q6(f, w, tile, from, until, x, xByte, y);
      case SIGNED_8, BIASED_8 -> throw new IllegalArgumentException("not summed here: " + f);
      case E2M1 -> {
        if (LENGTH == 16) {
          table(f, VectorCodecKernel.E2M1, w, tile, from, until, x, xByte, y);
        } else {
          mxfp4Narrow(f, w, tile, from, until, x, xByte, y);
        }
      }
      case NON_LINEAR -> {
        if (LENGTH == 16) {
          table(f, VectorCodecKernel.NON_LINEAR, w, tile, from, until, x, xByte, y);
        } else {
          nonLinearNarrow(f, w, tile, from, until, x, xByte, y);
        }
      }
    }
  }

  private static void q4(
      BlockFormat f,
      MemorySegment w,
      long tile,
      int from,
      int until,
      MemorySegment x,
      long xByte,
      MemorySegment y) {
    for (int b = from; b < until; b++) {
      long words = tile + f.wordsOf(b);
      for (int c = 0; c < WORD_ROW; c += 2 * BYTES) {
        FloatVector s0 = FloatVector.zero(FLOATS);
        FloatVector s1 = FloatVector.zero(FLOATS);
        long word = words + c;
        long input = xByte + 4L * BLOCK * b;
        for (int groups = 0b1111; groups != 0; groups >>= 1) {
          IntVector v0 = IntVector.fromMemorySegment(INTS, w, word, ORDER);
          IntVector v1 = IntVector.fromMemorySegment(INTS, w, word + BYTES, ORDER);
          word += WORD_ROW;
          for (int left = 0xff; left != 0; left >>= 1) {
            FloatVector t = FloatVector.broadcast(FLOATS, x.get(FLOAT, input));
            input += 4;
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

  /** For vectors of 16 floats, that hold the values of all codes; {@code values} are F32 bits. */
  private static void table(
      BlockFormat f,
      int[] values,
      MemorySegment w,
      long tile,
      int from,
      int until,
      MemorySegment x,
      long xByte,
      MemorySegment y) {
    IntVector table = IntVector.fromArray(INTS, values, 0);
    for (int b = from; b < until; b++) {
      long words = tile + f.wordsOf(b);
      for (int c = 0; c < WORD_ROW; c += 2 * BYTES) {
        FloatVector s0 = FloatVector.zero(FLOATS);
        FloatVector s1 = FloatVector.zero(FLOATS);
        long word = words + c;
        long input = xByte + 4L * BLOCK * b;
        for (int groups = 0b1111; groups != 0; groups >>= 1) {
          IntVector v0 = IntVector.fromMemorySegment(INTS, w, word, ORDER);
          IntVector v1 = IntVector.fromMemorySegment(INTS, w, word + BYTES, ORDER);
          word += WORD_ROW;
          for (int left = 0xff; left != 0; left >>= 1) {
            FloatVector t = FloatVector.broadcast(FLOATS, x.get(FLOAT, input));
            input += 4;
            s0 = v0.lanewise(LSHR, 28).selectFrom(table).reinterpretAsFloats().fma(t, s0);
            s1 = v1.lanewise(LSHR, 28).selectFrom(table).reinterpretAsFloats().fma(t, s1);
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

  /** MXFP4 for narrower vectors. */
  private static void mxfp4Narrow(
      BlockFormat f,
      MemorySegment w,
      long tile,
      int from,
      int until,
      MemorySegment x,
      long xByte,
      MemorySegment y) {
    for (int b = from; b < until; b++) {
      long words = tile + f.wordsOf(b);
      for (int c = 0; c < WORD_ROW; c += BYTES) {
        FloatVector sum = FloatVector.zero(FLOATS);
        long word = words + c;
        long input = xByte + 4L * BLOCK * b;
        for (int groups = 0b1111; groups != 0; groups >>= 1) {
          IntVector v = IntVector.fromMemorySegment(INTS, w, word, ORDER);
          word += WORD_ROW;
          for (int left = 0xff; left != 0; left >>= 1) {
            FloatVector t = FloatVector.broadcast(FLOATS, x.get(FLOAT, input));
            input += 4;
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

  /** IQ4 for narrower vectors: a value is one of four bytes of one of four words. */
  private static void nonLinearNarrow(
      BlockFormat f,
      MemorySegment w,
      long tile,
      int from,
      int until,
      MemorySegment x,
      long xByte,
      MemorySegment y) {
    for (int b = from; b < until; b++) {
      long words = tile + f.wordsOf(b);
      for (int c = 0; c < WORD_ROW; c += BYTES) {
        FloatVector sum = FloatVector.zero(FLOATS);
        long word = words + c;
        long input = xByte + 4L * BLOCK * b;
        for (int groups = 0b1111; groups != 0; groups >>= 1) {
          IntVector v = IntVector.fromMemorySegment(INTS, w, word, ORDER);
          word += WORD_ROW;
          for (int left = 0xff; left != 0; left >>= 1) {
            FloatVector t = FloatVector.broadcast(FLOATS, x.get(FLOAT, input));
            input += 4;
            IntVector four = v.lanewise(LSHR, 30).selectFrom(NON_LINEAR_BYTES);
            IntVector value = four.lanewise(LSHL, v.lanewise(LSHR, 25).and(24)).lanewise(ASHR, 24);
            sum = ((FloatVector) value.convertShape(I2F, FLOATS, 0)).fma(t, sum);
            v = v.lanewise(LSHL, 4);
          }
        }
        sum.intoMemorySegment(y, (long) (b - from) * WORD_ROW + c, ORDER);
      }
    }
  }
}
