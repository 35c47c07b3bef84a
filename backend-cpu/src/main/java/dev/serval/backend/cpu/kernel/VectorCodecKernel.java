package dev.serval.backend.cpu.kernel;

import static dev.serval.backend.cpu.kernel.Lanes.INTS;
import static dev.serval.backend.cpu.kernel.Lanes.LENGTH;
import static dev.serval.backend.cpu.kernel.Lanes.ORDER;
import static dev.serval.backend.cpu.kernel.Lanes.SHORTS;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.GE;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.I2S;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.LT;
import static jdk.incubator.vector.VectorOperators.ZERO_EXTEND_S2I;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;

/**
 * Conversions between number formats on lanes, the same bits as {@link Halves}: rows to and from
 * F16 and BF16, n elements, a multiple of the lanes.
 *
 * <p>What F16 and the formats of 4 bits need in a loop is written out where it is needed; see
 * {@link VectorFunctions} for the reason. F16 in the upper half of a lane becomes F32 by moving
 * exponent and fraction into their places (shift by 3, mask), a multiplication that corrects the
 * exponent, and bits that make the exponent of an infinity or NaN full again.
 */
final class VectorCodecKernel {

  /** Sign, exponent and fraction of an F16 that was shifted right by 3, with its sign. */
  static final int HALF_BITS = 0x8fffe000;

  /** The exponent among them; full in infinities and NaN. */
  static final int HALF_EXPONENT = 0x0f800000;

  /** Values of the codes of MXFP4, doubled, as F32 bits. */
  static final int[] E2M1 = elements(Codes.E2M1);

  /** Values of the codes of IQ4_NL as F32 bits. */
  static final int[] NON_LINEAR = elements(Codes.NON_LINEAR);

  /**
   * Values of the codes of IQ4_NL as bytes, those of codes 4i to 4i + 3 in lane i, the first in the
   * highest byte.
   */
  static final IntVector NON_LINEAR_BYTES = IntVector.fromArray(INTS, bytes(), 0);

  /** F32 bits of 1, twice the value of E2M1 code 1. */
  static final int E2M1_ONE = 127 << 23;

  private VectorCodecKernel() {}

  private static int[] elements(Codes codes) {
    int[] bits = new int[16];
    for (int code = 0; code < bits.length; code++) {
      bits[code] = Float.floatToRawIntBits(codes.value(code, 0));
    }
    return bits;
  }

  private static int[] bytes() {
    int[] words = new int[16];
    for (int code = 0; code < 16; code++) {
      int value = Codes.NON_LINEAR.value(code, 0);
      words[code / 4] |= (value & 0xff) << (24 - 8 * (code % 4));
    }
    return words;
  }

  /** Expands F16, {@code from} and {@code to} in bytes. */
  static void fromHalves(MemorySegment source, long from, MemorySegment y, long to, int n) {
    for (int i = 0; i < n; i += LENGTH) {
      ShortVector s =
          ShortVector.fromMemorySegment(SHORTS, source, from + 2L * i, ByteOrder.LITTLE_ENDIAN);
      IntVector v = ((IntVector) s.convertShape(ZERO_EXTEND_S2I, INTS, 0)).lanewise(LSHL, 16);
      IntVector moved = v.lanewise(ASHR, 3).and(HALF_BITS);
      IntVector bits = moved.reinterpretAsFloats().mul(Halves.REBIAS).reinterpretAsInts();
      // all ones for finite numbers; a mask would cost more
      IntVector finite = moved.and(HALF_EXPONENT).sub(HALF_EXPONENT).lanewise(ASHR, 31);
      bits.or(finite.not().and(Halves.INFINITY)).intoMemorySegment(y, to + 4L * i, ORDER);
    }
  }

  /** Expands BF16, {@code from} and {@code to} in bytes. */
  static void fromBrains(MemorySegment source, long from, MemorySegment y, long to, int n) {
    for (int i = 0; i < n; i += LENGTH) {
      ShortVector s =
          ShortVector.fromMemorySegment(SHORTS, source, from + 2L * i, ByteOrder.LITTLE_ENDIAN);
      IntVector v = (IntVector) s.convertShape(ZERO_EXTEND_S2I, INTS, 0);
      v.lanewise(LSHL, 16).intoMemorySegment(y, to + 4L * i, ORDER);
    }
  }

  /** Rounds to F16, ties to even; {@code from} and {@code to} in bytes. */
  static void toHalves(MemorySegment x, long from, MemorySegment target, long to, int n) {
    for (int i = 0; i < n; i += LENGTH) {
      IntVector bits = IntVector.fromMemorySegment(INTS, x, from + 4L * i, ORDER);
      IntVector magnitude = bits.and(0x7fffffff);
      IntVector odd = magnitude.lanewise(LSHR, 13).and(1);
      IntVector half = magnitude.add(Halves.ROUND).add(odd).lanewise(LSHR, 13);
      IntVector small =
          magnitude.reinterpretAsFloats().add(0.5f).reinterpretAsInts().sub(Halves.HALF_ONE);
      half = half.blend(small, magnitude.compare(LT, Halves.MIN_NORMAL));
      half = half.blend(0x7c00, magnitude.compare(GE, Halves.OVERFLOW));
      half = half.blend(0x7e00, magnitude.compare(GT, Halves.INFINITY));
      half = half.or(bits.lanewise(LSHR, 16).and(0x8000));
      ((ShortVector) half.convertShape(I2S, SHORTS, 0))
          .intoMemorySegment(target, to + 2L * i, ORDER);
    }
  }
}
