package dev.serval.tck.graphs;

import dev.serval.api.attention.AttentionSpec;
import dev.serval.api.attention.MaskKind;
import dev.serval.api.attention.RopeSpec;
import dev.serval.api.graph.Geglu;
import dev.serval.api.graph.GraphBuilder;
import dev.serval.api.graph.KvValue;
import dev.serval.api.graph.Mark;
import dev.serval.api.graph.Value;
import dev.serval.api.model.Metadata;
import dev.serval.api.model.ModelSource;
import dev.serval.api.tensor.TensorView;
import java.util.Optional;

/**
 * Gemma 3: sliding layers with a global one after every {@code pattern − 1}, norms of queries and
 * keys, a gated GELU. As an encoder (EmbeddingGemma) it attends in both directions without a cache
 * and pools. Source of the formulas: llama.cpp {@code src/models/gemma3.cpp}.
 */
public final class Gemma3Graph {

  private static final int MAX = 1 << 24;

  private Gemma3Graph() {}

  /** Describes one forward pass of a decoder, with logits. */
  public static void describe(ModelSource source, GraphBuilder g) {
    Value x = layers(source, g, false);
    Value y = g.rmsNorm(g.wanted(x), source.tensor("output_norm.weight"), eps(source));
    g.logits(g.matmul(source.tensor("output.weight", "token_embd.weight"), y));
  }

  /** Describes one forward pass of an encoder, with pooled rows. */
  public static void describeEncoder(ModelSource source, GraphBuilder g) {
    g.wholeSequences();
    Value x = layers(source, g, true);
    g.pooled(g.poolMean(g.rmsNorm(x, source.tensor("output_norm.weight"), eps(source))));
  }

  private static float eps(ModelSource source) {
    String key = source.architecture() + ".attention.layer_norm_rms_epsilon";
    return (float) source.metadata().positiveOr(key, 1e-6);
  }

  private static Value layers(ModelSource source, GraphBuilder g, boolean encoder) {
    Metadata m = source.metadata();
    String a = source.architecture() + ".";
    int nLayers = m.requireInt(a + "block_count", 1, MAX);
    int embeddingDim = m.requireInt(a + "embedding_length", 1, MAX);
    int nHeads = m.requireInt(a + "attention.head_count", 1, MAX);
    int nKvHeads = m.requireInt(a + "attention.head_count_kv", 1, MAX);
    int headDim = m.requireInt(a + "attention.key_length", 1, MAX);
    int window = m.requireInt(a + "attention.sliding_window", 1, MAX);
    int pattern = m.intOr(a + "attention.sliding_window_pattern", 1, MAX, 6);
    double globalTheta = m.positiveOr(a + "rope.freq_base", 1e6);
    double localTheta = m.positiveOr(a + "rope.freq_base_swa", 1e4);
    float eps = eps(source);

    g.mark(Mark.EMBED);
    Value rows = g.rows(source.tensor("token_embd.weight"), g.tokens());
    Value x = g.embedding(g.scale(rows, Math.sqrt(embeddingDim)));
    for (int i = 0; i < nLayers; i++) {
      g.mark(Mark.layer(i));
      String b = "blk." + i + ".";
      boolean local = i % pattern != pattern - 1;
      RopeSpec rope = RopeSpec.neox(headDim, local ? localTheta : globalTheta, 1);
      MaskKind mask = encoder ? encoderMask(local, window) : decoderMask(local, window);
      AttentionSpec spec = new AttentionSpec(nHeads, nKvHeads, headDim, 1, mask);

      Value h = g.rmsNorm(x, source.tensor(b + "attn_norm.weight"), eps);
      Value q = head(g, source, b + "attn_q", h, nHeads, eps, rope);
      q = g.scale(q, 1 / Math.sqrt(headDim));
      Value k = head(g, source, b + "attn_k", h, nKvHeads, eps, rope);
      Value v = g.heads(g.matmul(source.tensor(b + "attn_v.weight"), h), nKvHeads);
      Value attended;
      if (encoder) {
        attended = g.attendStep(q, k, v, spec);
      } else {
        KvValue kv = g.kvStore(g.slot(spec, Optional.of(rope)), k, v);
        attended = g.attend(q, kv, spec);
      }
      Value o = g.matmul(source.tensor(b + "attn_output.weight"), g.joined(attended));
      x = g.add(x, g.rmsNorm(o, source.tensor(b + "post_attention_norm.weight"), eps));

      h = g.rmsNorm(x, source.tensor(b + "ffn_norm.weight"), eps);
      Value f = feedForward(g, source, b, h);
      x = g.add(x, g.rmsNorm(f, source.tensor(b + "post_ffw_norm.weight"), eps));
    }
    g.mark(Mark.OUTPUT);
    return x;
  }

  static MaskKind decoderMask(boolean local, int window) {
    return local ? MaskKind.sliding(window) : MaskKind.CAUSAL;
  }

  private static MaskKind encoderMask(boolean local, int window) {
    return local ? MaskKind.symmetric(window) : MaskKind.BIDIRECTIONAL;
  }

  /** A projection split into heads, normed with {@code name_norm} and rotated. */
  static Value head(
      GraphBuilder g,
      ModelSource source,
      String name,
      Value h,
      int heads,
      float eps,
      RopeSpec rope) {
    TensorView norm = source.tensor(name + "_norm.weight");
    Value x = g.heads(g.matmul(source.tensor(name + ".weight"), h), heads);
    return g.rope(g.rmsNorm(x, norm, eps), g.positions(), rope);
  }

  /** {@code down(gelu(gate h) ⊙ up h)}. */
  static Value feedForward(GraphBuilder g, ModelSource source, String block, Value h) {
    Value gate = g.matmul(source.tensor(block + "ffn_gate.weight"), h);
    Value up = g.matmul(source.tensor(block + "ffn_up.weight"), h);
    Value gated = g.apply(new Geglu(), gate, up).getFirst();
    return g.matmul(source.tensor(block + "ffn_down.weight"), gated);
  }
}
