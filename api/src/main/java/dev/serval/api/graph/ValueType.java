package dev.serval.api.graph;

import dev.serval.api.tensor.DataType;
import java.util.ArrayList;
import java.util.List;

/**
 * Element type and sizes of a value, outermost dimension first. Only the first size may be
 * symbolic.
 *
 * @param type {@link DataType#F32} or {@link DataType#I32}
 * @param dims sizes, at least one; row-major, the last varies fastest
 */
public record ValueType(DataType type, List<Dim> dims) {

  /** Checks the element type and that only the first size is symbolic. */
  public ValueType {
    dims = List.copyOf(dims);
    if (type != DataType.F32 && type != DataType.I32) {
      throw new IllegalArgumentException("values are F32 or I32, not " + type);
    }
    if (dims.isEmpty()) {
      throw new IllegalArgumentException("a value needs at least one dimension");
    }
    for (int i = 1; i < dims.size(); i++) {
      if (!dims.get(i).isFixed()) {
        throw new IllegalArgumentException("only the first dimension may be symbolic: " + dims);
      }
    }
    long n = 1;
    for (Dim d : dims) {
      n = d.isFixed() ? Math.multiplyExact(n, (long) d.size()) : n;
    }
    if (n > Integer.MAX_VALUE) {
      throw new IllegalArgumentException("row of more than 2^31-1 elements: " + dims);
    }
  }

  /** An F32 value. */
  public static ValueType f32(List<Dim> dims) {
    return new ValueType(DataType.F32, dims);
  }

  /** An F32 value: first size, then fixed ones. */
  public static ValueType f32(Dim first, int... rest) {
    return new ValueType(DataType.F32, list(first, rest));
  }

  /** An I32 value: first size, then fixed ones. */
  public static ValueType i32(Dim first, int... rest) {
    return new ValueType(DataType.I32, list(first, rest));
  }

  private static List<Dim> list(Dim first, int... rest) {
    List<Dim> dims = new ArrayList<>();
    dims.add(first);
    for (int n : rest) {
      dims.add(Dim.of(n));
    }
    return dims;
  }

  /** Number of dimensions. */
  public int rank() {
    return dims.size();
  }

  /** The first size. */
  public Dim first() {
    return dims.getFirst();
  }

  /** The last size, which must be fixed. */
  public int last() {
    Dim d = dims.getLast();
    if (!d.isFixed()) {
      throw new IllegalStateException("the last dimension is symbolic: " + this);
    }
    return d.size();
  }

  /** Elements per row of the first dimension: the product of all further sizes. */
  public int width() {
    int n = 1;
    for (int i = 1; i < dims.size(); i++) {
      n *= dims.get(i).size();
    }
    return n;
  }

  /** The same with another last size. */
  public ValueType withLast(int size) {
    List<Dim> d = new ArrayList<>(dims);
    d.set(d.size() - 1, Dim.of(size));
    return new ValueType(type, d);
  }

  /** The same with another first size. */
  public ValueType withFirst(Dim first) {
    List<Dim> d = new ArrayList<>(dims);
    d.set(0, first);
    return new ValueType(type, d);
  }

  @Override
  public String toString() {
    return type + " " + dims;
  }
}
