package dev.serval.backend.cpu.kernel;

import static dev.serval.backend.cpu.kernel.Lanes.BYTES;
import static dev.serval.backend.cpu.kernel.Lanes.FLOAT;
import static dev.serval.backend.cpu.kernel.Lanes.FLOATS;
import static dev.serval.backend.cpu.kernel.Lanes.INTS;
import static dev.serval.backend.cpu.kernel.Lanes.ORDER;
import static dev.serval.backend.cpu.kernel.PackedMatrix.BLOCK;
import static dev.serval.backend.cpu.kernel.Packing.WORD_ROW;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/**
 * The {@link VectorSumsKernel} of codes of 2, 3, 5 and 6 bits. What is left over of the words of a
 * span is collected in {@code r}, the bits of the last word highest, as {@link Codes} says. No
 * inner loop is a counted one: see {@link VectorBiasedKernel}.
 */
final class VectorSpanSumsKernel {

  private VectorSpanSumsKernel() {}

  /** 2 bits, groups of 16: one word each. */
  static void q2(
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
      long xAt = xByte + 4L * BLOCK * b;
      for (int c = 0; c < WORD_ROW; c += 2 * BYTES) {
        long input = xAt;
        for (int u = 0; u < 2; u++) {
          FloatVector s0 = FloatVector.zero(FLOATS);
          FloatVector s1 = FloatVector.zero(FLOATS);
          long word = words + (long) u * WORD_ROW + c;
          IntVector v0 = IntVector.fromMemorySegment(INTS, w, word, ORDER);
          IntVector v1 = IntVector.fromMemorySegment(INTS, w, word + BYTES, ORDER);
          for (int left = 0xffff; left != 0; left >>= 1) {
            FloatVector t = FloatVector.broadcast(FLOATS, x.get(FLOAT, input));
            input += 4;
            s0 = ((FloatVector) v0.lanewise(ASHR, 30).convertShape(I2F, FLOATS, 0)).fma(t, s0);
            s1 = ((FloatVector) v1.lanewise(ASHR, 30).convertShape(I2F, FLOATS, 0)).fma(t, s1);
            v0 = v0.lanewise(LSHL, 2);
            v1 = v1.lanewise(LSHL, 2);
          }
          long sum = (2L * (b - from) + u) * WORD_ROW + c;
          s0.intoMemorySegment(y, sum, ORDER);
          s1.intoMemorySegment(y, sum + BYTES, ORDER);
        }
      }
    }
  }

  /** 3 bits, groups of 16: three words of ten hold two groups. */
  static void q3(
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
      long xAt = xByte + 4L * BLOCK * b;
      for (int c = 0; c < WORD_ROW; c += 2 * BYTES) {
        long input = xAt;
        long word = words + c;
        IntVector v0 = IntVector.fromMemorySegment(INTS, w, word, ORDER);
        IntVector v1 = IntVector.fromMemorySegment(INTS, w, word + BYTES, ORDER);
        FloatVector s0 = FloatVector.zero(FLOATS);
        FloatVector s1 = FloatVector.zero(FLOATS);
        for (int left = 0x3ff; left != 0; left >>= 1) {
          FloatVector t = FloatVector.broadcast(FLOATS, x.get(FLOAT, input));
          input += 4;
          s0 = ((FloatVector) v0.lanewise(ASHR, 29).convertShape(I2F, FLOATS, 0)).fma(t, s0);
          s1 = ((FloatVector) v1.lanewise(ASHR, 29).convertShape(I2F, FLOATS, 0)).fma(t, s1);
          v0 = v0.lanewise(LSHL, 3);
          v1 = v1.lanewise(LSHL, 3);
        }
        IntVector r0 = v0;
        IntVector r1 = v1;
        v0 = IntVector.fromMemorySegment(INTS, w, word + WORD_ROW, ORDER);
        v1 = IntVector.fromMemorySegment(INTS, w, word + WORD_ROW + BYTES, ORDER);
        for (int left = 0x3f; left != 0; left >>= 1) {
          FloatVector t = FloatVector.broadcast(FLOATS, x.get(FLOAT, input));
          input += 4;
          s0 = ((FloatVector) v0.lanewise(ASHR, 29).convertShape(I2F, FLOATS, 0)).fma(t, s0);
          s1 = ((FloatVector) v1.lanewise(ASHR, 29).convertShape(I2F, FLOATS, 0)).fma(t, s1);
          v0 = v0.lanewise(LSHL, 3);
          v1 = v1.lanewise(LSHL, 3);
        }
        long sum = 2L * (b - from) * WORD_ROW + c;
        s0.intoMemorySegment(y, sum, ORDER);
        s1.intoMemorySegment(y, sum + BYTES, ORDER);
        s0 = FloatVector.zero(FLOATS);
        s1 = FloatVector.zero(FLOATS);
        for (int left = 0xf; left != 0; left >>= 1) {
          FloatVector t = FloatVector.broadcast(FLOATS, x.get(FLOAT, input));
          input += 4;
          s0 = ((FloatVector) v0.lanewise(ASHR, 29).convertShape(I2F, FLOATS, 0)).fma(t, s0);
          s1 = ((FloatVector) v1.lanewise(ASHR, 29).convertShape(I2F, FLOATS, 0)).fma(t, s1);
          v0 = v0.lanewise(LSHL, 3);
          v1 = v1.lanewise(LSHL, 3);
        }
        r0 = r0.lanewise(LSHR, 2).or(v0);
        r1 = r1.lanewise(LSHR, 2).or(v1);
        v0 = IntVector.fromMemorySegment(INTS, w, word + 2 * WORD_ROW, ORDER);
        v1 = IntVector.fromMemorySegment(INTS, w, word + 2 * WORD_ROW + BYTES, ORDER);
        for (int left = 0x3ff; left != 0; left >>= 1) {
          FloatVector t = FloatVector.broadcast(FLOATS, x.get(FLOAT, input));
          input += 4;
          s0 = ((FloatVector) v0.lanewise(ASHR, 29).convertShape(I2F, FLOATS, 0)).fma(t, s0);
          s1 = ((FloatVector) v1.lanewise(ASHR, 29).convertShape(I2F, FLOATS, 0)).fma(t, s1);
          v0 = v0.lanewise(LSHL, 3);
          v1 = v1.lanewise(LSHL, 3);
        }
        r0 = r0.lanewise(LSHR, 2).or(v0);
        r1 = r1.lanewise(LSHR, 2).or(v1);
        for (int left = 0x3; left != 0; left >>= 1) {
          FloatVector t = FloatVector.broadcast(FLOATS, x.get(FLOAT, input));
          input += 4;
          s0 = ((FloatVector) r0.lanewise(ASHR, 29).convertShape(I2F, FLOATS, 0)).fma(t, s0);
          s1 = ((FloatVector) r1.lanewise(ASHR, 29).convertShape(I2F, FLOATS, 0)).fma(t, s1);
          r0 = r0.lanewise(LSHL, 3);
          r1 = r1.lanewise(LSHL, 3);
        }
        s0.intoMemorySegment(y, sum + WORD_ROW, ORDER);
        s1.intoMemorySegment(y, sum + WORD_ROW + BYTES, ORDER);
      }
    }
  }

  /** 5 bits, groups of 32: five words of six. */
  static void q5(
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
      long xAt = xByte + 4L * BLOCK * b;
      for (int c = 0; c < WORD_ROW; c += 2 * BYTES) {
        long input = xAt;
        FloatVector s0 = FloatVector.zero(FLOATS);
        FloatVector s1 = FloatVector.zero(FLOATS);
        IntVector r0 = IntVector.zero(INTS);
        IntVector r1 = IntVector.zero(INTS);
        for (int g = 0; g < 5; g++) {
          long word = words + (long) g * WORD_ROW + c;
          IntVector v0 = IntVector.fromMemorySegment(INTS, w, word, ORDER);
          IntVector v1 = IntVector.fromMemorySegment(INTS, w, word + BYTES, ORDER);
          for (int left = 0x3f; left != 0; left >>= 1) {
            FloatVector t = FloatVector.broadcast(FLOATS, x.get(FLOAT, input));
            input += 4;
            s0 = ((FloatVector) v0.lanewise(ASHR, 27).convertShape(I2F, FLOATS, 0)).fma(t, s0);
            s1 = ((FloatVector) v1.lanewise(ASHR, 27).convertShape(I2F, FLOATS, 0)).fma(t, s1);
            v0 = v0.lanewise(LSHL, 5);
            v1 = v1.lanewise(LSHL, 5);
          }
          r0 = r0.lanewise(LSHR, 2).or(v0);
          r1 = r1.lanewise(LSHR, 2).or(v1);
        }
        for (int left = 0x3; left != 0; left >>= 1) {
          FloatVector t = FloatVector.broadcast(FLOATS, x.get(FLOAT, input));
          input += 4;
          s0 = ((FloatVector) r0.lanewise(ASHR, 27).convertShape(I2F, FLOATS, 0)).fma(t, s0);
          s1 = ((FloatVector) r1.lanewise(ASHR, 27).convertShape(I2F, FLOATS, 0)).fma(t, s1);
          r0 = r0.lanewise(LSHL, 5);
          r1 = r1.lanewise(LSHL, 5);
        }
        long sum = (long) (b - from) * WORD_ROW + c;
        s0.intoMemorySegment(y, sum, ORDER);
        s1.intoMemorySegment(y, sum + BYTES, ORDER);
      }
    }
  }

  /** 6 bits, groups of 16: three words of five each. */
  static void q6(
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
      long xAt = xByte + 4L * BLOCK * b;
      for (int c = 0; c < WORD_ROW; c += 2 * BYTES) {
        long input = xAt;
        for (int u = 0; u < 2; u++) {
          FloatVector s0 = FloatVector.zero(FLOATS);
          FloatVector s1 = FloatVector.zero(FLOATS);
          IntVector r0 = IntVector.zero(INTS);
          IntVector r1 = IntVector.zero(INTS);
          for (int g = 0; g < 3; g++) {
            long word = words + (long) (3 * u + g) * WORD_ROW + c;
            IntVector v0 = IntVector.fromMemorySegment(INTS, w, word, ORDER);
            IntVector v1 = IntVector.fromMemorySegment(INTS, w, word + BYTES, ORDER);
            for (int left = 0x1f; left != 0; left >>= 1) {
              FloatVector t = FloatVector.broadcast(FLOATS, x.get(FLOAT, input));
              input += 4;
              s0 = ((FloatVector) v0.lanewise(ASHR, 26).convertShape(I2F, FLOATS, 0)).fma(t, s0);
              s1 = ((FloatVector) v1.lanewise(ASHR, 26).convertShape(I2F, FLOATS, 0)).fma(t, s1);
              v0 = v0.lanewise(LSHL, 6);
              v1 = v1.lanewise(LSHL, 6);
            }
            r0 = r0.lanewise(LSHR, 2).or(v0);
            r1 = r1.lanewise(LSHR, 2).or(v1);
          }
          FloatVector t = FloatVector.broadcast(FLOATS, x.get(FLOAT, input));
          input += 4;
          s0 = ((FloatVector) r0.lanewise(ASHR, 26).convertShape(I2F, FLOATS, 0)).fma(t, s0);
          s1 = ((FloatVector) r1.lanewise(ASHR, 26).convertShape(I2F, FLOATS, 0)).fma(t, s1);
          long sum = (2L * (b - from) + u) * WORD_ROW + c;
          s0.intoMemorySegment(y, sum, ORDER);
          s1.intoMemorySegment(y, sum + BYTES, ORDER);
        }
      }
    }
  }
}
