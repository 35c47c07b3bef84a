package dev.serval.backend.cpu.kernel;

import java.util.Arrays;

/**
 * Memory of one thread for products of many rows: panels, scales and outputs of up to {@link
 * #WIDTH} weight rows, and rows of activations. It is on the heap: loads, stores and their checks
 * take the compiler fewer nodes with arrays than with segments, and fewer instructions round each
 * loop; only so do sixteen sums fit one method.
 */
public final class TileScratch {

  /** Rows of activations that share an expanded panel; a multiple of 4. */
  static final int CHUNK = 96;

  /** Weight rows of two tiles. */
  static final int WIDTH = 2 * PackedMatrix.TILE_ROWS;

  /** Panel [inputs, weight rows], or small integers that scale groups. */
  final float[] panel = new float[VectorMatmulKernel.PANEL * WIDTH];

  /** Panel of 16-bit codes [pairs of inputs, weight rows, 2]. */
  final short[] codes = new short[VectorMatmulKernel.PANEL * WIDTH];

  /** Outputs [rows of a chunk, weight rows]. */
  final float[] outputs = new float[CHUNK * WIDTH];

  /** Scales [groups, weight rows]. */
  final float[] scales = new float[MatmulKernel.GROUPS * WIDTH];

  /** Starts, likewise. */
  final float[] starts = new float[MatmulKernel.GROUPS * WIDTH];

  /** Sums of the groups' inputs [rows of a chunk, groups]. */
  final float[] inputSums = new float[CHUNK * MatmulKernel.GROUPS];

  /** Scales that change nothing. */
  final float[] ones = new float[MatmulKernel.GROUPS * WIDTH];

  /** Sums of rounded rows [groups of a panel, 4 rows, weight rows, 2]. */
  final short[] sums = new short[VectorMatmulKernel.PANEL / PackedMatrix.BLOCK * 8 * WIDTH];

  private float[] rows = {};
  private int[] pairs = {};

  /** Scratch memory of a thread. */
  public TileScratch() {
    Arrays.fill(ones, 1);
  }

  /** Room for n floats of activations: grows to the largest number asked for. */
  float[] rows(int n) {
    if (rows.length < n) {
      rows = new float[n];
    }
    return rows;
  }

  /** Room for n ints of rounded activations. */
  int[] pairs(int n) {
    if (pairs.length < n) {
      pairs = new int[n];
    }
    return pairs;
  }
}
