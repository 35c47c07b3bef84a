package dev.serval.backend.cpu.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.graph.Elementwise.BinaryKind;
import dev.serval.api.graph.Elementwise.UnaryKind;
import dev.serval.api.graph.Reduction.ReduceKind;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class RowKernelTest {

  private static final int[] SIZES = {1, 3, 4, 7, 8, 15, 16, 17, 31, 32, 33, 48, 63, 100, 640};
  private static final float GUARD = 777;

  /** One operation on a run: inputs at an offset of 5, output at 9. */
  private interface Operation {
    void run(RowKernel kernel, MemorySegment x, MemorySegment y, int n);
  }

  private final Arena arena = Arena.ofConfined();
  private final RowKernel scalar = KernelSets.scalar().rows();
  private final RowKernel vector = KernelSets.vector().rows();

  @AfterEach
  void close() {
    arena.close();
  }

  private MemorySegment inputs(int n, double scale, boolean specials) {
    MemorySegment x = Samples.floats(arena, n + 5L, n);
    for (int i = 0; i < n + 5; i++) {
      float v = (float) (x.get(Samples.FLOAT, 4L * i) * scale);
      x.set(Samples.FLOAT, 4L * i, v);
    }
    float[] special = {
      0,
      -0f,
      Float.NaN,
      Float.POSITIVE_INFINITY,
      Float.NEGATIVE_INFINITY,
      Float.MIN_VALUE,
      1e-39f,
      Float.MAX_VALUE,
      -Float.MAX_VALUE,
      88.7f,
      88.8f,
      -87.4f,
      -103f,
      -104.5f,
      0.625f,
      -1e-20f
    };
    for (int i = 0; specials && i < Math.min(n, special.length); i++) {
      x.set(Samples.FLOAT, 4L * (5 + (i * 7 + 3) % n), special[i]);
    }
    return x;
  }

  private void assertTwins(String what, Operation operation) {
    for (int n : SIZES) {
      for (boolean specials : new boolean[] {false, true}) {
        MemorySegment x = inputs(n, 4, specials);
        MemorySegment expected = guarded(n);
        MemorySegment actual = guarded(n);
        operation.run(scalar, x, expected, n);
        operation.run(vector, x, actual, n);
        Samples.assertSame(what + " n=" + n, expected, 0, actual, 0, n + 25L);
        for (int i = 0; i < 9; i++) {
          assertEquals(GUARD, actual.get(Samples.FLOAT, 4L * i), what);
          assertEquals(GUARD, actual.get(Samples.FLOAT, 4L * (n + 9 + i)), what);
        }
      }
    }
  }

  private MemorySegment guarded(int n) {
    MemorySegment y = arena.allocate(4L * (n + 25));
    for (int i = 0; i < n + 25; i++) {
      y.set(Samples.FLOAT, 4L * i, GUARD);
    }
    return y;
  }

  @Test
  void unaryFunctionsAreTwins() {
    for (UnaryKind kind : UnaryKind.values()) {
      assertTwins(kind.name(), (k, x, y, n) -> k.unary(kind, x, 5, y, 9, n));
    }
  }

  @Test
  void binaryFunctionsAreTwins() {
    for (BinaryKind kind : BinaryKind.values()) {
      assertTwins(kind.name(), (k, x, y, n) -> k.binary(kind, x, 5, x, 3, y, 9, n));
      assertTwins(kind + " s", (k, x, y, n) -> k.binaryScalar(kind, x, 5, 3f, false, y, 9, n));
      assertTwins(kind + " w", (k, x, y, n) -> k.binaryScalar(kind, x, 5, 3f, true, y, 9, n));
    }
  }

  @Test
  void normsAndSoftmaxAreTwins() {
    assertTwins("rms", (k, x, y, n) -> k.rmsNorm(x, 5, Optional.of(x), y, 9, n, 1e-6f));
    assertTwins("rms plain", (k, x, y, n) -> k.rmsNorm(x, 5, Optional.empty(), y, 9, n, 1e-6f));
    assertTwins("layer", (k, x, y, n) -> k.layerNorm(x, 5, x, Optional.of(x), y, 9, n, 1e-5f));
    assertTwins("layer w", (k, x, y, n) -> k.layerNorm(x, 5, x, Optional.empty(), y, 9, n, 1e-5f));
    assertTwins("softmax", (k, x, y, n) -> k.softmax(x, 5, y, 9, n));
  }

  @Test
  void otherElementwiseOperationsAreTwins() {
    assertTwins("clamp", (k, x, y, n) -> k.clamp(x, 5, -1, 2, y, 9, n));
    assertTwins("geglu", (k, x, y, n) -> k.geglu(x, 5, x, 2, y, 9, n));
    assertTwins("softCap", (k, x, y, n) -> k.softCap(30, x, 5, y, 9, n));
    assertTwins("addScaled", (k, x, y, n) -> k.addScaled(0.3f, x, 5, y, 9, n));
  }

  @Test
  void reductionsAreTwins() {
    for (ReduceKind kind : ReduceKind.values()) {
      assertTwins(kind.name(), (k, x, y, n) -> y.set(Samples.FLOAT, 36, k.reduce(kind, x, 5, n)));
    }
  }

  @Test
  void rotationsAreTwins() {
    MemorySegment angles = Samples.floats(arena, 400, 3);
    for (boolean neox : new boolean[] {false, true}) {
      for (int rotated : new int[] {8, 32, 64}) {
        MemorySegment x = Samples.floats(arena, 3 * 64, 4);
        MemorySegment expected = guarded(3 * 64);
        MemorySegment actual = guarded(3 * 64);
        scalar.rope(x, 0, expected, 9, 3, 64, rotated, neox, angles, 7);
        vector.rope(x, 0, actual, 9, 3, 64, rotated, neox, angles, 7);
        Samples.assertSame("rope " + rotated, expected, 0, actual, 0, 3 * 64 + 25);
        vector.rope(x, 0, x, 0, 3, 64, rotated, neox, angles, 7);
        Samples.assertSame("rope in place", expected, 9, x, 0, 3 * 64);
      }
    }
  }

  private void assertAccurate(
      UnaryKind kind, double from, double until, double relative, DoubleUnaryOperator exact) {
    int n = 100_000;
    MemorySegment x = arena.allocate(4L * n);
    for (int i = 0; i < n; i++) {
      x.set(Samples.FLOAT, 4L * i, (float) (from + (until - from) * i / (n - 1)));
    }
    MemorySegment y = arena.allocate(4L * n);
    vector.unary(kind, x, 0, y, 0, n);
    for (int i = 0; i < n; i++) {
      double expected = exact.applyAsDouble(x.get(Samples.FLOAT, 4L * i));
      double error = Math.abs(y.get(Samples.FLOAT, 4L * i) - expected);
      if (!(error <= relative * Math.abs(expected))) {
        float at = x.get(Samples.FLOAT, 4L * i);
        throw new AssertionError(kind + "(" + at + ") = " + y.get(Samples.FLOAT, 4L * i));
      }
    }
  }

  @Test
  void functionsAreAccurate() {
    assertAccurate(UnaryKind.EXP, -87, 88.7, 3e-7, Math::exp);
    assertAccurate(UnaryKind.TANH, -12, 12, 4e-7, Math::tanh);
    assertAccurate(UnaryKind.TANH, -1e-3, 1e-3, 2e-7, Math::tanh);
    assertAccurate(UnaryKind.SIGMOID, -80, 80, 6e-7, x -> 1 / (1 + Math.exp(-x)));
    assertAccurate(UnaryKind.SILU, -80, 80, 6e-7, x -> x / (1 + Math.exp(-x)));
    double c = 2 * Math.sqrt(2 / Math.PI);
    // rounding of the exponent, at most 30 here, is multiplied by it
    assertAccurate(
        UnaryKind.GELU_TANH,
        -5,
        12,
        5e-6,
        x -> x / (1 + Math.exp(-c * (x + 0.044715 * x * x * x))));
    assertAccurate(UnaryKind.RSQRT, 1e-3, 100, 2e-7, x -> 1 / Math.sqrt(x));
  }

  @Test
  void exponentialIsNotFlushedForSmallResults() {
    MemorySegment x = arena.allocate(4 * 16);
    for (int i = 0; i < 16; i++) {
      x.set(Samples.FLOAT, 4L * i, -80 - 1.5f * i);
    }
    vector.unary(UnaryKind.EXP, x, 0, x, 0, 16);
    for (int i = 0; i < 16; i++) {
      double expected = Math.exp(-80 - 1.5 * i);
      assertEquals(expected, x.get(Samples.FLOAT, 4L * i), 3e-7 * expected + 0x1p-149, "" + i);
      assertTrue(x.get(Samples.FLOAT, 4L * i) > 0);
    }
  }

  @Test
  void knownValues() {
    MemorySegment x = arena.allocate(4 * 8);
    for (int i = 0; i < 8; i++) {
      x.set(Samples.FLOAT, 4L * i, i + 1);
    }
    MemorySegment y = arena.allocate(4 * 8);
    vector.rmsNorm(x, 0, Optional.empty(), y, 0, 8, 1e-6f);
    for (int i = 0; i < 8; i++) {
      assertEquals(0.19802950 * (i + 1), y.get(Samples.FLOAT, 4L * i), 2e-7);
    }
    assertValue(UnaryKind.GELU_TANH, -3, -0.00363739);
    assertValue(UnaryKind.GELU_TANH, -1, -0.15880801);
    assertValue(UnaryKind.GELU_TANH, 0.5f, 0.34571401);
    assertValue(UnaryKind.GELU_TANH, 3, 2.99636261);
    // x·Φ(x), Φ from tables of the normal distribution
    assertValue(UnaryKind.GELU_ERF, -3, -3 * 0.001349898032);
    assertValue(UnaryKind.GELU_ERF, -1, -0.158655253931);
    assertValue(UnaryKind.GELU_ERF, 0.5f, 0.5 * 0.691462461274);
    assertValue(UnaryKind.GELU_ERF, 2, 2 * 0.977249868052);
    assertValue(UnaryKind.GELU_ERF, -6, -6 * 9.865876e-10);
  }

  private void assertValue(UnaryKind kind, float at, double expected) {
    MemorySegment x = arena.allocate(4 * 16);
    for (int i = 0; i < 16; i++) {
      x.set(Samples.FLOAT, 4L * i, at);
    }
    vector.unary(kind, x, 0, x, 0, 16);
    assertEquals(expected, x.get(Samples.FLOAT, 0), 3e-6 * Math.abs(expected), kind + " " + at);
  }

  private void assertRope(
      double[] expected, boolean neox, int rotated, double base, double linear) {
    MemorySegment x = arena.allocate(4 * 8);
    MemorySegment angles = arena.allocate(4L * rotated);
    for (int i = 0; i < 8; i++) {
      x.set(Samples.FLOAT, 4L * i, i + 1);
    }
    for (int p = 0; p < rotated / 2; p++) {
      double angle = 3 * Math.pow(base, -2.0 * p / rotated) / linear;
      angles.set(Samples.FLOAT, 4L * p, (float) Math.cos(angle));
      angles.set(Samples.FLOAT, 4L * (p + rotated / 2), (float) Math.sin(angle));
    }
    vector.rope(x, 0, x, 0, 1, 8, rotated, neox, angles, 0);
    for (int i = 0; i < 8; i++) {
      assertEquals(expected[i], x.get(Samples.FLOAT, 4L * i), 1e-6, "element " + i);
    }
  }

  @Test
  void rotationsOfKnownVectors() {
    assertRope(
        new double[] {
          -1.69559254,
          0.13755174,
          2.78868160,
          3.97598204,
          -4.80884247,
          6.32305935,
          7.08683674,
          8.01196398
        },
        true,
        8,
        1e4,
        1);
    assertRope(
        new double[] {
          -1.27223251,
          -1.83886499,
          1.68392864,
          4.70790658,
          4.81777717,
          6.14727770,
          6.97596854,
          8.02096397
        },
        false,
        8,
        1e4,
        1);
    assertRope(
        new double[] {
          -0.90085502,
          1.77364665,
          2.97372897,
          3.99699972,
          5.01881064,
          6.07076417,
          7.01120075,
          8.00149944
        },
        true,
        8,
        1e4,
        8);
    assertRope(
        new double[] {-1.41335252, 1.87911807, -2.82885748, 4.05819114, 5, 6, 7, 8},
        true,
        4,
        1e4,
        1);
  }
}
