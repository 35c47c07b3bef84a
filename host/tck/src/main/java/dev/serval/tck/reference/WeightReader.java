package dev.serval.tck.reference;

import dev.serval.api.tensor.TensorView;
import dev.serval.api.tensor.Weights;
import java.util.IdentityHashMap;

/**
 * Reads weights as F32 numbers. Rows of small tensors are kept once they are decoded. Confined to
 * one thread at a time.
 */
final class WeightReader {

  /** Elements of the largest tensor whose decoded rows are kept. */
  private static final long KEPT_ELEMENTS = 1 << 22;

  private final Weights weights;
  private final IdentityHashMap<TensorView, float[][]> kept = new IdentityHashMap<>();

  WeightReader(Weights weights) {
    this.weights = weights;
  }

  /** One row of a view, not to be changed. */
  float[] row(TensorView view, long row) {
    if (view.shape().elements() > KEPT_ELEMENTS) {
      return decode(view, row);
    }
    float[][] rows = kept.computeIfAbsent(view, v -> new float[(int) v.shape().rows()][]);
    if (rows[(int) row] == null) {
      rows[(int) row] = decode(view, row);
    }
    return rows[(int) row];
  }

  private float[] decode(TensorView view, long row) {
    float[] out = new float[Math.toIntExact(view.shape().ne0())];
    RowDecoder.decode(view.type(), weights.row(view, row), out);
    return out;
  }

  /** All elements of a view, row after row. */
  float[] all(TensorView view) {
    int width = Math.toIntExact(view.shape().ne0());
    int rows = Math.toIntExact(view.shape().rows());
    float[] out = new float[Math.multiplyExact(width, rows)];
    for (int r = 0; r < rows; r++) {
      System.arraycopy(row(view, r), 0, out, r * width, width);
    }
    return out;
  }
}
