package dev.serval.tck.reference;

import java.util.Arrays;

/** The numbers of one value: row-major, sizes outermost first. Integers are held exactly. */
final class Numbers {

  private final int[] dims;
  private final double[] data;

  private Numbers(int[] dims, double[] data) {
    this.dims = dims;
    this.data = data;
  }

  static Numbers zeros(int... dims) {
    int n = 1;
    for (int d : dims) {
      n = Math.multiplyExact(n, d);
    }
    return new Numbers(dims.clone(), new double[n]);
  }

  /** The same elements in the same order with other sizes; shares them. */
  Numbers reshaped(int... newDims) {
    return new Numbers(newDims.clone(), data);
  }

  /** Zeros of the same sizes. */
  Numbers like() {
    return zeros(dims);
  }

  int rank() {
    return dims.length;
  }

  /** Size of a dimension, outermost first. */
  int size(int axis) {
    return dims[axis];
  }

  /** Size of the last dimension. */
  int last() {
    return dims[dims.length - 1];
  }

  /** Elements in all. */
  int count() {
    return data.length;
  }

  /** Runs of the last dimension. */
  int rows() {
    return last() == 0 ? 0 : data.length / last();
  }

  double get(int i) {
    return data[i];
  }

  int id(int i) {
    return (int) data[i];
  }

  void set(int i, double x) {
    data[i] = x;
  }

  /** Sizes with the last one replaced. */
  int[] dimsWithLast(int size) {
    int[] d = dims.clone();
    d[d.length - 1] = size;
    return d;
  }

  /** Rounds every element to F32. */
  void roundToFloat() {
    for (int i = 0; i < data.length; i++) {
      data[i] = (float) data[i];
    }
  }

  @Override
  public String toString() {
    return Arrays.toString(dims);
  }
}
