package dev.serval.backend.cpu.kernel;

import static dev.serval.backend.cpu.kernel.Lanes.FLOATS;
import static dev.serval.backend.cpu.kernel.Lanes.INTS;
import static dev.serval.backend.cpu.kernel.Lanes.LENGTH;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Conversions between number formats on lanes, the same bits as {@link Halves}. Small enough to be
 * inlined wherever they are called.
 */
final class VectorCodecKernel {

  /** Twice the values of the E2M1 codes as F32 bits, as many as there are lanes. */
  private static final IntVector E2M1 = IntVector.fromArray(INTS, elements(), 0);

  private VectorCodecKernel() {}

  private static int[] elements() {
    int[] bits = new int[16];
    for (int code = 0; code < bits.length; code++) {
      bits[code] = Float.floatToRawIntBits(Halves.mxElement(code));
    }
    return bits;
  }

  /** F16 in the upper halves of lanes to F32; lower halves do not matter. */
  static FloatVector fromHalves(IntVector halves) {
    // sign, then exponent and fraction in their places
    IntVector moved = halves.lanewise(VectorOperators.ASHR, 3).and(0x8fffe000);
    IntVector bits = moved.reinterpretAsFloats().mul(Halves.REBIAS).reinterpretAsInts();
    // all ones for finite numbers; a mask would cost more
    IntVector finite = moved.and(0x0f800000).sub(0x0f800000).lanewise(VectorOperators.ASHR, 31);
    return bits.or(finite.not().and(Halves.INFINITY)).reinterpretAsFloats();
  }

  /** F32 to F16 in the lower halves of lanes, ties to even. */
  static IntVector toHalves(FloatVector x) {
    IntVector bits = x.reinterpretAsInts();
    IntVector magnitude = bits.and(0x7fffffff);
    IntVector odd = magnitude.lanewise(VectorOperators.LSHR, 13).and(1);
    IntVector half = magnitude.add(Halves.ROUND).add(odd).lanewise(VectorOperators.LSHR, 13);
    IntVector small =
        magnitude.reinterpretAsFloats().add(0.5f).reinterpretAsInts().sub(Halves.HALF_ONE);
    half = half.blend(small, magnitude.compare(VectorOperators.LT, Halves.MIN_NORMAL));
    half = half.blend(0x7c00, magnitude.compare(VectorOperators.GE, Halves.OVERFLOW));
    half = half.blend(0x7e00, magnitude.compare(VectorOperators.GT, Halves.INFINITY));
    return half.or(bits.lanewise(VectorOperators.LSHR, 16).and(0x8000));
  }

  /** Exponents of MXFP4 blocks to scales. */
  static FloatVector mxScales(IntVector e) {
    IntVector normal = e.sub(1).lanewise(VectorOperators.LSHL, 23);
    IntVector small = e.add(1).lanewise(VectorOperators.LSHL, 21);
    IntVector isSmall = e.sub(2).lanewise(VectorOperators.ASHR, 31);
    return normal.lanewise(VectorOperators.BITWISE_BLEND, small, isSmall).reinterpretAsFloats();
  }

  /** E2M1 codes in lanes, 0 to 15, to twice their values. */
  static FloatVector mxElements(IntVector codes) {
    if (LENGTH == 16) {
      return codes.selectFrom(E2M1).reinterpretAsFloats();
    }
    IntVector magnitude = codes.and(7);
    // exponent and mantissa in place, 2^1 for exponent 1: right from code 2 on
    IntVector bits = magnitude.lanewise(VectorOperators.LSHL, 22).add(127 << 23);
    // codes 0 and 1 mean 0 and 1
    IntVector tiny = magnitude.neg().and(Float.floatToRawIntBits(1f));
    IntVector isTiny = magnitude.sub(2).lanewise(VectorOperators.ASHR, 31);
    bits = bits.lanewise(VectorOperators.BITWISE_BLEND, tiny, isTiny);
    return bits.or(codes.and(8).lanewise(VectorOperators.LSHL, 28)).reinterpretAsFloats();
  }

  /** Signed integers to F32. */
  static FloatVector toFloats(IntVector v) {
    return (FloatVector) v.convertShape(VectorOperators.I2F, FLOATS, 0);
  }
}
