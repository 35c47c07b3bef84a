package dev.serval.api.graph;

import dev.serval.api.tensor.TensorView;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A routed feed-forward: for each row the {@code router.used()} best experts, each computing {@code
 * down(activation(gate x, up x))}, added up by router weight in the order of selection. x [m, in],
 * router logits [m, experts] → [m, in].
 *
 * @param router how logits become a choice and weights
 * @param gate gate projection of the experts, [in, ffn, experts], optional bias [ffn, experts]
 * @param up up projection, same sizes
 * @param down down projection, [ffn, in, experts], optional bias [in, experts], added before
 *     weighting
 * @param activation {@link Geglu} or {@link ClampedSwiglu}, or another composite of gate and up
 * @param expertScale factor per expert, [experts], applied to the down projection's result
 */
public record MixtureOfExperts(
    Router router,
    Expert gate,
    Expert up,
    Expert down,
    Composite activation,
    Optional<TensorView> expertScale)
    implements Composite {

  /**
   * One projection of all experts.
   *
   * @param weight [in, out, experts]
   * @param bias [out, experts], absent for none
   */
  public record Expert(TensorView weight, Optional<TensorView> bias) {}

  /**
   * How router logits become a choice of experts and their weights.
   *
   * @param used experts per row
   * @param softmaxFirst whether the softmax runs over all experts before the choice, or over the
   *     chosen logits only
   * @param renormalise whether the chosen weights are divided by their sum
   * @param minimumSum least divisor when renormalising
   * @param scale factor of all weights
   */
  public record Router(
      int used, boolean softmaxFirst, boolean renormalise, double minimumSum, double scale) {
    /** Checks the parameters. */
    public Router {
      if (used < 1 || !(minimumSum >= 0) || !Double.isFinite(scale)) {
        throw new IllegalArgumentException(
            "used=" + used + ", minimumSum=" + minimumSum + ", scale=" + scale);
      }
    }
  }

  @Override
  public List<ValueType> infer(List<ValueType> inputs) {
    String op = "mixtureOfExperts";
    Shapes.count(op, inputs, 2);
    ValueType x = Shapes.rank(op, Shapes.rows(op, inputs.get(0)), 2);
    ValueType logits = Shapes.rank(op, Shapes.rows(op, inputs.get(1)), 2);
    int experts = logits.last();
    if (!x.first().equals(logits.first()) || router.used > experts) {
      throw Shapes.mismatch(op + ": " + x + ", " + logits + ", used=" + router.used);
    }
    ValueType ids = ValueType.i32(x.first(), router.used);
    ValueType g = project(gate, x, ids, experts);
    ValueType hidden = activation.infer(List.of(g, project(up, x, ids, experts))).getFirst();
    ValueType y = project(down, hidden, ids, experts);
    expertScale.ifPresent(s -> Shapes.sizes(op, s, experts));
    return List.of(ValueType.f32(x.first(), y.last()));
  }

  private static ValueType project(Expert e, ValueType x, ValueType ids, int experts) {
    Shapes.sizes("mixtureOfExperts", e.weight, x.last(), e.weight.shape().ne1(), experts);
    return new Projection.ExpertMatMul(e.weight, e.bias).infer(List.of(x, ids)).getFirst();
  }

  @Override
  public List<TensorView> weights() {
    List<TensorView> all = new ArrayList<>();
    for (Expert e : List.of(gate, up, down)) {
      all.add(e.weight);
      e.bias.ifPresent(all::add);
    }
    expertScale.ifPresent(all::add);
    return all;
  }

  @Override
  public List<Value> lower(GraphBuilder g, List<Value> inputs) {
    Value x = inputs.get(0);
    Value logits = inputs.get(1);
    Value scores = router.softmaxFirst ? g.softmax(logits) : logits;
    List<Value> best = g.topK(scores, router.used);
    Value weights = router.softmaxFirst ? best.get(0) : g.softmax(best.get(0));
    Value ids = best.get(1);
    if (router.renormalise) {
      Value sum = g.reduce(Reduction.ReduceKind.SUM, weights);
      Value bounded = g.clamp(sum, router.minimumSum, Double.POSITIVE_INFINITY);
      weights = g.div(weights, bounded);
    }
    if (router.scale != 1) {
      weights = g.scale(weights, router.scale);
    }
    if (expertScale.isPresent()) {
      // the scale is a factor of the expert's result, so it may as well be one of its weight
      Value all = g.add(g.clamp(logits, 0, 0), g.constant(expertScale.get())); // a row per row
      weights = g.mul(weights, g.gather(all, ids));
    }
    Value hidden =
        g.apply(activation, g.expertMatmul(gate, x, ids), g.expertMatmul(up, x, ids)).getFirst();
    Value y = g.expertMatmul(down, hidden, ids);
    Dim first = x.type().first();
    Value asRow = g.reshape(weights, first, Dim.of(1), Dim.of(router.used));
    Value mixed = g.batchMatmul(asRow, y);
    return List.of(g.reshape(mixed, first, Dim.of(y.type().last())));
  }
}
