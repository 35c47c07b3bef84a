package dev.serval.tck.graphs;

import dev.serval.api.attention.AttentionSpec;
import dev.serval.api.attention.RopeSpec;
import dev.serval.api.graph.Geglu;
import dev.serval.api.graph.GraphBuilder;
import dev.serval.api.graph.KvValue;
import dev.serval.api.graph.Mark;
import dev.serval.api.graph.MixtureOfExperts;
import dev.serval.api.graph.MixtureOfExperts.Expert;
import dev.serval.api.graph.MixtureOfExperts.Router;
import dev.serval.api.graph.SoftCap;
import dev.serval.api.graph.Value;
import dev.serval.api.model.Metadata;
import dev.serval.api.model.ModelSource;
import dev.serval.api.tensor.TensorView;
import java.util.Optional;

/**
 * Gemma 4 with a mixture of experts beside a dense feed-forward, head widths that differ between
 * sliding and global layers, keys used as values where there is no value projection, frequency
 * factors, and a fused gate and up projection. Source of the formulas: llama.cpp {@code
 * src/models/gemma4.cpp}.
 */
public final class Gemma4Graph {

  private static final int MAX = 1 << 24;

  /** Least sum of the chosen probabilities: the smallest normal F16. */
  private static final double LEAST_SUM = 6.103515625e-5;

  private final ModelSource source;
  private final GraphBuilder g;
  private final Metadata m;
  private final String a;
  private final int embeddingDim;
  private final float eps;

  private Gemma4Graph(ModelSource source, GraphBuilder g) {
    this.source = source;
    this.g = g;
    this.m = source.metadata();
    this.a = source.architecture() + ".";
    this.embeddingDim = m.requireInt(a + "embedding_length", 1, MAX);
    this.eps = (float) m.positiveOr(a + "attention.layer_norm_rms_epsilon", 1e-6);
  }

  /** Describes one forward pass. */
  public static void describe(ModelSource source, GraphBuilder g) {
    new Gemma4Graph(source, g).describe();
  }

  private void describe() {
    int nLayers = m.requireInt(a + "block_count", 1, MAX);
    int period = m.intOr(a + "attention.sliding_window_pattern", 1, MAX, 6);
    g.mark(Mark.EMBED);
    Value rows = g.rows(weight("token_embd.weight"), g.tokens());
    Value x = g.embedding(g.scale(rows, Math.sqrt(embeddingDim)));
    for (int i = 0; i < nLayers; i++) {
      g.mark(Mark.layer(i));
      String b = "blk." + i + ".";
      Value o =
          attention(b, g.rmsNorm(x, weight(b + "attn_norm.weight"), eps), i % period != period - 1);
      Value x1 = g.add(x, g.rmsNorm(o, weight(b + "post_attention_norm.weight"), eps));
      Value dense =
          Gemma3Graph.feedForward(g, source, b, g.rmsNorm(x1, weight(b + "ffn_norm.weight"), eps));
      Value f =
          g.add(
              g.rmsNorm(dense, weight(b + "post_ffw_norm_1.weight"), eps),
              g.rmsNorm(experts(b, x1), weight(b + "post_ffw_norm_2.weight"), eps));
      Value x2 = g.add(x1, g.rmsNorm(f, weight(b + "post_ffw_norm.weight"), eps));
      x = g.mul(x2, g.constant(weight(b + "layer_output_scale.weight")));
    }
    g.mark(Mark.OUTPUT);
    Value y = g.rmsNorm(g.wanted(x), weight("output_norm.weight"), eps);
    Value logits = g.matmul(weight("token_embd.weight"), y);
    g.logits(g.apply(new SoftCap(30), logits).getFirst());
  }

  private TensorView weight(String name) {
    return source.tensor(name);
  }

  private Value attention(String b, Value h, boolean local) {
    String suffix = local ? "_swa" : "";
    int nHeads = m.requireInt(a + "attention.head_count", 1, MAX);
    int headDim = m.requireInt(a + "attention.key_length" + suffix, 1, MAX);
    int window = m.requireInt(a + "attention.sliding_window", 1, MAX);
    int nKvHeads = Math.toIntExact(weight(b + "attn_k.weight").shape().ne1() / headDim);
    RopeSpec plain = RopeSpec.neox(headDim, m.positiveOr(a + "rope.freq_base" + suffix, 1e6), 1);
    RopeSpec rope = local ? plain : plain.withFrequencyFactors(weight("rope_freqs.weight"));
    AttentionSpec spec =
        new AttentionSpec(nHeads, nKvHeads, headDim, 1, Gemma3Graph.decoderMask(local, window));

    Value q = Gemma3Graph.head(g, source, b + "attn_q", h, nHeads, eps, rope);
    Value raw = g.heads(g.matmul(weight(b + "attn_k.weight"), h), nKvHeads);
    Value k = g.rope(g.rmsNorm(raw, weight(b + "attn_k_norm.weight"), eps), g.positions(), rope);
    Value rawValue =
        source.find(b + "attn_v.weight").map(w -> g.heads(g.matmul(w, h), nKvHeads)).orElse(raw);
    KvValue kv = g.kvStore(g.slot(spec, Optional.of(rope)), k, g.rmsNorm(rawValue, eps));
    Value attended = g.attend(q, kv, spec);
    return g.matmul(weight(b + "attn_output.weight"), g.joined(attended));
  }

  private Value experts(String b, Value x1) {
    Value t = g.scale(g.rmsNorm(x1, eps), 1 / Math.sqrt(embeddingDim));
    Value scaled = g.mul(t, g.constant(weight(b + "ffn_gate_inp.scale")));
    Value logits = g.matmul(weight(b + "ffn_gate_inp.weight"), scaled);
    TensorView fused = weight(b + "ffn_gate_up_exps.weight");
    TensorView gate = fused.partOfEach(b + "ffn_gate_exps.weight", 0, 2);
    TensorView up = fused.partOfEach(b + "ffn_up_exps.weight", 1, 2);
    int used = m.requireInt(a + "expert_used_count", 1, MAX);
    MixtureOfExperts op =
        new MixtureOfExperts(
            new Router(used, true, true, LEAST_SUM, 1),
            new Expert(gate, Optional.empty()),
            new Expert(up, Optional.empty()),
            new Expert(weight(b + "ffn_down_exps.weight"), Optional.empty()),
            new Geglu(),
            Optional.of(weight(b + "ffn_down_exps.scale")));
    Value r2 = g.rmsNorm(x1, weight(b + "pre_ffw_norm_2.weight"), eps);
    return g.apply(op, r2, logits).getFirst();
  }
}
