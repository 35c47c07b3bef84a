package dev.serval.backend.cpu.kernel;

import static dev.serval.backend.cpu.kernel.Lanes.BYTES;
import static dev.serval.backend.cpu.kernel.Lanes.FLOAT;
import static dev.serval.backend.cpu.kernel.Lanes.FLOATS;
import static dev.serval.backend.cpu.kernel.Lanes.ORDER;
import static dev.serval.backend.cpu.kernel.PackedMatrix.BLOCK;
import static dev.serval.backend.cpu.kernel.PackedMatrix.TILE_ROWS;
import static dev.serval.backend.cpu.kernel.Packing.WORD_ROW;

import dev.serval.api.tensor.DataType;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/**
 * {@link MatmulKernel} on vectors whose lanes are weight rows.
 *
 * <p>Up to {@link #MATVEC_ROWS} rows are multiplied one by one with weights unpacked in registers.
 * More rows go through the tiled product: a panel of a tile is expanded to F32 in the first level
 * cache and used by four rows at a time, of up to {@link #CHUNK} rows, before the next panel
 * follows.
 */
final class VectorMatmulKernel implements MatmulKernel {

  /** Rows that share an expanded panel; a multiple of 4. */
  static final int CHUNK = 96;

  /** Rows whose sums of activations are kept, for types with minima; a multiple of CHUNK. */
  private static final int SPAN = 3 * CHUNK;

  /** Inputs of a panel. */
  static final int PANEL = 128;

  /**
   * Scratch memory: the panel, 128 inputs of 32 rows in F32, which is 16 KiB, or sums of groups;
   * scales of groups; their starts; 32 ones; outputs [CHUNK, 32]; sums of activations [SPAN,
   * groups].
   */
  static final long SCALE_BYTE = (long) PANEL * WORD_ROW;

  static final long START_BYTE = SCALE_BYTE + (long) GROUPS * WORD_ROW;

  /** Half of the panel, while neither it nor sums are there. */
  static final long SMALL_BYTE = (long) PANEL / 2 * WORD_ROW;

  static final long ONE_BYTE = START_BYTE + (long) GROUPS * WORD_ROW;

  static final long ACC_BYTE = ONE_BYTE + WORD_ROW;

  private static final long INPUT_SUM_BYTE = ACC_BYTE + (long) CHUNK * WORD_ROW;

  @Override
  public long scratchBytes(DataType type, int in) {
    if (!type.isQuantized() || !BlockFormat.of(type).hasMinima()) {
      return INPUT_SUM_BYTE;
    }
    return INPUT_SUM_BYTE + 4L * SPAN * (in / BlockFormat.of(type).group());
  }

  @Override
  public void multiply(
      PackedMatrix w,
      MemorySegment x,
      long xOffset,
      int xStride,
      int rows,
      MemorySegment y,
      long yOffset,
      int yStride,
      int fromTile,
      int untilTile,
      MemorySegment scratch) {
    boolean minima = w.type().isQuantized() && BlockFormat.of(w.type()).hasMinima();
    if (minima) {
      fill(scratch, ONE_BYTE, ACC_BYTE);
    } else if (!w.type().isQuantized()) {
      fill(scratch, SCALE_BYTE, START_BYTE);
    }
    boolean tiled = rows > MATVEC_ROWS;
    int span = minima ? SPAN : rows;
    for (int first = 0; first < rows; first += span) {
      int until = Math.min(rows, first + span);
      if (minima) {
        sumInputs(w, x, xOffset, xStride, first, until, scratch);
      }
      for (int tile = fromTile; tile < untilTile; tile++) {
        int outs = Math.min(TILE_ROWS, w.out() - tile * TILE_ROWS);
        int step = tiled ? CHUNK : 1;
        for (int row = first; row < until; row += step) {
          int n = Math.min(step, until - row);
          long xByte = 4 * (xOffset + (long) row * xStride);
          clear(scratch, n);
          if (tiled) {
            tile(w, tile * w.tileBytes(), x, xByte, 4L * xStride, n, row - first, scratch);
          } else {
            matvec(w, tile * w.tileBytes(), x, xByte, row - first, scratch);
          }
          long yByte = 4 * (yOffset + (long) row * yStride + (long) tile * TILE_ROWS);
          copyOut(scratch, n, outs, y, yByte, 4L * yStride);
        }
      }
    }
  }

  @Override
  public void round(
      MemorySegment x, long xOffset, int in, MemorySegment row, long at, MemorySegment scratch) {
    VectorRoundedKernel.round(x, 4 * xOffset, in, row, at, scratch);
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
      MemorySegment scratch) {
    VectorRoundedProduct.multiply(
        w, x, xByte, rows, y, yOffset, yStride, fromTile, untilTile, scratch);
  }

  /** Scales that change nothing. */
  static void fill(MemorySegment scratch, long from, long until) {
    FloatVector one = FloatVector.broadcast(FLOATS, 1f);
    for (long at = from; at < until; at += BYTES) {
      one.intoMemorySegment(scratch, at, ORDER);
    }
  }

  private static void sumInputs(
      PackedMatrix w,
      MemorySegment x,
      long xOffset,
      int xStride,
      int from,
      int until,
      MemorySegment scratch) {
    int group = BlockFormat.of(w.type()).group();
    long to = INPUT_SUM_BYTE;
    for (int row = from; row < until; row++) {
      long xByte = 4 * (xOffset + (long) row * xStride);
      for (int k = 0; k < w.in(); k += group) {
        scratch.set(FLOAT, to, Sums.ofGroup(x, xByte + 4L * k, group));
        to += 4;
      }
    }
  }

  /** Adds one tile times one row to the outputs in the scratch memory. */
  private static void matvec(
      PackedMatrix w,
      long tile,
      MemorySegment x,
      long xByte,
      int rowOfSums,
      MemorySegment scratch) {
    if (w.type().isQuantized()) {
      BlockFormat format = BlockFormat.of(w.type());
      matvec(format, w, tile, x, xByte, rowOfSums, scratch);
      return;
    }
    MemorySegment data = w.data();
    int in = w.in();
    int blocks = (in + BLOCK - 1) / BLOCK;
    for (int b = 0; b < blocks; b += GROUPS) {
      int until = Math.min(blocks, b + GROUPS);
      switch (w.type()) {
        case F32 -> VectorMatvecKernel.f32(data, tile, b, until, in, x, xByte, scratch);
        case F16 -> VectorMatvecKernel.f16(data, tile, b, until, in, x, xByte, scratch);
        default -> VectorMatvecKernel.bf16(data, tile, b, until, in, x, xByte, scratch);
      }
      addScaled(scratch, until - b);
    }
  }

  private static void matvec(
      BlockFormat format,
      PackedMatrix w,
      long tile,
      MemorySegment x,
      long xByte,
      int rowOfSums,
      MemorySegment scratch) {
    int group = format.group();
    int groups = w.in() / group;
    long inputSums = INPUT_SUM_BYTE + 4L * groups * rowOfSums;
    for (int g = 0; g < groups; g += GROUPS) {
      int until = Math.min(groups, g + GROUPS);
      VectorSumsKernel.sums(
          format, w.data(), tile, g * group / BLOCK, until * group / BLOCK, x, xByte, scratch);
      // after the codes, which are read in ascending order: scales alone would be far apart
      VectorScaleKernel.scales(
          format, w.data(), tile, g, until, scratch, SCALE_BYTE, START_BYTE, SMALL_BYTE);
      addScaled(scratch, until - g);
      if (format.hasMinima()) {
        addStarts(scratch, until - g, scratch, inputSums + 4L * g);
      }
    }
  }

  /** Adds the scaled sums of groups to the outputs of one row. */
  private static void addScaled(MemorySegment scratch, int groups) {
    for (int c = 0; c < WORD_ROW; c += 2 * BYTES) {
      FloatVector acc0 = FloatVector.fromMemorySegment(FLOATS, scratch, ACC_BYTE + c, ORDER);
      FloatVector acc1 =
          FloatVector.fromMemorySegment(FLOATS, scratch, ACC_BYTE + c + BYTES, ORDER);
      for (int g = 0; g < groups; g++) {
        long at = (long) g * WORD_ROW + c;
        long scale = SCALE_BYTE + at;
        FloatVector sum = FloatVector.fromMemorySegment(FLOATS, scratch, at, ORDER);
        acc0 = FloatVector.fromMemorySegment(FLOATS, scratch, scale, ORDER).fma(sum, acc0);
        sum = FloatVector.fromMemorySegment(FLOATS, scratch, at + BYTES, ORDER);
        acc1 = FloatVector.fromMemorySegment(FLOATS, scratch, scale + BYTES, ORDER).fma(sum, acc1);
      }
      acc0.intoMemorySegment(scratch, ACC_BYTE + c, ORDER);
      acc1.intoMemorySegment(scratch, ACC_BYTE + c + BYTES, ORDER);
    }
  }

  /** Adds the starts of groups times the sums of their inputs to the outputs of one row. */
  static void addStarts(MemorySegment scratch, int groups, MemorySegment x, long inputSums) {
    for (int c = 0; c < WORD_ROW; c += BYTES) {
      FloatVector sum = FloatVector.zero(FLOATS);
      for (int g = 0; g < groups; g++) {
        FloatVector inputs = FloatVector.broadcast(FLOATS, x.get(FLOAT, inputSums + 4L * g));
        long at = START_BYTE + (long) g * WORD_ROW + c;
        sum = FloatVector.fromMemorySegment(FLOATS, scratch, at, ORDER).fma(inputs, sum);
      }
      FloatVector.fromMemorySegment(FLOATS, scratch, ACC_BYTE + c, ORDER)
          .add(sum)
          .intoMemorySegment(scratch, ACC_BYTE + c, ORDER);
    }
  }

  /** Adds one tile times n rows to the outputs in the scratch memory. */
  private static void tile(
      PackedMatrix w,
      long tile,
      MemorySegment x,
      long xByte,
      long xStep,
      int n,
      int rowOfSums,
      MemorySegment scratch) {
    boolean quantized = w.type().isQuantized();
    int group = quantized ? BlockFormat.of(w.type()).group() : BLOCK;
    for (int k0 = 0; k0 < w.in(); k0 += PANEL) {
      int inputs = Math.min(PANEL, w.in() - k0);
      int firstGroup = quantized ? k0 / group % GROUPS : 0;
      if (quantized) {
        expand(w, tile, k0, inputs, firstGroup == 0, scratch);
      } else {
        expandPlain(w, tile, k0, inputs, scratch);
      }
      boolean direct = w.type() == DataType.F32;
      MemorySegment panel = direct ? w.data() : scratch;
      long panelByte = direct ? tile + (long) k0 * WORD_ROW : 0;
      long scale = SCALE_BYTE + (long) firstGroup * WORD_ROW;
      VectorTileKernel.multiply(
          panel, panelByte, inputs, group, x, xByte + 4L * k0, xStep, n, scratch, scale, ACC_BYTE);
      if (quantized && BlockFormat.of(w.type()).hasMinima()) {
        int groups = w.in() / group;
        long sums = INPUT_SUM_BYTE + 4L * groups * rowOfSums;
        tileOfStarts(w, k0 + inputs, scratch, sums, 4L * groups, n, scratch);
      }
    }
  }

  /**
   * Adds starts times sums of inputs to the outputs, once all inputs of {@link #GROUPS} groups were
   * multiplied.
   *
   * @param done inputs multiplied so far
   * @param x sums of groups of n rows from byte {@code sums} on, {@code step} bytes apart
   */
  static void tileOfStarts(
      PackedMatrix w,
      int done,
      MemorySegment x,
      long sums,
      long step,
      int n,
      MemorySegment scratch) {
    int group = BlockFormat.of(w.type()).group();
    if (done < w.in() && done % (GROUPS * group) != 0) {
      return;
    }
    int first = (done - 1) / (GROUPS * group) * GROUPS;
    int count = done / group - first;
    VectorTileKernel.multiply(
        scratch,
        START_BYTE,
        count,
        count,
        x,
        sums + 4L * first,
        step,
        n,
        scratch,
        ONE_BYTE,
        ACC_BYTE);
  }

  private static void expandPlain(PackedMatrix w, long tile, int k0, int n, MemorySegment scratch) {
    long at = tile + (long) (k0 / 2) * WORD_ROW;
    switch (w.type()) {
      case F16 -> VectorExpandKernel.f16(w.data(), at, (n + 1) / 2, scratch);
      case BF16 -> VectorExpandKernel.bf16(w.data(), at, (n + 1) / 2, scratch);
      default -> {}
    }
  }

  /** The codes of a panel, and before them the scales of the next {@link #GROUPS} groups. */
  private static void expand(
      PackedMatrix w, long tile, int k0, int n, boolean scales, MemorySegment scratch) {
    BlockFormat format = BlockFormat.of(w.type());
    if (scales) {
      int g = k0 / format.group();
      int until = Math.min(w.in() / format.group(), g + GROUPS);
      VectorScaleKernel.scales(
          format, w.data(), tile, g, until, scratch, SCALE_BYTE, START_BYTE, SMALL_BYTE);
    }
    for (int k = 0; k < n; k += BLOCK) {
      long words = tile + format.wordsOf((k0 + k) / BLOCK);
      VectorExpandKernel.codes(
          format.codes(), w.data(), words, BLOCK, scratch, (long) k * WORD_ROW);
    }
  }

  static void clear(MemorySegment scratch, int rows) {
    FloatVector zero = FloatVector.zero(FLOATS);
    long end = ACC_BYTE + (long) Math.min(CHUNK, rows) * WORD_ROW;
    for (long at = ACC_BYTE; at < end; at += BYTES) {
      zero.intoMemorySegment(scratch, at, ORDER);
    }
  }

  static void copyOut(
      MemorySegment scratch, int rows, int outs, MemorySegment y, long yByte, long yStep) {
    for (int row = 0; row < rows; row++) {
      long from = ACC_BYTE + (long) row * WORD_ROW;
      MemorySegment.copy(scratch, from, y, yByte + row * yStep, 4L * outs);
    }
  }
}
