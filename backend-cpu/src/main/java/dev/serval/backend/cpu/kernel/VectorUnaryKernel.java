package dev.serval.backend.cpu.kernel;

import static dev.serval.backend.cpu.kernel.Lanes.FLOATS;
import static dev.serval.backend.cpu.kernel.Lanes.LENGTH;
import static dev.serval.backend.cpu.kernel.Lanes.ORDER;
import static jdk.incubator.vector.VectorOperators.LE;
import static jdk.incubator.vector.VectorOperators.SQRT;

import dev.serval.api.graph.Elementwise.UnaryKind;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/**
 * Functions of one run of floats, whole vectors only: one small loop per function. {@code x} and
 * {@code y} are byte offsets, {@code end} the bytes of whole vectors.
 */
final class VectorUnaryKernel {

  private VectorUnaryKernel() {}

  /** Applies a function to the whole vectors among n floats; returns how many floats that were. */
  static int apply(UnaryKind kind, MemorySegment a, long x, MemorySegment b, long y, int n) {
    int whole = n - n % LENGTH;
    long end = 4L * whole;
    switch (kind) {
      case RELU -> relu(a, x, b, y, end);
      case SILU -> VectorFunctions.silu(a, x, false, b, y, end);
      case GELU_TANH -> VectorFunctions.geluTanh(a, x, a, x, true, b, y, end);
      case GELU_ERF -> VectorFunctions.geluErf(a, x, b, y, end);
      case TANH -> VectorFunctions.tanh(1, a, x, b, y, end);
      case SIGMOID -> VectorFunctions.silu(a, x, true, b, y, end);
      case EXP -> VectorFunctions.exp(a, x, 0, b, y, end);
      case SQRT -> sqrt(a, x, b, y, end);
      case RSQRT -> rsqrt(a, x, b, y, end);
    }
    return whole;
  }

  private static void relu(MemorySegment a, long x, MemorySegment b, long y, long end) {
    for (long i = 0; i < end; i += Lanes.BYTES) {
      FloatVector v = FloatVector.fromMemorySegment(FLOATS, a, x + i, ORDER);
      v.blend(0f, v.compare(LE, 0f)).intoMemorySegment(b, y + i, ORDER);
    }
  }

  private static void sqrt(MemorySegment a, long x, MemorySegment b, long y, long end) {
    for (long i = 0; i < end; i += Lanes.BYTES) {
      FloatVector v = FloatVector.fromMemorySegment(FLOATS, a, x + i, ORDER);
      v.lanewise(SQRT).intoMemorySegment(b, y + i, ORDER);
    }
  }

  private static void rsqrt(MemorySegment a, long x, MemorySegment b, long y, long end) {
    for (long i = 0; i < end; i += Lanes.BYTES) {
      FloatVector v = FloatVector.fromMemorySegment(FLOATS, a, x + i, ORDER);
      FloatVector.broadcast(FLOATS, 1f).div(v.lanewise(SQRT)).intoMemorySegment(b, y + i, ORDER);
    }
  }
}
