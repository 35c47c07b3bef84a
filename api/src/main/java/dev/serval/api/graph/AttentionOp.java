package dev.serval.api.graph;

import dev.serval.api.attention.AttentionSpec;
import dev.serval.api.attention.RopeSpec;
import dev.serval.api.kv.KvSlot;
import dev.serval.api.tensor.TensorView;
import java.util.List;

/** Primitives of attention. */
public sealed interface AttentionOp extends Primitive {

  /**
   * Rotates heads by position. x F32 [tokens, heads, dim], positions I32 [tokens] → same as x.
   *
   * @param spec pairs, frequencies, scaling; {@code nRot ≤ dim}
   */
  record Rope(RopeSpec spec) implements AttentionOp {
    @Override
    public List<ValueType> infer(List<ValueType> inputs) {
      Shapes.count("rope", inputs, 2);
      ValueType x = Shapes.rank("rope", Shapes.f32("rope", inputs.get(0)), 3);
      ValueType positions = Shapes.rank("rope", Shapes.i32("rope", inputs.get(1)), 1);
      if (!x.first().equals(positions.first())) {
        throw Shapes.mismatch("rope: rows of " + x + " and positions " + positions + " differ");
      }
      if (spec.nRot() > x.last()) {
        throw Shapes.mismatch("rope: nRot=" + spec.nRot() + " exceeds the head of " + x);
      }
      return List.of(x);
    }

    @Override
    public List<TensorView> weights() {
      return spec.frequencyFactors().stream().toList();
    }
  }

  /**
   * Stores keys and values of the step's tokens in their cells, rounded to the cache's type. k F32
   * [tokens, nKvHeads, keyDim], v F32 [tokens, nKvHeads, valueDim] → nothing.
   *
   * @param slot where to
   */
  record KvStore(KvSlot slot) implements AttentionOp {
    @Override
    public List<ValueType> infer(List<ValueType> inputs) {
      Shapes.count("kvStore", inputs, 2);
      require("kvStore", inputs.get(0), slot.nKvHeads(), slot.keyDim());
      require("kvStore", inputs.get(1), slot.nKvHeads(), slot.valueDim());
      return List.of();
    }

    /** The frequency factors of the rotation, without which stored keys could not be moved. */
    @Override
    public List<TensorView> weights() {
      return slot.rotation().flatMap(RopeSpec::frequencyFactors).stream().toList();
    }
  }

  /**
   * Attends each token to the cached keys and values its sequence may see, its own step's included.
   * q F32 [tokens, nHeads, keyDim] → [tokens, nHeads, valueDim].
   *
   * @param spec heads, scale, mask; fits the slot
   * @param slot what to attend to, stored earlier in the graph
   */
  record Attend(AttentionSpec spec, KvSlot slot) implements AttentionOp {
    @Override
    public List<ValueType> infer(List<ValueType> inputs) {
      Shapes.count("attend", inputs, 1);
      require("attend", inputs.getFirst(), spec.nHeads(), spec.keyDim());
      if (spec.nKvHeads() != slot.nKvHeads()
          || spec.keyDim() != slot.keyDim()
          || spec.valueDim() != slot.valueDim()
          || !spec.mask().equals(slot.mask())) {
        throw Shapes.mismatch("attend: " + spec + " does not fit " + slot);
      }
      return List.of(ValueType.f32(Dim.TOKENS, spec.nHeads(), spec.valueDim()));
    }

    @Override
    public List<TensorView> weights() {
      return spec.sinks().stream().toList();
    }
  }

  /**
   * Attends to keys and values of the same step only, without a cache. q F32 [tokens, nHeads,
   * keyDim], k F32 [tokens, nKvHeads, keyDim], v F32 [tokens, nKvHeads, valueDim] → [tokens,
   * nHeads, valueDim].
   *
   * @param spec heads, scale, mask
   */
  record AttendStep(AttentionSpec spec) implements AttentionOp {
    @Override
    public List<ValueType> infer(List<ValueType> inputs) {
      Shapes.count("attendStep", inputs, 3);
      require("attendStep", inputs.get(0), spec.nHeads(), spec.keyDim());
      require("attendStep", inputs.get(1), spec.nKvHeads(), spec.keyDim());
      require("attendStep", inputs.get(2), spec.nKvHeads(), spec.valueDim());
      return List.of(ValueType.f32(Dim.TOKENS, spec.nHeads(), spec.valueDim()));
    }

    @Override
    public List<TensorView> weights() {
      return spec.sinks().stream().toList();
    }
  }

  private static void require(String op, ValueType t, int heads, int dim) {
    ValueType expected = ValueType.f32(Dim.TOKENS, heads, dim);
    if (!t.equals(expected)) {
      throw Shapes.mismatch(op + ": expected " + expected + ", got " + t);
    }
  }
}
