package dev.serval.api.graph;

import dev.serval.api.error.ModelRefusedException;
import dev.serval.api.error.ModelRefusedException.Reason;
import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.TensorView;
import java.util.ArrayList;
import java.util.List;

/** The checks that all ops share. A violation is a refusal that names op, tensor and sizes. */
final class Shapes {

  private Shapes() {}

  static ModelRefusedException mismatch(String message) {
    return new ModelRefusedException(Reason.SHAPE_MISMATCH, message);
  }

  static void count(String op, List<ValueType> inputs, int expected) {
    if (inputs.size() != expected) {
      throw mismatch(op + ": expected " + expected + " inputs, got " + inputs.size());
    }
  }

  static ValueType f32(String op, ValueType t) {
    if (t.type() != DataType.F32) {
      throw mismatch(op + ": expected an F32 value, got " + t);
    }
    return t;
  }

  static ValueType i32(String op, ValueType t) {
    if (t.type() != DataType.I32) {
      throw mismatch(op + ": expected an I32 value, got " + t);
    }
    return t;
  }

  static ValueType rank(String op, ValueType t, int rank) {
    if (t.rank() != rank) {
      throw mismatch(op + ": expected " + rank + " dimensions, got " + t);
    }
    return t;
  }

  /** An F32 value whose last size is a number. */
  static ValueType rows(String op, ValueType t) {
    f32(op, t);
    if (!t.dims().getLast().isFixed()) {
      throw mismatch(op + ": the last dimension must be fixed, got " + t);
    }
    return t;
  }

  /** A weight of exactly these sizes; further sizes must be 1. */
  static void sizes(String op, TensorView w, long... expected) {
    boolean ok = true;
    for (int i = 0; i < 4; i++) {
      ok &= w.shape().ne(i) == (i < expected.length ? expected[i] : 1);
    }
    if (!ok) {
      StringBuilder s = new StringBuilder();
      for (long n : expected) {
        s.append(s.isEmpty() ? "" : ", ").append(n);
      }
      throw mismatch(op + ": tensor " + w + ": expected [" + s + "]");
    }
  }

  static int toInt(String op, TensorView w, long size) {
    if (size <= 0 || size > Integer.MAX_VALUE) {
      throw mismatch(op + ": tensor " + w + ": size " + size + " outside 1..2^31-1");
    }
    return (int) size;
  }

  static ValueType broadcast(String op, ValueType a, ValueType b) {
    f32(op, a);
    f32(op, b);
    int rank = Math.max(a.rank(), b.rank());
    List<Dim> dims = new ArrayList<>();
    for (int i = 0; i < rank; i++) {
      Dim x = at(a, i - rank + a.rank());
      Dim y = at(b, i - rank + b.rank());
      if (x.equals(y) || isOne(y)) {
        dims.add(x);
      } else if (isOne(x)) {
        dims.add(y);
      } else {
        throw mismatch(op + ": cannot broadcast " + a + " and " + b);
      }
    }
    try {
      return ValueType.f32(dims);
    } catch (IllegalArgumentException e) {
      throw mismatch(op + ": cannot broadcast " + a + " and " + b + ": " + e.getMessage());
    }
  }

  private static Dim at(ValueType t, int i) {
    return i < 0 ? Dim.of(1) : t.dims().get(i);
  }

  private static boolean isOne(Dim d) {
    return d.isFixed() && d.size() == 1;
  }
}
