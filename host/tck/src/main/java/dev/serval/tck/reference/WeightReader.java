package dev.serval.tck.reference;

import dev.serval.api.tensor.TensorView;
import dev.serval.api.tensor.Weights;

/** Reads weights as F32 numbers, decoding them anew each time. */
final class WeightReader {

  private final Weights weights;

  WeightReader(Weights weights) {
    this.weights = weights;
  }

  /** One row of a view. */
  float[] row(TensorView view, long row) {
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
