package dev.serval.api.graph;

import dev.serval.api.tensor.TensorView;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Primitives that look at all elements of the last dimension together. */
public sealed interface Reduction extends Primitive {

  /** The function of a {@link Reduce}. */
  enum ReduceKind {
    /** Σ x. */
    SUM,
    /** Σ x / n. */
    MEAN,
    /** Largest element. */
    MAX,
    /** Σ x². */
    SUM_SQUARES
  }

  /**
   * Root mean square norm, arXiv 1910.07467: {@code x / √(mean(x²) + eps) ⊙ w}. x [.., n] → [..,
   * n].
   *
   * @param weight [n], absent for none
   * @param eps added to the mean of squares
   */
  record RmsNorm(Optional<TensorView> weight, float eps) implements Reduction {
    /** Checks eps. */
    public RmsNorm {
      positive(eps);
    }

    @Override
    public List<ValueType> infer(List<ValueType> inputs) {
      Shapes.count("rmsNorm", inputs, 1);
      ValueType x = Shapes.rows("rmsNorm", inputs.getFirst());
      weight.ifPresent(w -> Shapes.sizes("rmsNorm", w, x.last()));
      return List.of(x);
    }

    @Override
    public List<TensorView> weights() {
      return weight.stream().toList();
    }
  }

  /**
   * Layer norm, arXiv 1607.06450: {@code (x − mean) / √(var + eps) ⊙ w + b} with the population
   * variance. x [.., n] → [.., n].
   *
   * @param weight [n]
   * @param bias [n], absent for none
   * @param eps added to the variance
   */
  record LayerNorm(TensorView weight, Optional<TensorView> bias, float eps) implements Reduction {
    /** Checks eps. */
    public LayerNorm {
      positive(eps);
    }

    @Override
    public List<ValueType> infer(List<ValueType> inputs) {
      Shapes.count("layerNorm", inputs, 1);
      ValueType x = Shapes.rows("layerNorm", inputs.getFirst());
      Shapes.sizes("layerNorm", weight, x.last());
      bias.ifPresent(b -> Shapes.sizes("layerNorm", b, x.last()));
      return List.of(x);
    }

    @Override
    public List<TensorView> weights() {
      List<TensorView> all = new ArrayList<>(List.of(weight));
      bias.ifPresent(all::add);
      return all;
    }
  }

  /** exp(x − max) / Σ exp(x − max) over the last dimension. x [.., n] → [.., n]. */
  record Softmax() implements Reduction {
    @Override
    public List<ValueType> infer(List<ValueType> inputs) {
      Shapes.count("softmax", inputs, 1);
      return List.of(Shapes.rows("softmax", inputs.getFirst()));
    }
  }

  /**
   * One number from the last dimension. x [.., n] → [.., 1].
   *
   * @param kind the function
   */
  record Reduce(ReduceKind kind) implements Reduction {
    @Override
    public List<ValueType> infer(List<ValueType> inputs) {
      Shapes.count("reduce", inputs, 1);
      return List.of(Shapes.rows("reduce", inputs.getFirst()).withLast(1));
    }
  }

  /**
   * The k largest of a row, descending; of equal ones the lower index first. x [m, n] → values F32
   * [m, k], ids I32 [m, k].
   *
   * @param k how many, at least 1
   */
  record TopK(int k) implements Reduction {
    /** Checks k. */
    public TopK {
      if (k < 1) {
        throw new IllegalArgumentException("k must be positive: " + k);
      }
    }

    @Override
    public List<ValueType> infer(List<ValueType> inputs) {
      Shapes.count("topK", inputs, 1);
      ValueType x = Shapes.rank("topK", Shapes.rows("topK", inputs.getFirst()), 2);
      if (k > x.last()) {
        throw Shapes.mismatch("topK: k=" + k + " of " + x);
      }
      return List.of(x.withLast(k), ValueType.i32(x.first(), k));
    }
  }

  /** Picks by index: x [m, n] F32, ids [m, k] I32 → [m, k]. Ids outside 0..n−1 are undefined. */
  record Gather() implements Reduction {
    @Override
    public List<ValueType> infer(List<ValueType> inputs) {
      Shapes.count("gather", inputs, 2);
      ValueType x = Shapes.rank("gather", Shapes.rows("gather", inputs.get(0)), 2);
      ValueType ids = Shapes.rank("gather", Shapes.i32("gather", inputs.get(1)), 2);
      if (!x.first().equals(ids.first())) {
        throw Shapes.mismatch("gather: rows differ: " + x + " and " + ids);
      }
      return List.of(x.withLast(ids.last()));
    }
  }

  private static void positive(float eps) {
    if (!(eps >= 0) || Float.isInfinite(eps)) {
      throw new IllegalArgumentException("eps must be finite and not negative: " + eps);
    }
  }
}
