package dev.serval.backend.cpu.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.tensor.DataType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Products of packed matrices with rounded activations. */
class RoundedProductTest {

  private final Arena arena = Arena.ofConfined();
  private final MatmulKernel scalar = KernelSets.scalar().matmul();
  private final MatmulKernel vector = KernelSets.vector().matmul();

  @AfterEach
  void close() {
    arena.close();
  }

  private PackedMatrix packed(DataType type, int in, int out) {
    return Samples.packed(arena, type, in, out, Samples.rows(arena, type, in, out, in + 7L * out));
  }

  @ParameterizedTest
  @EnumSource(names = {"Q4_0", "Q4_1", "Q4_K"})
  void vectorAndScalarKernelsComputeTheSameBits(DataType type) {
    assertTrue(RoundedRow.isFor(type));
    for (int in : Samples.lengths(type)) {
      for (int out : new int[] {1, 33, 64}) {
        PackedMatrix w = packed(type, in, out);
        for (int rows : new int[] {1, 2, 3, 4, 5, 7, 99}) {
          MemorySegment x = Samples.floats(arena, (long) rows * in, rows);
          MemorySegment q = Samples.rounded(arena, scalar, x, rows, in);
          MemorySegment expected = arena.allocate(4L * rows * out);
          MemorySegment actual = arena.allocate(4L * rows * out);
          Samples.multiplyRounded(scalar, w, q, rows, expected);
          Samples.multiplyRounded(vector, w, q, rows, actual);
          String what = type + " [" + in + ", " + out + "] × " + rows;
          Samples.assertSame(what, expected, 0, actual, 0, (long) rows * out);
        }
      }
    }
  }

  /** One row or many, whichever way through the kernel they take. */
  @ParameterizedTest
  @EnumSource(names = {"Q4_0", "Q4_K"})
  void rowDoesNotDependOnNumberOfRows(DataType type) {
    int in = type.blockLength() == 256 ? 768 : 800;
    int out = 70;
    PackedMatrix w = packed(type, in, out);
    MemorySegment x = Samples.floats(arena, 101L * in, 5);
    MemorySegment q = Samples.rounded(arena, vector, x, 101, in);
    MemorySegment alone = arena.allocate(4L * 101 * out);
    for (int row = 0; row < 101; row++) {
      MemorySegment one = q.asSlice(row * RoundedRow.bytes(in), RoundedRow.bytes(in));
      Samples.multiplyRounded(vector, w, one, 1, alone.asSlice(4L * row * out));
    }
    for (int rows : new int[] {2, 3, 4, 6, 17, 96, 97, 101}) {
      MemorySegment y = arena.allocate(4L * rows * out);
      Samples.multiplyRounded(vector, w, q, rows, y);
      Samples.assertSame(type + " rows " + rows, alone, 0, y, 0, (long) rows * out);
    }
  }

  /** Every code times the largest rounded number, with either sign: no sum leaves 16 bits. */
  @Test
  void largestSumsFit() {
    DataType type = DataType.Q4_0;
    MemorySegment rows = arena.allocate(type.bytes(32) * 256, 64);
    for (int o = 0; o < 256; o++) {
      MemorySegment row = rows.asSlice(o * type.bytes(32), type.bytes(32));
      row.fill((byte) o);
      row.set(ValueLayout.JAVA_SHORT_UNALIGNED, 0, Float.floatToFloat16(1));
    }
    PackedMatrix w = Samples.packed(arena, type, 32, 256, rows);
    for (int n : new int[] {1, 4}) {
      for (float sign : new float[] {1, -1}) {
        MemorySegment x = arena.allocate(4L * 32 * n, 64);
        for (int i = 0; i < 32 * n; i++) {
          x.set(Samples.FLOAT, 4L * i, 255 * sign);
        }
        MemorySegment y = arena.allocate(4L * 256 * n, 64);
        Samples.multiplyRounded(vector, w, Samples.rounded(arena, vector, x, n, 32), n, y);
        for (int o = 0; o < 256; o++) {
          double expected = 0;
          for (int k = 0; k < 32; k++) {
            expected += Samples.element(type, rows, o * 32L + k) * 255 * sign;
          }
          assertEquals(expected, y.get(Samples.FLOAT, 4L * o), type + " row of bytes " + o);
        }
      }
    }
  }

  @Test
  void resultIsAsCloseAsTheRoundingAllows() {
    for (DataType type : new DataType[] {DataType.Q4_0, DataType.Q4_K}) {
      int in = 768;
      int out = 37;
      MemorySegment rows = Samples.rows(arena, type, in, out, 3);
      PackedMatrix w = Samples.packed(arena, type, in, out, rows);
      MemorySegment x = Samples.floats(arena, in, 4);
      MemorySegment y = arena.allocate(4L * out);
      Samples.multiplyRounded(vector, w, Samples.rounded(arena, vector, x, 1, in), 1, y);
      for (int o = 0; o < out; o++) {
        double exact = 0;
        double squares = 0;
        double largest = 0;
        for (int k = 0; k < in; k++) {
          double weight = Samples.element(type, rows, (long) o * in + k);
          exact += weight * x.get(Samples.FLOAT, 4L * k);
          squares += weight * weight;
          largest = Math.max(largest, Math.abs(weight));
        }
        // errors even in ±1/510 per element: deviation √(Σw²)/254/√3; 768 of the largest at most
        double bound = 6 * Math.sqrt(squares + 64 * largest * largest) / 510 / Math.sqrt(3);
        assertEquals(exact, y.get(Samples.FLOAT, 4L * o), bound, type + " " + o);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {32, 64, 544})
  void kernelsRoundTheSame(int in) {
    MemorySegment x = Samples.floats(arena, in, 9);
    MemorySegment expected = Samples.rounded(arena, scalar, x, 1, in);
    MemorySegment actual = Samples.rounded(arena, vector, x, 1, in);
    assertEquals(-1, expected.mismatch(actual));
    for (int k = 0; k < in; k++) {
      float d = actual.get(Samples.FLOAT, RoundedRow.scales(in) + 4L * (k / 32));
      float back = d * RoundedRow.get(actual, 0, k);
      assertEquals(x.get(Samples.FLOAT, 4L * k), back, d * 0.5001, "element " + k);
    }
  }

  @Test
  void halvesRoundToEven() {
    MemorySegment x = arena.allocate(128, 64);
    float[] values = {255, 0.5f, 1.5f, 2.5f, -0.5f, -1.5f, 254.5f, -254.5f};
    int[] rounded = {255, 0, 2, 2, 0, -2, 254, -254};
    for (int i = 0; i < values.length; i++) {
      x.set(Samples.FLOAT, 4L * i, values[i]);
    }
    for (MatmulKernel kernel : new MatmulKernel[] {scalar, vector}) {
      MemorySegment q = Samples.rounded(arena, kernel, x, 1, 32);
      for (int i = 0; i < values.length; i++) {
        assertEquals(rounded[i], RoundedRow.get(q, 0, i), "of " + values[i]);
      }
    }
  }

  /** What cannot be rounded makes itself heard; what is next to nothing counts as nothing. */
  @Test
  void specialActivationsGiveTheSameInBothKernels() {
    float[] specials = {
      0, -0f, Float.NaN, Float.POSITIVE_INFINITY, Float.MIN_VALUE, 1e-37f, 3e38f, -3e38f
    };
    PackedMatrix w = packed(DataType.Q4_1, 64, 40);
    for (int rows : new int[] {1, 5}) {
      for (float special : specials) {
        MemorySegment x = Samples.floats(arena, rows * 64L, 9);
        for (int k = 32; k < 64; k++) {
          x.set(Samples.FLOAT, 4L * k, special);
        }
        MemorySegment expected = arena.allocate(4L * rows * 40);
        MemorySegment actual = arena.allocate(4L * rows * 40);
        MemorySegment q = Samples.rounded(arena, scalar, x, rows, 64);
        Samples.multiplyRounded(scalar, w, q, rows, expected);
        q = Samples.rounded(arena, vector, x, rows, 64);
        Samples.multiplyRounded(vector, w, q, rows, actual);
        Samples.assertSame("with " + special, expected, 0, actual, 0, rows * 40L);
        float result = actual.get(Samples.FLOAT, 0);
        assertEquals(!(Math.abs(special) <= Float.MAX_VALUE), Float.isNaN(result), "" + special);
      }
    }
  }

  @Test
  void otherTypesAreMultipliedAsTheyAre() {
    assertFalse(RoundedRow.isFor(DataType.Q8_0));
    assertFalse(RoundedRow.isFor(DataType.IQ4_NL));
    assertFalse(RoundedRow.isFor(DataType.MXFP4));
    assertFalse(RoundedRow.isFor(DataType.Q6_K));
    assertFalse(RoundedRow.isFor(DataType.F16));
  }
}
