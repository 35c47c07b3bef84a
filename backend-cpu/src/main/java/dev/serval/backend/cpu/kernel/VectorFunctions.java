package dev.serval.backend.cpu.kernel;

import static dev.serval.backend.cpu.kernel.Lanes.FLOATS;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LE;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LT;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorShuffle;

/**
 * {@link ScalarFunctions} on lanes, operation by operation the same. Callers keep one of them per
 * loop, so that the compiler inlines it.
 */
final class VectorFunctions {

  /** Rotations of lanes, for the pairwise joining of 16 parts. */
  static final VectorShuffle<Float> BY_8 = VectorShuffle.iota(FLOATS, 8, 1, true);

  static final VectorShuffle<Float> BY_4 = VectorShuffle.iota(FLOATS, 4, 1, true);
  static final VectorShuffle<Float> BY_2 = VectorShuffle.iota(FLOATS, 2, 1, true);
  static final VectorShuffle<Float> BY_1 = VectorShuffle.iota(FLOATS, 1, 1, true);

  private VectorFunctions() {}

  static FloatVector exp(FloatVector x) {
    FloatVector v = x.blend(ScalarFunctions.EXP_LOW, x.compare(LT, ScalarFunctions.EXP_LOW));
    v = v.blend(ScalarFunctions.EXP_HIGH, v.compare(GT, ScalarFunctions.EXP_HIGH));
    FloatVector t = v.fma(constant(ScalarFunctions.LOG2_E), constant(ScalarFunctions.ROUNDER));
    IntVector n = t.reinterpretAsInts().sub(ScalarFunctions.ROUNDER_BITS);
    FloatVector e = lessOne(v, t.sub(ScalarFunctions.ROUNDER)).add(1f);
    IntVector half = n.lanewise(ASHR, 1);
    return e.mul(powerOfTwo(half)).mul(powerOfTwo(n.sub(half)));
  }

  private static FloatVector powerOfTwo(IntVector n) {
    return n.add(127).lanewise(LSHL, 23).reinterpretAsFloats();
  }

  private static FloatVector constant(float c) {
    return FloatVector.broadcast(FLOATS, c);
  }

  private static FloatVector lessOne(FloatVector v, FloatVector whole) {
    FloatVector r =
        whole.fma(
            constant(-ScalarFunctions.LN2_LOW), whole.fma(constant(-ScalarFunctions.LN2_HIGH), v));
    FloatVector p = constant(ScalarFunctions.E6).fma(r, constant(ScalarFunctions.E5));
    p = p.fma(r, constant(ScalarFunctions.E4));
    p = p.fma(r, constant(ScalarFunctions.E3));
    p = p.fma(r, constant(ScalarFunctions.E2));
    return r.mul(r).fma(p, r);
  }

  static FloatVector tanh(FloatVector x) {
    IntVector bits = x.reinterpretAsInts();
    FloatVector magnitude = bits.and(0x7fffffff).reinterpretAsFloats();
    FloatVector v = magnitude.add(magnitude);
    v = v.blend(ScalarFunctions.TANH_HIGH, v.compare(GT, ScalarFunctions.TANH_HIGH));
    FloatVector t = v.fma(constant(ScalarFunctions.LOG2_E), constant(ScalarFunctions.ROUNDER));
    FloatVector power = powerOfTwo(t.reinterpretAsInts().sub(ScalarFunctions.ROUNDER_BITS));
    FloatVector m = power.fma(lessOne(v, t.sub(ScalarFunctions.ROUNDER)), power.sub(1f));
    IntVector positive = m.div(m.add(2f)).reinterpretAsInts();
    return positive.or(bits.and(0x80000000)).reinterpretAsFloats();
  }

  static FloatVector sigmoid(FloatVector x) {
    return constant(1).div(exp(x.neg()).add(1f));
  }

  static FloatVector silu(FloatVector x) {
    return x.div(exp(x.neg()).add(1f));
  }

  static FloatVector geluTanh(FloatVector x) {
    FloatVector u =
        x.mul(x).fma(constant(ScalarFunctions.GELU_CUBE), constant(ScalarFunctions.GELU));
    return x.div(exp(x.mul(u)).add(1f));
  }

  static FloatVector geluErf(FloatVector x) {
    FloatVector magnitude = x.reinterpretAsInts().and(0x7fffffff).reinterpretAsFloats();
    FloatVector z = magnitude.mul(ScalarFunctions.SQRT_HALF);
    FloatVector t = constant(1).div(z.fma(constant(ScalarFunctions.ERFC_FACTOR), constant(1)));
    FloatVector p = constant(ScalarFunctions.C9).fma(t, constant(ScalarFunctions.C8));
    p = p.fma(t, constant(ScalarFunctions.C7));
    p = p.fma(t, constant(ScalarFunctions.C6));
    p = p.fma(t, constant(ScalarFunctions.C5));
    p = p.fma(t, constant(ScalarFunctions.C4));
    p = p.fma(t, constant(ScalarFunctions.C3));
    p = p.fma(t, constant(ScalarFunctions.C2));
    p = p.fma(t, constant(ScalarFunctions.C1));
    p = p.fma(t, constant(ScalarFunctions.C0));
    FloatVector v = z.mul(z).neg();
    v = v.blend(ScalarFunctions.TAIL_LOW, v.compare(LT, ScalarFunctions.TAIL_LOW));
    FloatVector u = v.fma(constant(ScalarFunctions.LOG2_E), constant(ScalarFunctions.ROUNDER));
    FloatVector power = powerOfTwo(u.reinterpretAsInts().sub(ScalarFunctions.ROUNDER_BITS));
    FloatVector e = lessOne(v, u.sub(ScalarFunctions.ROUNDER)).add(1f).mul(power);
    FloatVector tail = magnitude.mul(0.5f).mul(p.mul(e));
    return x.blend(0f, x.compare(LE, 0f)).sub(tail);
  }
}
