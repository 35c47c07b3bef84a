package dev.serval.backend.cpu.kernel;

import static dev.serval.backend.cpu.kernel.Lanes.BYTES;
import static dev.serval.backend.cpu.kernel.Lanes.FLOATS;
import static dev.serval.backend.cpu.kernel.Lanes.INTS;
import static dev.serval.backend.cpu.kernel.Lanes.ORDER;
import static dev.serval.backend.cpu.kernel.PackedMatrix.TILE_ROWS;
import static dev.serval.backend.cpu.kernel.Packing.SCALES;
import static dev.serval.backend.cpu.kernel.Packing.WORD_ROW;
import static dev.serval.backend.cpu.kernel.VectorCodecKernel.HALF_BITS;
import static dev.serval.backend.cpu.kernel.VectorCodecKernel.HALF_EXPONENT;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.BITWISE_BLEND;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/** Expands what scales the codes of a packed tile to F32 [groups, 32]. */
final class VectorScaleKernel {

  private VectorScaleKernel() {}

  /**
   * Scales of groups {@code from} until {@code until} of a tile, whole units, and their starts if
   * the format has minima.
   *
   * @param y receives the scales from byte {@code scale} on and the starts from {@code start} on
   * @param small has room for the small integers of a unit
   */
  static void scales(
      BlockFormat f,
      MemorySegment w,
      long tile,
      int from,
      int until,
      MemorySegment y,
      long scale,
      long start,
      float[] small) {
    BlockHead head = f.head();
    int unitBytes = f.unitBytes();
    switch (head.kind()) {
      case HALF -> scalesOnly(w, tile, unitBytes, from, until, f.codes().unit(), y, scale);
      case TWO_HALVES -> {
        halfScales(w, tile, unitBytes, from, until, y, scale);
        halfScales(w, tile + SCALES, unitBytes, from, until, y, start);
        centre(f.middle(), until - from, y, scale, start);
      }
      case EXPONENTS -> mxfp4Scales(w, tile, from, until, y, scale);
      case SCALES, PAIRS -> {
        int groups = f.groupsPerUnit();
        for (int g = from; g < until; g += groups) {
          long at = tile + (long) (g / groups) * unitBytes;
          long to = scale + (long) (g - from) * WORD_ROW;
          long codes = at + head.planeBytes();
          VectorExpandKernel.codes(head.small(), w, codes, head.count(), small, 0, TILE_ROWS);
          products(w, at, head.bias(), groups, small, y, to);
          if (head.hasMinima()) {
            starts(
                w, at + SCALES, head.bias(), groups, f.middle(), small, y, to, start + to - scale);
          }
        }
      }
    }
  }

  /** Small integers plus bias, times the F16 of their row in a plane. */
  private static void products(
      MemorySegment w, long plane, int bias, int groups, float[] small, MemorySegment y, long to) {
    for (int c = 0; c < WORD_ROW; c += BYTES) {
      IntVector v = IntVector.fromMemorySegment(INTS, w, plane + (c & (SCALES - 1)), ORDER);
      v = v.lanewise(LSHL, 16 - 16 * (c / SCALES)).lanewise(ASHR, 3).and(HALF_BITS);
      IntVector full = v.and(HALF_EXPONENT).sub(HALF_EXPONENT).lanewise(ASHR, 31).not();
      v = v.reinterpretAsFloats().mul(Halves.REBIAS).reinterpretAsInts();
      FloatVector d = v.or(full.and(Halves.INFINITY)).reinterpretAsFloats();
      for (int g = 0; g < groups; g++) {
        long at = (long) g * WORD_ROW + c;
        FloatVector code = FloatVector.fromArray(FLOATS, small, g * TILE_ROWS + c / 4);
        d.mul(code.add(bias)).intoMemorySegment(y, to + at, ORDER);
      }
    }
  }

  /** middle · scale − minimum, the minimum as in {@link #products}. */
  private static void starts(
      MemorySegment w,
      long plane,
      int bias,
      int groups,
      int middle,
      float[] small,
      MemorySegment y,
      long scale,
      long to) {
    FloatVector m = FloatVector.broadcast(FLOATS, (float) middle);
    for (int c = 0; c < WORD_ROW; c += BYTES) {
      IntVector v = IntVector.fromMemorySegment(INTS, w, plane + (c & (SCALES - 1)), ORDER);
      v = v.lanewise(LSHL, 16 - 16 * (c / SCALES)).lanewise(ASHR, 3).and(HALF_BITS);
      IntVector full = v.and(HALF_EXPONENT).sub(HALF_EXPONENT).lanewise(ASHR, 31).not();
      v = v.reinterpretAsFloats().mul(Halves.REBIAS).reinterpretAsInts();
      FloatVector d = v.or(full.and(Halves.INFINITY)).reinterpretAsFloats().neg();
      for (int g = 0; g < groups; g++) {
        long at = (long) g * WORD_ROW + c;
        int minimum = (groups + g) * TILE_ROWS + c / 4;
        FloatVector code = FloatVector.fromArray(FLOATS, small, minimum);
        FloatVector s = FloatVector.fromMemorySegment(FLOATS, y, scale + at, ORDER);
        m.fma(s, d.mul(code.add(bias))).intoMemorySegment(y, to + at, ORDER);
      }
    }
  }

  /** start = middle · scale + start, fused. */
  private static void centre(int middle, int groups, MemorySegment y, long scale, long start) {
    FloatVector m = FloatVector.broadcast(FLOATS, (float) middle);
    for (long i = 0; i < (long) groups * WORD_ROW; i += BYTES) {
      FloatVector s = FloatVector.fromMemorySegment(FLOATS, y, scale + i, ORDER);
      FloatVector begin = FloatVector.fromMemorySegment(FLOATS, y, start + i, ORDER);
      m.fma(s, begin).intoMemorySegment(y, start + i, ORDER);
    }
  }

  /**
   * F16 scales of blocks {@code blockBytes} apart, divided by a power of two, where there is
   * nothing else: a NaN counts as infinite.
   */
  private static void scalesOnly(
      MemorySegment w,
      long tile,
      int blockBytes,
      int from,
      int until,
      float unit,
      MemorySegment y,
      long to) {
    float last = 1 / Halves.REBIAS / unit;
    for (int b = from; b < until; b++) {
      for (int c = 0; c < SCALES; c += BYTES) {
        long at = tile + (long) b * blockBytes + c;
        long scale = to + (long) (b - from) * WORD_ROW + c;
        IntVector both = IntVector.fromMemorySegment(INTS, w, at, ORDER);
        // the second factor makes infinities of what an F16 has no exponent for
        both.lanewise(LSHL, 16)
            .lanewise(ASHR, 3)
            .and(HALF_BITS)
            .reinterpretAsFloats()
            .mul(Halves.REBIAS)
            .mul(Halves.REBIAS)
            .mul(last)
            .intoMemorySegment(y, scale, ORDER);
        both.lanewise(ASHR, 3)
            .and(HALF_BITS)
            .reinterpretAsFloats()
            .mul(Halves.REBIAS)
            .mul(Halves.REBIAS)
            .mul(last)
            .intoMemorySegment(y, scale + SCALES, ORDER);
      }
    }
  }

  /** F16 scales of blocks {@code blockBytes} apart: a plane's low halves, then its high halves. */
  private static void halfScales(
      MemorySegment w, long tile, int blockBytes, int from, int until, MemorySegment y, long to) {
    for (int b = from; b < until; b++) {
      for (int c = 0; c < SCALES; c += BYTES) {
        long at = tile + (long) b * blockBytes + c;
        long scale = to + (long) (b - from) * WORD_ROW + c;
        IntVector both = IntVector.fromMemorySegment(INTS, w, at, ORDER);
        IntVector v = both.lanewise(LSHL, 16).lanewise(ASHR, 3).and(HALF_BITS);
        IntVector full = v.and(HALF_EXPONENT).sub(HALF_EXPONENT).lanewise(ASHR, 31).not();
        v = v.reinterpretAsFloats().mul(Halves.REBIAS).reinterpretAsInts();
        v.or(full.and(Halves.INFINITY)).intoMemorySegment(y, scale, ORDER);
        v = both.lanewise(ASHR, 3).and(HALF_BITS);
        full = v.and(HALF_EXPONENT).sub(HALF_EXPONENT).lanewise(ASHR, 31).not();
        v = v.reinterpretAsFloats().mul(Halves.REBIAS).reinterpretAsInts();
        v.or(full.and(Halves.INFINITY)).intoMemorySegment(y, scale + SCALES, ORDER);
      }
    }
  }

  /** Exponents of MXFP4 blocks. */
  private static void mxfp4Scales(
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
