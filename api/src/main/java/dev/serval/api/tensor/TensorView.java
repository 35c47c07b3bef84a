package dev.serval.api.tensor;

import java.util.Objects;

/**
 * A symbolic window on rows of a tensor: what graphs refer to. It names data and never holds any.
 *
 * <p>With {@code r} counting the view's rows, row {@code r} is row
 *
 * <pre>firstRow + (r / groupRows) · groupStep + (r % groupRows) · rowStep</pre>
 *
 * of the source tensor, whose rows are counted over {@code ne1 · ne2 · ne3}. One form covers a row
 * range (fused Q/K/V), every second row (interleaved gate and up), and one half of each expert.
 *
 * @param name name by which the model asks for it, used in messages
 * @param source tensor in the file
 * @param shape sizes of the view, fastest first
 * @param firstRow source row of the view's row 0
 * @param rowStep distance of neighbouring rows inside a group, in source rows
 * @param groupRows rows per group, at least 1
 * @param groupStep distance of groups, in source rows
 */
public record TensorView(
    String name,
    TensorInfo source,
    Shape shape,
    long firstRow,
    long rowStep,
    long groupRows,
    long groupStep) {

  /** Checks that every row of the view is a row of the source. */
  public TensorView {
    Objects.requireNonNull(name);
    if (shape.ne0() != source.shape().ne0()) {
      throw new IllegalArgumentException(
          "view \"" + name + "\": row length " + shape.ne0() + " != " + source.shape().ne0());
    }
    if (groupRows < 1 || firstRow < 0 || rowStep < 1 || groupStep < 0) {
      throw new IllegalArgumentException("view \"" + name + "\": negative or zero step");
    }
    long rows = shape.rows();
    if (rows > 0) {
      long lastGroup = (rows - 1) / groupRows;
      long lastInGroup = Math.min(rows, groupRows) - 1;
      long last = firstRow + lastGroup * groupStep + lastInGroup * rowStep;
      if (last >= source.shape().rows()) {
        throw new IllegalArgumentException(
            "view \""
                + name
                + "\": last row "
                + last
                + " is past the "
                + source.shape().rows()
                + " rows of \""
                + source.name()
                + "\"");
      }
    }
  }

  /** The whole of a tensor under its own name. */
  public static TensorView of(TensorInfo info) {
    long rows = Math.max(1, info.shape().rows());
    return new TensorView(info.name(), info, info.shape(), 0, 1, rows, rows);
  }

  /** The same rows under another name. */
  public TensorView named(String newName) {
    return new TensorView(newName, source, shape, firstRow, rowStep, groupRows, groupStep);
  }

  /**
   * The same rows in another shape.
   *
   * @throws IllegalArgumentException if row length or row count change
   */
  public TensorView reshaped(Shape newShape) {
    if (newShape.ne0() != shape.ne0() || newShape.rows() != shape.rows()) {
      throw new IllegalArgumentException(
          "view \"" + name + "\": cannot reshape " + shape + " to " + newShape);
    }
    return new TensorView(name, source, newShape, firstRow, rowStep, groupRows, groupStep);
  }

  /**
   * Rows {@code from} until {@code until} of a plain matrix view.
   *
   * @throws IllegalArgumentException if the view is not one contiguous or evenly stepped group, or
   *     the range is not inside it
   */
  public TensorView rows(String newName, long from, long until) {
    requireOneGroup();
    if (from < 0 || until < from || until > shape.rows()) {
      throw new IllegalArgumentException(
          "view \"" + name + "\": rows [" + from + ", " + until + ") of " + shape.rows());
    }
    long n = until - from;
    return new TensorView(
        newName,
        source,
        Shape.of(shape.ne0(), n),
        firstRow + from * rowStep,
        rowStep,
        Math.max(1, n),
        0);
  }

  /**
   * Every {@code step}-th row, starting with {@code first}; the second dimension shrinks by {@code
   * step}, further dimensions stay.
   *
   * @throws IllegalArgumentException if {@code ne1} is not a multiple of {@code step}
   */
  public TensorView everyRow(String newName, long first, long step) {
    requireOneGroup();
    if (step < 1 || shape.ne1() % step != 0 || first < 0 || first >= step) {
      throw new IllegalArgumentException(
          "view \"" + name + "\": every " + step + "th of " + shape.ne1() + " rows from " + first);
    }
    Shape s = new Shape(shape.rank(), shape.ne0(), shape.ne1() / step, shape.ne2(), shape.ne3());
    long rows = Math.max(1, s.rows());
    return new TensorView(newName, source, s, firstRow + first * rowStep, rowStep * step, rows, 0);
  }

  /**
   * Part {@code index} of {@code parts} equal runs of rows inside each matrix of a stack.
   *
   * @throws IllegalArgumentException if {@code ne1} is not a multiple of {@code parts}
   */
  public TensorView partOfEach(String newName, int index, int parts) {
    requireOneGroup();
    if (parts < 1 || shape.ne1() % parts != 0 || index < 0 || index >= parts) {
      throw new IllegalArgumentException(
          "view \"" + name + "\": part " + index + " of " + parts + " in " + shape.ne1() + " rows");
    }
    long n = shape.ne1() / parts;
    Shape s = new Shape(shape.rank(), shape.ne0(), n, shape.ne2(), shape.ne3());
    return new TensorView(
        newName,
        source,
        s,
        firstRow + index * n * rowStep,
        rowStep,
        Math.max(1, n),
        shape.ne1() * rowStep);
  }

  private void requireOneGroup() {
    if (shape.rows() > groupRows) {
      throw new IllegalArgumentException("view \"" + name + "\" is already split by matrix");
    }
  }

  /** Element type of the data. */
  public DataType type() {
    return source.type();
  }

  /** Bytes of one row. */
  public long rowBytes() {
    return source.rowBytes();
  }

  /** Bytes of all rows of the view. */
  public long bytes() {
    return Math.multiplyExact(rowBytes(), shape.rows());
  }

  /** The source row that holds row {@code row} of this view. */
  public long sourceRow(long row) {
    return firstRow + row / groupRows * groupStep + row % groupRows * rowStep;
  }

  /** Whether the view's rows lie one after the other in the source. */
  public boolean isContiguous() {
    return rowStep == 1 && (shape.rows() <= groupRows || groupStep == groupRows);
  }

  @Override
  public String toString() {
    return "\"" + name + "\" " + type() + " " + shape;
  }
}
