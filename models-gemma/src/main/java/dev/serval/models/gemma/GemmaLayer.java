package dev.serval.models.gemma;

import dev.serval.api.attention.RopeSpec;
import dev.serval.api.graph.Geglu;
import dev.serval.api.graph.GraphBuilder;
import dev.serval.api.graph.Value;

/**
 * What a layer of Gemma 3 and of EmbeddingGemma computes before and after its attention; they
 * differ in the attention only. Sizes in comments, outermost first.
 *
 * @param c sizes
 * @param w tensors
 * @param g takes the ops
 * @param i number of the layer
 */
record GemmaLayer(GemmaConfig c, GemmaTensors w, GraphBuilder g, int i) {

  /**
   * What attention takes.
   *
   * @param q [tokens, nHeads, headDim]
   * @param k [tokens, nKvHeads, headDim]
   * @param v [tokens, nKvHeads, headDim]
   */
  record Heads(Value q, Value k, Value v) {}

  /** Queries, keys and values of the residual stream, [tokens, dim]; rotated. */
  Heads heads(Value x) {
    int dim = c.embeddingDim();
    int qDim = c.nHeads() * c.headDim(); // differs from dim in most sizes
    int kvDim = c.nKvHeads() * c.headDim();
    float eps = c.rmsNormEps();
    RopeSpec rope = c.rope(i);
    Value h = g.rmsNorm(x, w.norm(i, "attn_norm", dim), eps); // [tokens, dim]
    Value q = g.heads(g.matmul(w.linearOrFused(i, "attn_q", dim, qDim), h), c.nHeads());
    Value k = g.heads(g.matmul(w.linearOrFused(i, "attn_k", dim, kvDim), h), c.nKvHeads());
    Value v = g.heads(g.matmul(w.linearOrFused(i, "attn_v", dim, kvDim), h), c.nKvHeads());
    q = g.rmsNorm(q, w.norm(i, "attn_q_norm", c.headDim()), eps); // over each head
    k = g.rmsNorm(k, w.norm(i, "attn_k_norm", c.headDim()), eps);
    q = g.rope(q, g.positions(), rope);
    k = g.rope(k, g.positions(), rope);
    return new Heads(q, k, v);
  }

  /** The residual stream, [rows, dim], with attended values, [rows, nHeads · headDim], added. */
  Value withAttention(Value x, Value attended) {
    int dim = c.embeddingDim();
    int qDim = c.nHeads() * c.headDim();
    Value a = g.matmul(w.linear(i, "attn_output", qDim, dim), attended); // [rows, dim]
    return g.add(x, g.rmsNorm(a, w.norm(i, "post_attention_norm", dim), c.rmsNormEps()));
  }

  /** The residual stream, [rows, dim], with what the feed-forward part makes of it added. */
  Value withFeedForward(Value x) {
    int dim = c.embeddingDim();
    int ffn = c.ffnDim();
    float eps = c.rmsNormEps();
    Value h = g.rmsNorm(x, w.norm(i, "ffn_norm", dim), eps); // [rows, dim]
    Value gate = g.matmul(w.linear(i, "ffn_gate", dim, ffn), h); // [rows, ffn]
    Value up = g.matmul(w.linear(i, "ffn_up", dim, ffn), h); // [rows, ffn]
    h = g.apply(new Geglu(), gate, up).getFirst(); // [rows, ffn]
    h = g.matmul(w.linear(i, "ffn_down", ffn, dim), h); // [rows, dim]
    return g.add(x, g.rmsNorm(h, w.norm(i, "post_ffw_norm", dim), eps));
  }
}
