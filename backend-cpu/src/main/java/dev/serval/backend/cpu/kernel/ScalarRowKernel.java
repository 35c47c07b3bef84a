package dev.serval.backend.cpu.kernel;

import dev.serval.api.graph.Elementwise.BinaryKind;
import dev.serval.api.graph.Elementwise.UnaryKind;
import dev.serval.api.graph.Reduction.ReduceKind;
import dev.serval.api.tensor.DataType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;

/** {@link RowKernel} without vectors: the oracle of the vector kernel, and its fall-back. */
final class ScalarRowKernel implements RowKernel {

  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
  private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;

  private static float get(MemorySegment s, long index) {
    return s.get(FLOAT, 4 * index);
  }

  private static void set(MemorySegment s, long index, float v) {
    s.set(FLOAT, 4 * index, v);
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
    float mean = reduce(ReduceKind.SUM_SQUARES, x, xOffset, n) / n;
    float factor = 1 / (float) Math.sqrt(mean + eps);
    for (int i = 0; i < n; i++) {
      float v = get(x, xOffset + i) * factor;
      set(y, yOffset + i, weight.isPresent() ? v * get(weight.get(), i) : v);
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
    float mean = reduce(ReduceKind.MEAN, x, xOffset, n);
    float variance = Sums.squaredDistances(x, xOffset, n, mean) / n;
    float factor = 1 / (float) Math.sqrt(variance + eps);
    for (int i = 0; i < n; i++) {
      float v = (get(x, xOffset + i) - mean) * factor;
      float w = get(weight, i);
      set(y, yOffset + i, bias.isPresent() ? Math.fma(v, w, get(bias.get(), i)) : v * w);
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
    for (int head = 0; head < heads; head++) {
      long from = xOffset + (long) head * headDim;
      long to = yOffset + (long) head * headDim;
      for (int p = 0; p < pairs; p++) {
        int i = neox ? p : 2 * p;
        int j = neox ? p + pairs : 2 * p + 1;
        float cos = get(cosSin, cosSinOffset + p);
        float sin = get(cosSin, cosSinOffset + pairs + p);
        float a = get(x, from + i);
        float b = get(x, from + j);
        set(y, to + i, Math.fma(a, cos, -(b * sin)));
        set(y, to + j, Math.fma(a, sin, b * cos));
      }
      for (int i = nRot; i < headDim; i++) {
        set(y, to + i, get(x, from + i));
      }
    }
  }

  @Override
  public void softmax(MemorySegment x, long xOffset, MemorySegment y, long yOffset, int n) {
    float max = reduce(ReduceKind.MAX, x, xOffset, n);
    for (int i = 0; i < n; i++) {
      set(y, yOffset + i, ScalarFunctions.exp(get(x, xOffset + i) - max));
    }
    float sum = reduce(ReduceKind.SUM, y, yOffset, n);
    for (int i = 0; i < n; i++) {
      set(y, yOffset + i, get(y, yOffset + i) / sum);
    }
  }

  @Override
  public float reduce(ReduceKind kind, MemorySegment x, long xOffset, int n) {
    return switch (kind) {
      case SUM -> Sums.plain(x, xOffset, n);
      case MEAN -> Sums.plain(x, xOffset, n) / n;
      case MAX -> Sums.max(x, xOffset, n);
      case SUM_SQUARES -> Sums.squaredDistances(x, xOffset, n, 0);
    };
  }

  @Override
  public void unary(
      UnaryKind kind, MemorySegment x, long xOffset, MemorySegment y, long yOffset, int n) {
    for (int i = 0; i < n; i++) {
      set(y, yOffset + i, ScalarFunctions.apply(kind, get(x, xOffset + i)));
    }
  }

  private static float combine(BinaryKind kind, float a, float b) {
    return switch (kind) {
      case ADD -> a + b;
      case SUB -> a - b;
      case MUL -> a * b;
      case DIV -> a / b;
    };
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
    for (int i = 0; i < n; i++) {
      set(y, yOffset + i, combine(kind, get(a, aOffset + i), get(b, bOffset + i)));
    }
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
    for (int i = 0; i < n; i++) {
      float v = get(a, aOffset + i);
      set(y, yOffset + i, swapped ? combine(kind, b, v) : combine(kind, v, b));
    }
  }

  @Override
  public void clamp(
      MemorySegment x, long xOffset, float low, float high, MemorySegment y, long yOffset, int n) {
    for (int i = 0; i < n; i++) {
      float v = get(x, xOffset + i);
      v = v < low ? low : v;
      set(y, yOffset + i, v > high ? high : v);
    }
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
    for (int i = 0; i < n; i++) {
      float g = ScalarFunctions.geluTanh(get(gate, gateOffset + i));
      set(y, yOffset + i, g * get(up, upOffset + i));
    }
  }

  @Override
  public void softCap(
      float cap, MemorySegment x, long xOffset, MemorySegment y, long yOffset, int n) {
    for (int i = 0; i < n; i++) {
      set(y, yOffset + i, cap * ScalarFunctions.tanh(get(x, xOffset + i) / cap));
    }
  }

  @Override
  public void addScaled(
      float factor, MemorySegment x, long xOffset, MemorySegment y, long yOffset, int n) {
    for (int i = 0; i < n; i++) {
      set(y, yOffset + i, Math.fma(factor, get(x, xOffset + i), get(y, yOffset + i)));
    }
  }

  @Override
  public void store(
      MemorySegment x, long xOffset, DataType type, MemorySegment target, long targetByte, int n) {
    switch (type) {
      case F32 -> MemorySegment.copy(x, 4 * xOffset, target, targetByte, 4L * n);
      case F16 -> {
        for (int i = 0; i < n; i++) {
          short half = (short) Halves.toHalf(get(x, xOffset + i));
          target.set(SHORT, targetByte + 2L * i, half);
        }
      }
      case Q8_0, Q4_0 -> RowBlocks.store(x, xOffset, type, target, targetByte, n);
      default -> throw new IllegalArgumentException("rows cannot be stored as " + type);
    }
  }

  @Override
  public void load(
      DataType type, MemorySegment source, long sourceByte, MemorySegment y, long yOffset, int n) {
    FileRows.expand(type, source, sourceByte, y, yOffset, n);
  }
}
