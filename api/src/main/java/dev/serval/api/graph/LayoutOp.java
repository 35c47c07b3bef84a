package dev.serval.api.graph;

import java.util.ArrayList;
import java.util.List;

/** Primitives that move elements and compute none, but for {@link PoolMean}. */
public sealed interface LayoutOp extends Primitive {

  /**
   * Elements {@code from} until {@code until} of one dimension, which must be fixed.
   *
   * @param axis dimension, from 0
   * @param from first index
   * @param until one past the last index
   */
  record Slice(int axis, int from, int until) implements LayoutOp {
    @Override
    public List<ValueType> infer(List<ValueType> inputs) {
      Shapes.count("slice", inputs, 1);
      ValueType x = Shapes.f32("slice", inputs.getFirst());
      int size = fixed("slice", x, axis);
      if (from < 0 || until <= from || until > size) {
        throw Shapes.mismatch("slice: [" + from + ", " + until + ") of axis " + axis + " in " + x);
      }
      List<Dim> dims = new ArrayList<>(x.dims());
      dims.set(axis, Dim.of(until - from));
      return List.of(ValueType.f32(dims));
    }
  }

  /**
   * Values one after the other along one dimension, which must be fixed; all other sizes equal.
   *
   * @param axis dimension, from 0
   */
  record Concat(int axis) implements LayoutOp {
    @Override
    public List<ValueType> infer(List<ValueType> inputs) {
      if (inputs.isEmpty()) {
        throw Shapes.mismatch("concat: no input");
      }
      List<Dim> dims = new ArrayList<>(Shapes.f32("concat", inputs.getFirst()).dims());
      int sum = 0;
      for (ValueType t : inputs) {
        Shapes.f32("concat", t);
        sum = Math.addExact(sum, fixed("concat", t, axis));
        List<Dim> others = new ArrayList<>(t.dims());
        others.set(axis, dims.get(axis));
        if (!others.equals(dims)) {
          throw Shapes.mismatch("concat: " + t + " does not fit " + inputs.getFirst());
        }
      }
      dims.set(axis, Dim.of(sum));
      return List.of(ValueType.f32(dims));
    }
  }

  /**
   * The same elements in the same order with other sizes. A symbolic first size stays first.
   *
   * @param dims the new sizes
   */
  record Reshape(List<Dim> dims) implements LayoutOp {
    /** Copies the list. */
    public Reshape {
      dims = List.copyOf(dims);
    }

    @Override
    public List<ValueType> infer(List<ValueType> inputs) {
      Shapes.count("reshape", inputs, 1);
      ValueType x = Shapes.f32("reshape", inputs.getFirst());
      ValueType y = ValueType.f32(dims);
      boolean symbolic = !x.first().isFixed() || !y.first().isFixed();
      boolean ok =
          symbolic
              ? x.first().equals(y.first()) && x.width() == y.width()
              : (long) x.first().size() * x.width() == (long) y.first().size() * y.width();
      if (!ok) {
        throw Shapes.mismatch("reshape: cannot turn " + x + " into " + y);
      }
      return List.of(y);
    }
  }

  /** The rows of the tokens whose output is wanted: [tokens, ..] → [wanted, ..]. */
  record Wanted() implements LayoutOp {
    @Override
    public List<ValueType> infer(List<ValueType> inputs) {
      return List.of(tokens("wanted", inputs).withFirst(Dim.WANTED));
    }
  }

  /** The mean of each sequence's rows: [tokens, ..] → [sequences, ..]. */
  record PoolMean() implements LayoutOp {
    @Override
    public List<ValueType> infer(List<ValueType> inputs) {
      return List.of(tokens("poolMean", inputs).withFirst(Dim.SEQUENCES));
    }
  }

  private static ValueType tokens(String op, List<ValueType> inputs) {
    Shapes.count(op, inputs, 1);
    ValueType x = Shapes.f32(op, inputs.getFirst());
    if (!x.first().equals(Dim.TOKENS)) {
      throw Shapes.mismatch(op + ": expected a row per token, got " + x);
    }
    return x;
  }

  private static int fixed(String op, ValueType x, int axis) {
    if (axis < 0 || axis >= x.rank() || !x.dims().get(axis).isFixed()) {
      throw Shapes.mismatch(op + ": axis " + axis + " of " + x + " is not a fixed dimension");
    }
    return x.dims().get(axis).size();
  }
}
