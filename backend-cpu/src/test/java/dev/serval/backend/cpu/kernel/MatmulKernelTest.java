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
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

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

  @Test
  void vectorAndScalarKernelsComputeTheSameBits() {
    for (DataType type : Samples.TYPES) {
      IntStream.of(Samples.lengths(type))
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
      int in = type.blockLength() == 256 ? 768 : 544;
      int out = 37;
      MemorySegment rows = Samples.rows(arena, type, in, out, 3);
      PackedMatrix w = Samples.packed(arena, type, in, out, rows);
      MemorySegment x = Samples.floats(arena, in, 4);
      MemorySegment y = arena.allocate(4L * out);
      Samples.multiply(vector, w, x, 1, y);
      for (int o = 0; o < out; o++) {
        double exact = 0;
        double magnitude = 0;
        double largest = 0;
        double sumOfInputs = 0;
        for (int k = 0; k < in; k++) {
          double input = x.get(Samples.FLOAT, 4L * k);
          double weight = Samples.element(type, rows, (long) o * in + k);
          exact += weight * input;
          magnitude += Math.abs(weight * input);
          largest = Math.max(largest, Math.abs(weight));
          sumOfInputs += Math.abs(input);
        }
        // chains of 32 and of 17 blocks, or of 16 and of 48: at most 64 roundings of 2^-24 each
        double bound = 64 * 0x1p-24 * magnitude;
        if (Samples.hasMinima(type)) {
          // codes and the rest each sum up to what the largest weight would, 48 groups once more
          bound = 128 * 0x1p-24 * largest * sumOfInputs;
        }
        assertEquals(exact, y.get(Samples.FLOAT, 4L * o), bound, type + " " + o);
      }
    }
  }

  @Test
  void rowDoesNotDependOnNumberOfRows() {
    for (DataType type : Samples.TYPES) {
      int in = type.blockLength() == 256 ? 256 : 288;
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
      TileScratch tiles = new TileScratch();
      MemorySegment scratch = arena.allocate(kernel.scratchBytes(w.type(), in), 64);
      for (int rows : new int[] {1, 6}) {
        MemorySegment x = Samples.floats(arena, (long) rows * in, 6);
        MemorySegment all = arena.allocate(4L * rows * out);
        Samples.multiply(kernel, w, x, rows, all);
        MemorySegment y = arena.allocate(4L * (3 + rows * stride));
        for (int i = 0; i < 3 + rows * stride; i++) {
          y.set(Samples.FLOAT, 4L * i, GUARD);
        }
        MemorySegment sums = arena.allocate(4L * (5 + rows * 4));
        MemorySegment apart = arena.allocate(4L * (7 + rows * 70));
        for (int row = 0; row < rows; row++) {
          MemorySegment.copy(x, 4L * row * in, apart, 4L * (7 + row * 70), 4L * in);
          float factor = RowForm.STARTED.factor();
          kernel.sum(x, (long) row * in, in, 32, factor, sums, 5 + row * 4L);
        }
        kernel.multiply(w, apart, 7, 70, sums, 5, 4, rows, y, 3, stride, 1, 2, scratch, tiles);
        kernel.multiply(w, apart, 7, 70, sums, 5, 4, rows, y, 3, stride, 2, 3, scratch, tiles);
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
      int in = Math.max(96, type.blockLength());
      PackedMatrix w = packed(type, in, 40);
      for (int rows : new int[] {1, 5}) {
        for (float special : specials) {
          MemorySegment x = Samples.floats(arena, (long) rows * in, 9);
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
    anyBits(DataType.F16, 1, 65536, 0, 1);
    anyBits(DataType.Q8_0, 32, 65536, 0, 1);
    anyBits(DataType.MXFP4, 32, 256, 0, 1);
    anyBits(DataType.Q4_1, 32, 65536, 0, 1);
    anyBits(DataType.Q4_1, 32, 65536, 2, 1);
    anyBits(DataType.Q4_K, 256, 1024, 0, 64);
    anyBits(DataType.Q4_K, 256, 1024, 2, 64);
    anyBits(DataType.Q6_K, 256, 1024, 208, 64);
  }

  /** Rows whose bits at a place count up by a step. */
  private void anyBits(DataType type, int in, int out, int place, int step) {
    MemorySegment rows = Samples.rows(arena, type, in, out, 2);
    for (int i = 0; i < out; i++) {
      long at = i * type.bytes(in) + place;
      rows.set(ValueLayout.JAVA_BYTE, at, (byte) (i * step));
      if (type != DataType.MXFP4) {
        rows.set(ValueLayout.JAVA_BYTE, at + 1, (byte) ((i * step) >> 8));
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

  @ParameterizedTest
  @EnumSource(names = {"Q4_0", "Q5_1", "Q4_K", "Q6_K"})
  void packsStridedViewsAndMatricesOfAStack(DataType type) {
    int in = type.blockLength();
    TensorInfo info = new TensorInfo("experts", type, Shape.of(in, 80, 3));
    MemorySegment rows = Samples.rows(arena, type, in, 240, 8);
    TensorView odd = TensorView.of(info).everyRow("up", 1, 2);
    MemorySegment data = arena.allocate(PackedMatrix.bytes(type, in, 40), 64);
    PackedMatrix second = new PackedMatrix(type, in, 40, data);
    Packing.pack(tensor -> rows, odd, 40, 40, 0, 1, data, 0);
    Packing.pack(tensor -> rows, odd, 40, 40, 1, 2, data, 0);
    MemorySegment one = arena.allocate(4L * in);
    one.set(Samples.FLOAT, 4 * 9, 1f);
    MemorySegment y = arena.allocate(4L * 40);
    Samples.multiply(vector, second, one, 1, y);
    for (int o = 0; o < 40; o++) {
      double expected = Samples.element(type, rows, (80L + 2L * o + 1) * in + 9);
      // exact without minima; otherwise code, start and their sum are rounded, each below 80
      double bound = Samples.hasMinima(type) ? 80 * 0x1p-22 : 0;
      assertEquals(expected, y.get(Samples.FLOAT, 4L * o), bound, "row " + o);
    }
  }

  @Test
  void tileHoldsNoMoreThanTheFile() {
    for (DataType type : Packing.types()) {
      int in = type.isQuantized() ? 1536 : 34;
      // whole bytes for the 6-bit scales of IQ4_XS
      long more = type == DataType.IQ4_XS ? 6 * 2 : 0;
      assertEquals(32 * (type.bytes(in) + more), Packing.tileBytes(type, in), type.toString());
    }
    assertEquals(32 * 2 * 34, Packing.tileBytes(DataType.BF16, 33));
    assertEquals(32 * 17 * 5 + 32, Packing.tileBytes(DataType.MXFP4, 160));
  }

  @Test
  void refusesTypesAndLengthsThatCannotBePacked() {
    assertTrue(Packing.supports(DataType.MXFP4));
    assertTrue(!Packing.supports(DataType.IQ2_S));
    assertThrows(IllegalArgumentException.class, () -> Packing.tileBytes(DataType.IQ2_S, 256));
    assertThrows(IllegalArgumentException.class, () -> Packing.tileBytes(DataType.Q8_0, 33));
    assertThrows(IllegalArgumentException.class, () -> Packing.tileBytes(DataType.Q4_K, 128));
    assertThrows(IllegalArgumentException.class, () -> Packing.tileBytes(DataType.F32, 0));
  }
}
