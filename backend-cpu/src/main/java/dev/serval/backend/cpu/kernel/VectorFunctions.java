package dev.serval.backend.cpu.kernel;

import static dev.serval.backend.cpu.kernel.Lanes.BYTES;
import static dev.serval.backend.cpu.kernel.Lanes.FLOATS;
import static dev.serval.backend.cpu.kernel.Lanes.ORDER;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.FMA;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LE;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LT;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;

/**
 * {@link ScalarFunctions} on lanes, operation by operation the same: one loop over memory per
 * family of functions, whole vectors only. {@code a, x} and {@code b, y} are memory and byte offset
 * of arguments and results, which may be the same run; {@code end} the bytes of a run.
 *
 * <p>No vector is passed to or returned from a method here, so that e^r is written out in each
 * loop: in a caller whose inlining budget is used up the compiler would call such a method and box
 * its vectors. The methods of the vectors themselves it inlines beyond that budget.
 */
final class VectorFunctions {

  /** Rotations of lanes, for the pairwise joining of 16 parts. */
  static final VectorShuffle<Float> BY_8 = VectorShuffle.iota(FLOATS, 8, 1, true);

  static final VectorShuffle<Float> BY_4 = VectorShuffle.iota(FLOATS, 4, 1, true);
  static final VectorShuffle<Float> BY_2 = VectorShuffle.iota(FLOATS, 2, 1, true);
  static final VectorShuffle<Float> BY_1 = VectorShuffle.iota(FLOATS, 1, 1, true);

  private static final int BIAS = 127;
  private static final int MAGNITUDE = 0x7fffffff;
  private static final int SIGN = 0x80000000;

  private VectorFunctions() {}

  /** y = exp(x − shift). */
  static void exp(MemorySegment a, long x, float shift, MemorySegment b, long y, long end) {
    for (long i = 0; i < end; i += BYTES) {
      FloatVector v = FloatVector.fromMemorySegment(FLOATS, a, x + i, ORDER).sub(shift);
      v = v.blend(ScalarFunctions.EXP_LOW, v.compare(LT, ScalarFunctions.EXP_LOW));
      v = v.blend(ScalarFunctions.EXP_HIGH, v.compare(GT, ScalarFunctions.EXP_HIGH));
      FloatVector t = v.fma(ScalarFunctions.LOG2_E, ScalarFunctions.ROUNDER);
      FloatVector whole = t.sub(ScalarFunctions.ROUNDER);
      FloatVector r = whole.lanewise(FMA, -ScalarFunctions.LN2_HIGH, v);
      r = whole.lanewise(FMA, -ScalarFunctions.LN2_LOW, r);
      FloatVector p = r.fma(ScalarFunctions.E6, ScalarFunctions.E5);
      p = p.lanewise(FMA, r, ScalarFunctions.E4);
      p = p.lanewise(FMA, r, ScalarFunctions.E3);
      p = p.lanewise(FMA, r, ScalarFunctions.E2);
      FloatVector e = r.mul(r).fma(p, r).add(1f);
      IntVector n = t.reinterpretAsInts().sub(ScalarFunctions.ROUNDER_BITS);
      IntVector half = n.lanewise(ASHR, 1);
      e = e.mul(half.add(BIAS).lanewise(LSHL, 23).reinterpretAsFloats());
      e = e.mul(n.sub(half).add(BIAS).lanewise(LSHL, 23).reinterpretAsFloats());
      e.intoMemorySegment(b, y + i, ORDER);
    }
  }

  /** y = x / (1 + e^−x), or 1 / (1 + e^−x) if {@code sigmoid}. */
  static void silu(MemorySegment a, long x, boolean sigmoid, MemorySegment b, long y, long end) {
    VectorMask<Float> one = FloatVector.broadcast(FLOATS, sigmoid ? 1f : 0f).compare(GT, 0f);
    for (long i = 0; i < end; i += BYTES) {
      FloatVector input = FloatVector.fromMemorySegment(FLOATS, a, x + i, ORDER);
      FloatVector v = input.neg();
      v = v.blend(ScalarFunctions.EXP_LOW, v.compare(LT, ScalarFunctions.EXP_LOW));
      v = v.blend(ScalarFunctions.EXP_HIGH, v.compare(GT, ScalarFunctions.EXP_HIGH));
      FloatVector t = v.fma(ScalarFunctions.LOG2_E, ScalarFunctions.ROUNDER);
      FloatVector whole = t.sub(ScalarFunctions.ROUNDER);
      FloatVector r = whole.lanewise(FMA, -ScalarFunctions.LN2_HIGH, v);
      r = whole.lanewise(FMA, -ScalarFunctions.LN2_LOW, r);
      FloatVector p = r.fma(ScalarFunctions.E6, ScalarFunctions.E5);
      p = p.lanewise(FMA, r, ScalarFunctions.E4);
      p = p.lanewise(FMA, r, ScalarFunctions.E3);
      p = p.lanewise(FMA, r, ScalarFunctions.E2);
      FloatVector e = r.mul(r).fma(p, r).add(1f);
      IntVector n = t.reinterpretAsInts().sub(ScalarFunctions.ROUNDER_BITS);
      IntVector half = n.lanewise(ASHR, 1);
      e = e.mul(half.add(BIAS).lanewise(LSHL, 23).reinterpretAsFloats());
      e = e.mul(n.sub(half).add(BIAS).lanewise(LSHL, 23).reinterpretAsFloats());
      input.blend(1f, one).div(e.add(1f)).intoMemorySegment(b, y + i, ORDER);
    }
  }

  /** y = gelu_tanh(x) · z, or gelu_tanh(x) if {@code alone}; z at {@code c, z} is read anyway. */
  static void geluTanh(
      MemorySegment a,
      long x,
      MemorySegment c,
      long z,
      boolean alone,
      MemorySegment b,
      long y,
      long end) {
    VectorMask<Float> one = FloatVector.broadcast(FLOATS, alone ? 1f : 0f).compare(GT, 0f);
    for (long i = 0; i < end; i += BYTES) {
      FloatVector input = FloatVector.fromMemorySegment(FLOATS, a, x + i, ORDER);
      FloatVector factor = FloatVector.fromMemorySegment(FLOATS, c, z + i, ORDER).blend(1f, one);
      FloatVector v = input.mul(input).fma(ScalarFunctions.GELU_CUBE, ScalarFunctions.GELU);
      v = input.mul(v);
      v = v.blend(ScalarFunctions.EXP_LOW, v.compare(LT, ScalarFunctions.EXP_LOW));
      v = v.blend(ScalarFunctions.EXP_HIGH, v.compare(GT, ScalarFunctions.EXP_HIGH));
      FloatVector t = v.fma(ScalarFunctions.LOG2_E, ScalarFunctions.ROUNDER);
      FloatVector whole = t.sub(ScalarFunctions.ROUNDER);
      FloatVector r = whole.lanewise(FMA, -ScalarFunctions.LN2_HIGH, v);
      r = whole.lanewise(FMA, -ScalarFunctions.LN2_LOW, r);
      FloatVector p = r.fma(ScalarFunctions.E6, ScalarFunctions.E5);
      p = p.lanewise(FMA, r, ScalarFunctions.E4);
      p = p.lanewise(FMA, r, ScalarFunctions.E3);
      p = p.lanewise(FMA, r, ScalarFunctions.E2);
      FloatVector e = r.mul(r).fma(p, r).add(1f);
      IntVector n = t.reinterpretAsInts().sub(ScalarFunctions.ROUNDER_BITS);
      IntVector half = n.lanewise(ASHR, 1);
      e = e.mul(half.add(BIAS).lanewise(LSHL, 23).reinterpretAsFloats());
      e = e.mul(n.sub(half).add(BIAS).lanewise(LSHL, 23).reinterpretAsFloats());
      input.div(e.add(1f)).mul(factor).intoMemorySegment(b, y + i, ORDER);
    }
  }

  /** y = cap · tanh(x / cap). */
  static void tanh(float cap, MemorySegment a, long x, MemorySegment b, long y, long end) {
    for (long i = 0; i < end; i += BYTES) {
      FloatVector input = FloatVector.fromMemorySegment(FLOATS, a, x + i, ORDER).div(cap);
      IntVector bits = input.reinterpretAsInts();
      FloatVector v = bits.and(MAGNITUDE).reinterpretAsFloats();
      v = v.add(v);
      v = v.blend(ScalarFunctions.TANH_HIGH, v.compare(GT, ScalarFunctions.TANH_HIGH));
      FloatVector t = v.fma(ScalarFunctions.LOG2_E, ScalarFunctions.ROUNDER);
      FloatVector whole = t.sub(ScalarFunctions.ROUNDER);
      FloatVector r = whole.lanewise(FMA, -ScalarFunctions.LN2_HIGH, v);
      r = whole.lanewise(FMA, -ScalarFunctions.LN2_LOW, r);
      FloatVector p = r.fma(ScalarFunctions.E6, ScalarFunctions.E5);
      p = p.lanewise(FMA, r, ScalarFunctions.E4);
      p = p.lanewise(FMA, r, ScalarFunctions.E3);
      p = p.lanewise(FMA, r, ScalarFunctions.E2);
      IntVector n = t.reinterpretAsInts().sub(ScalarFunctions.ROUNDER_BITS - BIAS);
      FloatVector power = n.lanewise(LSHL, 23).reinterpretAsFloats();
      FloatVector m = power.fma(r.mul(r).fma(p, r), power.sub(1f));
      IntVector positive = m.div(m.add(2f)).reinterpretAsInts();
      FloatVector result = positive.or(bits.and(SIGN)).reinterpretAsFloats();
      result.mul(cap).intoMemorySegment(b, y + i, ORDER);
    }
  }

  /** y = x·Φ(x). */
  static void geluErf(MemorySegment a, long x, MemorySegment b, long y, long end) {
    for (long i = 0; i < end; i += BYTES) {
      FloatVector input = FloatVector.fromMemorySegment(FLOATS, a, x + i, ORDER);
      FloatVector magnitude = input.reinterpretAsInts().and(MAGNITUDE).reinterpretAsFloats();
      FloatVector z = magnitude.mul(ScalarFunctions.SQRT_HALF);
      FloatVector q = FloatVector.broadcast(FLOATS, 1f).div(z.fma(ScalarFunctions.ERFC_FACTOR, 1f));
      FloatVector erfc = q.fma(ScalarFunctions.C9, ScalarFunctions.C8);
      erfc = erfc.lanewise(FMA, q, ScalarFunctions.C7);
      erfc = erfc.lanewise(FMA, q, ScalarFunctions.C6);
      erfc = erfc.lanewise(FMA, q, ScalarFunctions.C5);
      erfc = erfc.lanewise(FMA, q, ScalarFunctions.C4);
      erfc = erfc.lanewise(FMA, q, ScalarFunctions.C3);
      erfc = erfc.lanewise(FMA, q, ScalarFunctions.C2);
      erfc = erfc.lanewise(FMA, q, ScalarFunctions.C1);
      erfc = erfc.lanewise(FMA, q, ScalarFunctions.C0);
      FloatVector v = z.mul(z).neg();
      v = v.blend(ScalarFunctions.TAIL_LOW, v.compare(LT, ScalarFunctions.TAIL_LOW));
      FloatVector t = v.fma(ScalarFunctions.LOG2_E, ScalarFunctions.ROUNDER);
      FloatVector whole = t.sub(ScalarFunctions.ROUNDER);
      FloatVector r = whole.lanewise(FMA, -ScalarFunctions.LN2_HIGH, v);
      r = whole.lanewise(FMA, -ScalarFunctions.LN2_LOW, r);
      FloatVector p = r.fma(ScalarFunctions.E6, ScalarFunctions.E5);
      p = p.lanewise(FMA, r, ScalarFunctions.E4);
      p = p.lanewise(FMA, r, ScalarFunctions.E3);
      p = p.lanewise(FMA, r, ScalarFunctions.E2);
      IntVector n = t.reinterpretAsInts().sub(ScalarFunctions.ROUNDER_BITS - BIAS);
      FloatVector power = n.lanewise(LSHL, 23).reinterpretAsFloats();
      FloatVector e = r.mul(r).fma(p, r).add(1f).mul(power);
      FloatVector tail = magnitude.mul(0.5f).mul(erfc.mul(e));
      input.blend(0f, input.compare(LE, 0f)).sub(tail).intoMemorySegment(b, y + i, ORDER);
    }
  }
}
