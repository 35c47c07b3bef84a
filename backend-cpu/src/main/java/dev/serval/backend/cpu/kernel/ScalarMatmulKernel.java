package dev.serval.backend.cpu.kernel;

import static dev.serval.backend.cpu.kernel.PackedMatrix.BLOCK;
import static dev.serval.backend.cpu.kernel.PackedMatrix.TILE_ROWS;

import dev.serval.api.tensor.DataType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** {@link MatmulKernel} without vectors: the oracle of the vector kernel, and its fall-back. */
final class ScalarMatmulKernel implements MatmulKernel {

  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
  private static final ValueLayout.OfInt WORD = ValueLayout.JAVA_INT_UNALIGNED;

  /** Expanded groups [GROUPS · BLOCK, TILE_ROWS], then scales and starts [GROUPS, TILE_ROWS]. */
  private static final long SCALE_BYTE = (long) GROUPS * BLOCK * TILE_ROWS * 4;

  private static final long START_BYTE = SCALE_BYTE + GROUPS * TILE_ROWS * 4L;

  @Override
  public long scratchBytes(DataType type, int in) {
    return START_BYTE + GROUPS * TILE_ROWS * 4L;
  }

  @Override
  public void multiply(
      PackedMatrix w,
      MemorySegment x,
      long xOffset,
      int xStride,
      MemorySegment sums,
      long sumsOffset,
      int sumsStride,
      int rows,
      MemorySegment y,
      long yOffset,
      int yStride,
      int fromTile,
      int untilTile,
      MemorySegment scratch,
      TileScratch tiles) {
    int step = GROUPS * group(w.type());
    for (int tile = fromTile; tile < untilTile; tile++) {
      int outs = Math.min(TILE_ROWS, w.out() - tile * TILE_ROWS);
      for (int k0 = 0; k0 < w.in(); k0 += step) {
        int n = Math.min(step, w.in() - k0);
        expand(w, tile * w.tileBytes(), k0, n, outs, scratch);
        for (int row = 0; row < rows; row++) {
          long xByte = 4 * (xOffset + (long) row * xStride + k0);
          long sumsByte = 4 * (sumsOffset + (long) row * sumsStride + k0 / group(w.type()));
          long yByte = 4 * (yOffset + (long) row * yStride + (long) tile * TILE_ROWS);
          for (int o = 0; o < outs; o++) {
            float old = k0 == 0 ? 0 : y.get(FLOAT, yByte + 4L * o);
            y.set(
                FLOAT, yByte + 4L * o, add(w.type(), scratch, x, xByte, sums, sumsByte, n, o, old));
          }
        }
      }
    }
  }

  private static void expand(
      PackedMatrix w, long tile, int k0, int n, int outs, MemorySegment scratch) {
    for (int o = 0; o < outs; o++) {
      for (int k = 0; k < n; k++) {
        scratch.set(FLOAT, place(k, o), element(w, tile, k0 + k, o));
      }
      if (w.type().isQuantized()) {
        BlockFormat format = BlockFormat.of(w.type());
        for (int k = 0; k < n; k += format.group()) {
          int group = (k0 + k) / format.group();
          long at = place(k / format.group(), o);
          scratch.set(FLOAT, SCALE_BYTE + at, format.productScale(w.data(), tile, group, o));
          if (format.hasMinima()) {
            scratch.set(FLOAT, START_BYTE + at, format.start(w.data(), tile, group, o));
          }
        }
      }
    }
  }

  private static int group(DataType type) {
    return type.isQuantized() ? BlockFormat.of(type).group() : BLOCK;
  }

  /** Adds the product of one output and n inputs. */
  private static float add(
      DataType type,
      MemorySegment scratch,
      MemorySegment x,
      long xByte,
      MemorySegment sums,
      long sumsByte,
      int n,
      int o,
      float old) {
    boolean quantized = type.isQuantized();
    boolean started = quantized && BlockFormat.of(type).codes().centre() != 0;
    int group = group(type);
    float acc = old;
    for (int k0 = 0; k0 < n; k0 += group) {
      float sum = started ? sums.get(FLOAT, sumsByte + 4L * (k0 / group)) : 0;
      for (int k = k0; k < Math.min(n, k0 + group); k++) {
        sum = Math.fma(scratch.get(FLOAT, place(k, o)), x.get(FLOAT, xByte + 4L * k), sum);
      }
      float scale = quantized ? scratch.get(FLOAT, SCALE_BYTE + place(k0 / group, o)) : 1;
      acc = Math.fma(scale, sum, acc);
    }
    if (quantized && BlockFormat.of(type).hasMinima()) {
      float sum = 0;
      for (int k0 = 0; k0 < n; k0 += group) {
        float inputs = sums.get(FLOAT, sumsByte + 4L * (k0 / group));
        sum = Math.fma(scratch.get(FLOAT, START_BYTE + place(k0 / group, o)), inputs, sum);
      }
      acc += sum;
    }
    return acc;
  }

  private static long place(int k, int o) {
    return 4L * (k * TILE_ROWS + o);
  }

  private static float element(PackedMatrix w, long tile, int k, int lane) {
    MemorySegment data = w.data();
    return switch (w.type()) {
      case F32 -> Float.intBitsToFloat(word(data, tile, k, lane));
      case F16 -> Halves.fromHalf((word(data, tile, k / 2, lane) << (16 * (k & 1))) >>> 16);
      case BF16 -> Halves.fromBrain((word(data, tile, k / 2, lane) << (16 * (k & 1))) >>> 16);
      default -> BlockFormat.of(w.type()).read(data, tile, k, lane);
    };
  }

  private static int word(MemorySegment data, long tile, int i, int lane) {
    return data.get(WORD, tile + (long) i * Packing.WORD_ROW + 4L * lane);
  }

  @Override
  public void round(
      MemorySegment x, long xOffset, int in, MemorySegment row, long at, MemorySegment scratch) {
    for (int b = 0; b < in / BLOCK; b++) {
      long from = 4 * (xOffset + (long) b * BLOCK);
      int most = 0;
      for (int k = 0; k < BLOCK; k++) {
        most = Math.max(most, x.get(WORD, from + 4L * k) & 0x7fffffff);
      }
      float largest = Float.intBitsToFloat(most);
      float inverse = RoundedRow.inverse(largest);
      for (int k = 0; k < BLOCK; k++) {
        float q = x.get(FLOAT, from + 4L * k) * inverse + RoundedRow.ROUNDER;
        int bits = Float.floatToRawIntBits(q) - Float.floatToRawIntBits(RoundedRow.ROUNDER);
        scratch.set(WORD, 4L * k, bits);
      }
      long bias = at + RoundedRow.biases(in) + 4L * b;
      RoundedRow.pack(scratch, 0, row, at + (long) b * RoundedRow.PAIR_BYTES, bias);
      row.set(FLOAT, at + RoundedRow.scales(in) + 4L * b, RoundedRow.scale(largest));
      row.set(FLOAT, at + RoundedRow.sums(in) + 4L * b, Sums.ofGroup(x, from, BLOCK));
    }
  }

  @Override
  public void multiplyRounded(
      PackedMatrix w,
      MemorySegment x,
      long xByte,
      int rows,
      MemorySegment y,
      long yOffset,
      int yStride,
      int fromTile,
      int untilTile,
      MemorySegment scratch,
      TileScratch tiles) {
    for (int tile = fromTile; tile < untilTile; tile++) {
      int outs = Math.min(TILE_ROWS, w.out() - tile * TILE_ROWS);
      for (int row = 0; row < rows; row++) {
        long at = xByte + row * RoundedRow.bytes(w.in());
        long yByte = 4 * (yOffset + (long) row * yStride + (long) tile * TILE_ROWS);
        for (int o = 0; o < outs; o++) {
          y.set(FLOAT, yByte + 4L * o, product(w, tile * w.tileBytes(), o, x, at));
        }
      }
    }
  }

  /** One output of a rounded row. */
  private static float product(PackedMatrix w, long tile, int o, MemorySegment x, long at) {
    BlockFormat format = BlockFormat.of(w.type());
    float acc = 0;
    float starts = 0;
    int groups = w.in() / BLOCK;
    for (int g = 0; g < groups; g++) {
      int sum = 0;
      for (int k = g * BLOCK; k < (g + 1) * BLOCK; k++) {
        sum += format.code(w.data(), tile, k, o) * RoundedRow.get(x, at, k);
      }
      float scaled = sum * x.get(FLOAT, at + RoundedRow.scales(w.in()) + 4L * g);
      acc = Math.fma(format.productScale(w.data(), tile, g, o), scaled, acc);
      if (format.hasMinima()) {
        float inputs = x.get(FLOAT, at + RoundedRow.sums(w.in()) + 4L * g);
        starts = Math.fma(format.start(w.data(), tile, g, o), inputs, starts);
        if (g % GROUPS == GROUPS - 1 || g == groups - 1) {
          acc += starts;
          starts = 0;
        }
      }
    }
    return acc;
  }
}
