package dev.serval.tck.graphs;

import dev.serval.api.attention.AttentionSpec;
import dev.serval.api.attention.MaskKind;
import dev.serval.api.attention.RopeSpec;
import dev.serval.api.graph.ClampedSwiglu;
import dev.serval.api.graph.GraphBuilder;
import dev.serval.api.graph.KvValue;
import dev.serval.api.graph.Mark;
import dev.serval.api.graph.MixtureOfExperts;
import dev.serval.api.graph.MixtureOfExperts.Expert;
import dev.serval.api.graph.MixtureOfExperts.Router;
import dev.serval.api.graph.Value;
import dev.serval.api.model.Metadata;
import dev.serval.api.model.ModelSource;
import dev.serval.api.tensor.TensorView;
import java.util.Optional;

/**
 * gpt-oss with separate projections: attention with sinks and biases, sliding on even layers, YaRN,
 * and a mixture of experts that softmaxes the chosen router logits. Source of the formulas:
 * llama.cpp {@code src/models/openai-moe.cpp}.
 */
public final class GptOssGraph {

  private static final int MAX = 1 << 24;
  private static final ClampedSwiglu SWIGLU = new ClampedSwiglu(1.702, 7);

  private GptOssGraph() {}

  /** Describes one forward pass of a file of architecture {@code gpt-oss}. */
  public static void describe(ModelSource source, GraphBuilder g) {
    Metadata m = source.metadata();
    String a = source.architecture() + ".";
    int nLayers = m.requireInt(a + "block_count", 1, MAX);
    int nHeads = m.requireInt(a + "attention.head_count", 1, MAX);
    int nKvHeads = m.requireInt(a + "attention.head_count_kv", 1, MAX);
    int headDim = m.requireInt(a + "attention.key_length", 1, MAX);
    int window = m.requireInt(a + "attention.sliding_window", 1, MAX);
    int used = m.requireInt(a + "expert_used_count", 1, MAX);
    float eps = (float) m.positiveOr(a + "attention.layer_norm_rms_epsilon", 1e-5);
    RopeSpec rope = rope(m, a, headDim);
    Router router = new Router(used, false, false, 0, 1);
    float scale = (float) (1 / Math.sqrt(headDim));

    g.mark(Mark.EMBED);
    Value x = g.embedding(g.rows(source.tensor("token_embd.weight"), g.tokens()));
    for (int i = 0; i < nLayers; i++) {
      g.mark(Mark.layer(i));
      String b = "blk." + i + ".";
      Value h = g.rmsNorm(x, source.tensor(b + "attn_norm.weight"), eps);
      Value q = g.heads(linear(g, source, b + "attn_q", h), nHeads);
      Value k = g.heads(linear(g, source, b + "attn_k", h), nKvHeads);
      Value v = g.heads(linear(g, source, b + "attn_v", h), nKvHeads);
      MaskKind mask = i % 2 == 0 ? MaskKind.sliding(window) : MaskKind.CAUSAL;
      AttentionSpec spec =
          new AttentionSpec(nHeads, nKvHeads, headDim, scale, mask)
              .withSinks(source.tensor(b + "attn_sinks.weight"));
      KvValue kv = g.kvStore(g.slot(spec, Optional.of(rope)), g.rope(k, g.positions(), rope), v);
      Value attended = g.attend(g.rope(q, g.positions(), rope), kv, spec);
      x = g.add(x, linear(g, source, b + "attn_output", g.joined(attended)));

      h = g.rmsNorm(x, source.tensor(b + "post_attention_norm.weight"), eps);
      Value logits = linear(g, source, b + "ffn_gate_inp", h);
      MixtureOfExperts experts =
          new MixtureOfExperts(
              router,
              expert(source, b + "ffn_gate_exps"),
              expert(source, b + "ffn_up_exps"),
              expert(source, b + "ffn_down_exps"),
              SWIGLU,
              Optional.empty());
      x = g.add(x, g.apply(experts, h, logits).getFirst());
    }
    g.mark(Mark.OUTPUT);
    Value y = g.rmsNorm(g.wanted(x), source.tensor("output_norm.weight"), eps);
    g.logits(g.matmul(source.tensor("output.weight", "token_embd.weight"), y));
  }

  private static RopeSpec rope(Metadata m, String a, int headDim) {
    double theta = m.positiveOr(a + "rope.freq_base", 150000);
    double factor = m.positiveOr(a + "rope.scaling.factor", 1);
    RopeSpec rope = RopeSpec.neox(headDim, theta, factor);
    if (!m.has(a + "rope.scaling.original_context_length")) {
      return rope;
    }
    int original = m.requireInt(a + "rope.scaling.original_context_length", 1, MAX);
    double betaFast = m.positiveOr(a + "rope.scaling.yarn_beta_fast", 32);
    double betaSlow = m.positiveOr(a + "rope.scaling.yarn_beta_slow", 1);
    return rope.withYarn(new RopeSpec.Yarn(original, betaFast, betaSlow, 1, true));
  }

  private static Value linear(GraphBuilder g, ModelSource source, String name, Value x) {
    TensorView weight = source.tensor(name + ".weight");
    return g.matmul(weight, source.tensor(name + ".bias"), x);
  }

  private static Expert expert(ModelSource source, String name) {
    return new Expert(source.tensor(name + ".weight"), source.find(name + ".bias"));
  }
}
