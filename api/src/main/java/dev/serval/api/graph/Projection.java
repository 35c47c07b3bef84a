package dev.serval.api.graph;

import dev.serval.api.tensor.TensorView;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Primitives that read rows of weights, or multiply matrices. */
public sealed interface Projection extends Primitive {

  /**
   * A weight as a value, converted to F32. No input → sizes of the weight, outermost first, leading
   * dimensions of a shape with {@code rank} 0 or 1 as [n].
   *
   * @param weight any type, at most 3 dimensions
   */
  record Constant(TensorView weight) implements Projection {
    @Override
    public List<ValueType> infer(List<ValueType> inputs) {
      Shapes.count("constant", inputs, 0);
      List<Dim> dims = new ArrayList<>();
      for (int i = Math.max(1, weight.shape().rank()) - 1; i >= 0; i--) {
        dims.add(Dim.of(Shapes.toInt("constant", weight, weight.shape().ne(i))));
      }
      return List.of(ValueType.f32(dims));
    }

    @Override
    public List<TensorView> weights() {
      return List.of(weight);
    }
  }

  /**
   * Looks rows up. ids I32 [m] → [m, width]. An id of −1 (a row of supplied embeddings) reads row
   * 0.
   *
   * @param table [width, rows]
   */
  record Rows(TensorView table) implements Projection {
    @Override
    public List<ValueType> infer(List<ValueType> inputs) {
      Shapes.count("rows", inputs, 1);
      ValueType ids = Shapes.rank("rows", Shapes.i32("rows", inputs.getFirst()), 1);
      Shapes.sizes("rows", table, table.shape().ne0(), table.shape().ne1());
      int width = Shapes.toInt("rows", table, table.shape().ne0());
      return List.of(ValueType.f32(ids.first(), width));
    }

    @Override
    public List<TensorView> weights() {
      return List.of(table);
    }
  }

  /**
   * A linear layer: {@code y = W x + b}. x [.., in] → [.., out].
   *
   * @param weight [in, out]
   * @param bias [out], absent for none
   */
  record MatMul(TensorView weight, Optional<TensorView> bias) implements Projection {
    @Override
    public List<ValueType> infer(List<ValueType> inputs) {
      Shapes.count("matmul", inputs, 1);
      ValueType x = Shapes.rows("matmul", inputs.getFirst());
      long out = weight.shape().ne1();
      Shapes.sizes("matmul", weight, x.last(), out);
      bias.ifPresent(b -> Shapes.sizes("matmul", b, out));
      return List.of(x.withLast(Shapes.toInt("matmul", weight, out)));
    }

    @Override
    public List<TensorView> weights() {
      return withBias(weight, bias);
    }
  }

  /** Multiplies matrices row by row of the batch: a [b, m, k], c [b, k, n] → [b, m, n]. */
  record BatchMatMul() implements Projection {
    @Override
    public List<ValueType> infer(List<ValueType> inputs) {
      Shapes.count("batchMatmul", inputs, 2);
      ValueType a = Shapes.rank("batchMatmul", Shapes.f32("batchMatmul", inputs.get(0)), 3);
      ValueType c = Shapes.rank("batchMatmul", Shapes.f32("batchMatmul", inputs.get(1)), 3);
      if (!a.first().equals(c.first()) || !a.dims().get(2).equals(c.dims().get(1))) {
        throw Shapes.mismatch("batchMatmul: " + a + " does not fit " + c);
      }
      return List.of(a.withLast(c.last()));
    }
  }

  /**
   * A linear layer per chosen expert. x [m, in] or [m, k, in], ids I32 [m, k] → [m, k, out]. With
   * two-dimensional x every chosen expert of a row gets the same input.
   *
   * @param weight [in, out, experts]
   * @param bias [out, experts], absent for none
   */
  record ExpertMatMul(TensorView weight, Optional<TensorView> bias) implements Projection {
    @Override
    public List<ValueType> infer(List<ValueType> inputs) {
      String op = "expertMatmul";
      Shapes.count(op, inputs, 2);
      ValueType x = Shapes.rows(op, inputs.get(0));
      ValueType ids = Shapes.rank(op, Shapes.i32(op, inputs.get(1)), 2);
      long out = weight.shape().ne1();
      long experts = weight.shape().ne2();
      Shapes.sizes(op, weight, x.last(), out, experts);
      bias.ifPresent(b -> Shapes.sizes(op, b, out, experts));
      boolean perChoice = x.rank() == 3 && x.dims().get(1).equals(ids.dims().get(1));
      if (!x.first().equals(ids.first()) || !(x.rank() == 2 || perChoice)) {
        throw Shapes.mismatch(op + ": tensor " + weight + ": " + x + " does not fit ids " + ids);
      }
      return List.of(ValueType.f32(x.first(), ids.last(), Shapes.toInt(op, weight, out)));
    }

    @Override
    public List<TensorView> weights() {
      return withBias(weight, bias);
    }
  }

  private static List<TensorView> withBias(TensorView weight, Optional<TensorView> bias) {
    return bias.map(b -> List.of(weight, b)).orElseGet(() -> List.of(weight));
  }
}
