package dev.serval.backend.cpu.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.Shape;
import dev.serval.api.tensor.TensorInfo;
import dev.serval.api.tensor.TensorView;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class MatmulKernelTest {

  private static final float GUARD = 12345.5f;

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

  private static IntStream lengths(DataType type) {
    return type.isQuantized()
        ? IntStream.of(32, 64, 96, 160, 544)
        : IntStream.of(1, 2, 31, 32, 33, 127, 129, 515);
  }

  @Test
  void vectorAndScalarKernelsComputeTheSameBits() {
    for (DataType type : Samples.TYPES) {
      lengths(type)
          .forEach(in -> {
            for (int out : new int[] {1, 33, 64}) {
              PackedMatrix w = packed(type, in, out);
              for (int rows : new int[] {1, 2, 3, 4, 5, 7, 99}) {
                MemorySegment x = Samples.floats(arena, (long) rows * in, rows);
                MemorySegment expected = arena.allocate(4L * rows * out);
                MemorySegment actual = arena.allocate(4L * rows * out);
                Samples.multiply(scalar, w, x, rows, expected);
                Samples.multiply(vector, w, x, rows, actual);
                String what = type + " [" + in + ", " + out + "] × " + rows;
                Samples.assertSame(what, expected, 0, actual, 0, (long) rows * out);
              }
            }
          });
    }
  }

  @Test
  void resultIsCloseToDoublePrecision() {
    for (DataType type : Samples.TYPES) {
      int in = 544;
      int out = 37;
      MemorySegment rows = Samples.rows(arena, type, in, out, 3);
      PackedMatrix w = Samples.packed(arena, type, in, out, rows);
      MemorySegment x = Samples.floats(arena, in, 4);
      MemorySegment y = arena.allocate(4L * out);
      Samples.multiply(vector, w, x, 1, y);
      for (int o = 0; o < out; o++) {
        double exact = 0;
        double magnitude = 0;
        for (int k = 0; k < in; k++) {
          double p = Samples.element(type, rows, (long) o * in + k) * x.get(Samples.FLOAT, 4L * k);
          exact += p;
          magnitude += Math.abs(p);
        }
        // chains of 32 and of 17 blocks: at most 49 roundings of 2^-24 each
        assertEquals(exact, y.get(Samples.FLOAT, 4L * o), 49 * 0x1p-24 * magnitude, type + " " + o);
      }
    }
  }

  @Test
  void rowDoesNotDependOnNumberOfRows() {
    for (DataType type : Samples.TYPES) {
      int in = 288;
      int out = 70;
      PackedMatrix w = packed(type, in, out);
      MemorySegment x = Samples.floats(arena, 17L * in, 5);
      MemorySegment alone = arena.allocate(4L * 17 * out);
      for (int row = 0; row < 17; row++) {
        Samples.multiply(vector, w, x.asSlice(4L * row * in), 1, alone.asSlice(4L * row * out));
      }
      for (int rows = 2; rows <= 17; rows++) {
        MemorySegment y = arena.allocate(4L * rows * out);
        Samples.multiply(vector, w, x, rows, y);
        Samples.assertSame(type + " rows " + rows, alone, 0, y, 0, (long) rows * out);
      }
    }
  }

  @Test
  void writesItsTilesAndNothingElse() {
    int in = 64;
    int out = 75;
    int stride = 80;
    PackedMatrix w = packed(DataType.Q8_0, in, out);
    for (MatmulKernel kernel : Arrays.asList(scalar, vector)) {
      MemorySegment scratch = arena.allocate(kernel.scratchBytes(in), 64);
      for (int rows : new int[] {1, 6}) {
        MemorySegment x = Samples.floats(arena, (long) rows * in, 6);
        MemorySegment all = arena.allocate(4L * rows * out);
        Samples.multiply(kernel, w, x, rows, all);
        MemorySegment y = arena.allocate(4L * (3 + rows * stride));
        for (int i = 0; i < 3 + rows * stride; i++) {
          y.set(Samples.FLOAT, 4L * i, GUARD);
        }
        MemorySegment apart = arena.allocate(4L * (7 + rows * 70));
        for (int row = 0; row < rows; row++) {
          MemorySegment.copy(x, 4L * row * in, apart, 4L * (7 + row * 70), 4L * in);
        }
        kernel.multiply(w, apart, 7, 70, rows, y, 3, stride, 1, 2, scratch);
        kernel.multiply(w, apart, 7, 70, rows, y, 3, stride, 2, 3, scratch);
        for (int i = 0; i < 3 + rows * stride; i++) {
          int row = Math.floorDiv(i - 3, stride);
          int o = Math.floorMod(i - 3, stride);
          boolean inside = row >= 0 && o >= 32 && o < out;
          float expected = inside ? all.get(Samples.FLOAT, 4L * (row * out + o)) : GUARD;
          assertEquals(expected, y.get(Samples.FLOAT, 4L * i), "row " + row + " output " + o);
        }
      }
    }
  }

  @Test
  void specialActivationsGiveTheSameInBothKernels() {
    float[] specials = {0, -0f, Float.NaN, Float.POSITIVE_INFINITY, Float.MIN_VALUE, 3e38f, -3e38f};
    for (DataType type : Samples.TYPES) {
      PackedMatrix w = packed(type, 96, 40);
      for (int rows : new int[] {1, 5}) {
        for (float special : specials) {
          MemorySegment x = Samples.floats(arena, rows * 96L, 9);
          x.set(Samples.FLOAT, 4 * 37, special);
          x.set(Samples.FLOAT, 4 * 95, special);
          MemorySegment expected = arena.allocate(4L * rows * 40);
          MemorySegment actual = arena.allocate(4L * rows * 40);
          Samples.multiply(scalar, w, x, rows, expected);
          Samples.multiply(vector, w, x, rows, actual);
          Samples.assertSame(type + " " + special, expected, 0, actual, 0, rows * 40L);
        }
      }
    }
  }

  @Test
  void anyBitsOfScalesGiveTheSameInBothKernels() {
    for (DataType type : new DataType[] {DataType.F16, DataType.Q8_0, DataType.MXFP4}) {
      int in = type == DataType.F16 ? 1 : 32;
      int out = type == DataType.MXFP4 ? 256 : 65536;
      MemorySegment rows = Samples.rows(arena, type, in, out, 2);
      for (int i = 0; i < out; i++) {
        long at = i * type.bytes(in);
        rows.set(java.lang.foreign.ValueLayout.JAVA_BYTE, at, (byte) i);
        if (type != DataType.MXFP4) {
          rows.set(java.lang.foreign.ValueLayout.JAVA_BYTE, at + 1, (byte) (i >> 8));
        }
      }
      PackedMatrix w = Samples.packed(arena, type, in, out, rows);
      for (int n : new int[] {1, 5}) {
        MemorySegment x = Samples.floats(arena, (long) n * in, 1);
        MemorySegment expected = arena.allocate(4L * n * out);
        MemorySegment actual = arena.allocate(4L * n * out);
        Samples.multiply(scalar, w, x, n, expected);
        Samples.multiply(vector, w, x, n, actual);
        Samples.assertSame(type.toString(), expected, 0, actual, 0, (long) n * out);
      }
    }
  }

  @Test
  void packsStridedViewsAndMatricesOfAStack() {
    int in = 32;
    TensorInfo info = new TensorInfo("experts", DataType.Q4_0, Shape.of(in, 80, 3));
    MemorySegment rows = Samples.rows(arena, DataType.Q4_0, in, 240, 8);
    TensorView odd = TensorView.of(info).everyRow("up", 1, 2);
    MemorySegment data = arena.allocate(PackedMatrix.bytes(DataType.Q4_0, in, 40), 64);
    PackedMatrix second = new PackedMatrix(DataType.Q4_0, in, 40, data);
    Packing.pack(tensor -> rows, odd, 40, 40, 0, 1, data, 0);
    Packing.pack(tensor -> rows, odd, 40, 40, 1, 2, data, 0);
    MemorySegment one = arena.allocate(4L * in);
    one.set(Samples.FLOAT, 4 * 9, 1f);
    MemorySegment y = arena.allocate(4L * 40);
    Samples.multiply(vector, second, one, 1, y);
    for (int o = 0; o < 40; o++) {
      double expected = Samples.element(DataType.Q4_0, rows, (80L + 2L * o + 1) * in + 9);
      assertEquals(expected, y.get(Samples.FLOAT, 4L * o), 0, "row " + o);
    }
  }

  @Test
  void tileHoldsNoMoreThanTheFile() {
    assertEquals(32 * 34 * 5, Packing.tileBytes(DataType.Q8_0, 160));
    assertEquals(32 * 18 * 5, Packing.tileBytes(DataType.Q4_0, 160));
    assertEquals(32 * 17 * 6, Packing.tileBytes(DataType.MXFP4, 192));
    assertEquals(32 * 2 * 34, Packing.tileBytes(DataType.BF16, 33));
  }

  @Test
  void refusesTypesAndLengthsThatCannotBePacked() {
    assertTrue(Packing.supports(DataType.MXFP4));
    assertTrue(!Packing.supports(DataType.Q4_K));
    assertThrows(IllegalArgumentException.class, () -> Packing.tileBytes(DataType.Q4_K, 256));
    assertThrows(IllegalArgumentException.class, () -> Packing.tileBytes(DataType.Q8_0, 33));
    assertThrows(IllegalArgumentException.class, () -> Packing.tileBytes(DataType.F32, 0));
  }
}
