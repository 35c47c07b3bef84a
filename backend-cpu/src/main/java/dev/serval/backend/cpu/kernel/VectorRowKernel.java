package dev.serval.backend.cpu.kernel;

import static dev.serval.backend.cpu.kernel.Lanes.BYTES;
import static dev.serval.backend.cpu.kernel.Lanes.FLOATS;
import static dev.serval.backend.cpu.kernel.Lanes.LENGTH;
import static dev.serval.backend.cpu.kernel.Lanes.ORDER;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LT;

import dev.serval.api.graph.Elementwise.BinaryKind;
import dev.serval.api.graph.Elementwise.UnaryKind;
import dev.serval.api.graph.Reduction.ReduceKind;
import dev.serval.api.tensor.DataType;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import jdk.incubator.vector.FloatVector;

/**
 * {@link RowKernel} on vectors; elements past the last whole vector, and formats that are read once
 * per token, are left to the scalar twin, whose bits are the same.
 */
final class VectorRowKernel implements RowKernel {

  private final ScalarRowKernel scalar = new ScalarRowKernel();

  private static int whole(int n) {
    return n - n % LENGTH;
  }

  @Override
  public void rmsNorm(
      MemorySegment x,
      long xOffset,
      Optional<MemorySegment> weight,
      MemorySegment y,
      long yOffset,
      int n,
      float eps) {
    float mean = VectorSumKernel.squaredDistances(x, 4 * xOffset, n, 0) / n;
    float factor = 1 / (float) Math.sqrt(mean + eps);
    if (weight.isEmpty()) {
      binaryScalar(BinaryKind.MUL, x, xOffset, factor, false, y, yOffset, n);
      return;
    }
    MemorySegment w = weight.get();
    int whole = whole(n);
    for (long i = 0; i < 4L * whole; i += BYTES) {
      FloatVector.fromMemorySegment(FLOATS, x, 4 * xOffset + i, ORDER)
          .mul(factor)
          .mul(FloatVector.fromMemorySegment(FLOATS, w, i, ORDER))
          .intoMemorySegment(y, 4 * yOffset + i, ORDER);
    }
    for (long i = whole; i < n; i++) {
      float v = x.get(Lanes.FLOAT, 4 * (xOffset + i)) * factor;
      y.set(Lanes.FLOAT, 4 * (yOffset + i), v * w.get(Lanes.FLOAT, 4 * i));
    }
  }

  @Override
  public void layerNorm(
      MemorySegment x,
      long xOffset,
      MemorySegment weight,
      Optional<MemorySegment> bias,
      MemorySegment y,
      long yOffset,
      int n,
      float eps) {
    float mean = VectorSumKernel.plain(x, 4 * xOffset, n) / n;
    float variance = VectorSumKernel.squaredDistances(x, 4 * xOffset, n, mean) / n;
    float factor = 1 / (float) Math.sqrt(variance + eps);
    int whole = whole(n);
    for (long i = 0; i < 4L * whole; i += BYTES) {
      FloatVector v =
          FloatVector.fromMemorySegment(FLOATS, x, 4 * xOffset + i, ORDER).sub(mean).mul(factor);
      FloatVector w = FloatVector.fromMemorySegment(FLOATS, weight, i, ORDER);
      v =
          bias.isPresent()
              ? v.fma(w, FloatVector.fromMemorySegment(FLOATS, bias.get(), i, ORDER))
              : v.mul(w);
      v.intoMemorySegment(y, 4 * yOffset + i, ORDER);
    }
    for (long i = whole; i < n; i++) {
      float v = (x.get(Lanes.FLOAT, 4 * (xOffset + i)) - mean) * factor;
      float w = weight.get(Lanes.FLOAT, 4 * i);
      v = bias.isPresent() ? Math.fma(v, w, bias.get().get(Lanes.FLOAT, 4 * i)) : v * w;
      y.set(Lanes.FLOAT, 4 * (yOffset + i), v);
    }
  }

  @Override
  public void rope(
      MemorySegment x,
      long xOffset,
      MemorySegment y,
      long yOffset,
      int heads,
      int headDim,
      int nRot,
      boolean neox,
      MemorySegment cosSin,
      long cosSinOffset) {
    int pairs = nRot / 2;
    if (!neox || pairs % LENGTH != 0 || nRot != headDim) {
      scalar.rope(x, xOffset, y, yOffset, heads, headDim, nRot, neox, cosSin, cosSinOffset);
      return;
    }
    long half = 4L * pairs;
    for (int head = 0; head < heads; head++) {
      long from = 4 * (xOffset + (long) head * headDim);
      long to = 4 * (yOffset + (long) head * headDim);
      for (long i = 0; i < half; i += BYTES) {
        FloatVector cos =
            FloatVector.fromMemorySegment(FLOATS, cosSin, 4 * cosSinOffset + i, ORDER);
        FloatVector sin =
            FloatVector.fromMemorySegment(FLOATS, cosSin, 4 * cosSinOffset + half + i, ORDER);
        FloatVector a = FloatVector.fromMemorySegment(FLOATS, x, from + i, ORDER);
        FloatVector b = FloatVector.fromMemorySegment(FLOATS, x, from + half + i, ORDER);
        a.fma(cos, b.mul(sin).neg()).intoMemorySegment(y, to + i, ORDER);
        a.fma(sin, b.mul(cos)).intoMemorySegment(y, to + half + i, ORDER);
      }
    }
  }

  @Override
  public void softmax(MemorySegment x, long xOffset, MemorySegment y, long yOffset, int n) {
    float max = VectorSumKernel.max(x, 4 * xOffset, n);
    int whole = whole(n);
    VectorFunctions.exp(x, 4 * xOffset, max, y, 4 * yOffset, 4L * whole);
    for (long i = whole; i < n; i++) {
      float v = ScalarFunctions.exp(x.get(Lanes.FLOAT, 4 * (xOffset + i)) - max);
      y.set(Lanes.FLOAT, 4 * (yOffset + i), v);
    }
    float sum = VectorSumKernel.plain(y, 4 * yOffset, n);
    binaryScalar(BinaryKind.DIV, y, yOffset, sum, false, y, yOffset, n);
  }

  @Override
  public float reduce(ReduceKind kind, MemorySegment x, long xOffset, int n) {
    return switch (kind) {
      case SUM -> VectorSumKernel.plain(x, 4 * xOffset, n);
      case MEAN -> VectorSumKernel.plain(x, 4 * xOffset, n) / n;
      case MAX -> VectorSumKernel.max(x, 4 * xOffset, n);
      case SUM_SQUARES -> VectorSumKernel.squaredDistances(x, 4 * xOffset, n, 0);
    };
  }

  @Override
  public void unary(
      UnaryKind kind, MemorySegment x, long xOffset, MemorySegment y, long yOffset, int n) {
    int done = VectorUnaryKernel.apply(kind, x, 4 * xOffset, y, 4 * yOffset, n);
    scalar.unary(kind, x, xOffset + done, y, yOffset + done, n - done);
  }

  @Override
  public void binary(
      BinaryKind kind,
      MemorySegment a,
      long aOffset,
      MemorySegment b,
      long bOffset,
      MemorySegment y,
      long yOffset,
      int n) {
    int done = whole(n);
    for (long i = 0; i < 4L * done; i += BYTES) {
      FloatVector v = FloatVector.fromMemorySegment(FLOATS, a, 4 * aOffset + i, ORDER);
      FloatVector w = FloatVector.fromMemorySegment(FLOATS, b, 4 * bOffset + i, ORDER);
      FloatVector r =
          switch (kind) {
            case ADD -> v.add(w);
            case SUB -> v.sub(w);
            case MUL -> v.mul(w);
            case DIV -> v.div(w);
          };
      r.intoMemorySegment(y, 4 * yOffset + i, ORDER);
    }
    scalar.binary(kind, a, aOffset + done, b, bOffset + done, y, yOffset + done, n - done);
  }

  @Override
  public void binaryScalar(
      BinaryKind kind,
      MemorySegment a,
      long aOffset,
      float b,
      boolean swapped,
      MemorySegment y,
      long yOffset,
      int n) {
    int done = whole(n);
    FloatVector w = FloatVector.broadcast(FLOATS, b);
    for (long i = 0; i < 4L * done; i += BYTES) {
      FloatVector v = FloatVector.fromMemorySegment(FLOATS, a, 4 * aOffset + i, ORDER);
      FloatVector r =
          switch (kind) {
            case ADD -> v.add(w);
            case SUB -> swapped ? w.sub(v) : v.sub(w);
            case MUL -> v.mul(w);
            case DIV -> swapped ? w.div(v) : v.div(w);
          };
      r.intoMemorySegment(y, 4 * yOffset + i, ORDER);
    }
    scalar.binaryScalar(kind, a, aOffset + done, b, swapped, y, yOffset + done, n - done);
  }

  @Override
  public void clamp(
      MemorySegment x, long xOffset, float low, float high, MemorySegment y, long yOffset, int n) {
    int done = whole(n);
    for (long i = 0; i < 4L * done; i += BYTES) {
      FloatVector v = FloatVector.fromMemorySegment(FLOATS, x, 4 * xOffset + i, ORDER);
      v = v.blend(low, v.compare(LT, low));
      v.blend(high, v.compare(GT, high)).intoMemorySegment(y, 4 * yOffset + i, ORDER);
    }
    scalar.clamp(x, xOffset + done, low, high, y, yOffset + done, n - done);
  }

  @Override
  public void geglu(
      MemorySegment gate,
      long gateOffset,
      MemorySegment up,
      long upOffset,
      MemorySegment y,
      long yOffset,
      int n) {
    int done = whole(n);
    VectorFunctions.geluTanh(
        gate, 4 * gateOffset, up, 4 * upOffset, false, y, 4 * yOffset, 4L * done);
    scalar.geglu(gate, gateOffset + done, up, upOffset + done, y, yOffset + done, n - done);
  }

  @Override
  public void softCap(
      float cap, MemorySegment x, long xOffset, MemorySegment y, long yOffset, int n) {
    int done = whole(n);
    VectorFunctions.tanh(cap, x, 4 * xOffset, y, 4 * yOffset, 4L * done);
    scalar.softCap(cap, x, xOffset + done, y, yOffset + done, n - done);
  }

  @Override
  public void addScaled(
      float factor, MemorySegment x, long xOffset, MemorySegment y, long yOffset, int n) {
    int done = whole(n);
    FloatVector f = FloatVector.broadcast(FLOATS, factor);
    for (long i = 0; i < 4L * done; i += BYTES) {
      FloatVector.fromMemorySegment(FLOATS, x, 4 * xOffset + i, ORDER)
          .fma(f, FloatVector.fromMemorySegment(FLOATS, y, 4 * yOffset + i, ORDER))
          .intoMemorySegment(y, 4 * yOffset + i, ORDER);
    }
    scalar.addScaled(factor, x, xOffset + done, y, yOffset + done, n - done);
  }

  @Override
  public void store(
      MemorySegment x, long xOffset, DataType type, MemorySegment target, long targetByte, int n) {
    int done = type == DataType.F16 ? whole(n) : 0;
    VectorCodecKernel.toHalves(x, 4 * xOffset, target, targetByte, done);
    scalar.store(x, xOffset + done, type, target, targetByte + 2L * done, n - done);
  }

  @Override
  public void load(
      DataType type, MemorySegment source, long sourceByte, MemorySegment y, long yOffset, int n) {
    if (type == DataType.F32) {
      MemorySegment.copy(source, sourceByte, y, 4 * yOffset, 4L * n);
      return;
    }
    if (type == DataType.Q8_0 && n % type.blockLength() == 0) {
      VectorBlockKernel.fromBytes(source, sourceByte, y, 4 * yOffset, n);
      return;
    }
    if (type == DataType.Q4_0 && n % type.blockLength() == 0) {
      VectorBlockKernel.fromNibbles(source, sourceByte, y, 4 * yOffset, n);
      return;
    }
    int done = 0;
    if (type == DataType.F16) {
      done = whole(n);
      VectorCodecKernel.fromHalves(source, sourceByte, y, 4 * yOffset, done);
    } else if (type == DataType.BF16) {
      done = whole(n);
      VectorCodecKernel.fromBrains(source, sourceByte, y, 4 * yOffset, done);
    }
    scalar.load(type, source, sourceByte + 2L * done, y, yOffset + done, n - done);
  }
}
