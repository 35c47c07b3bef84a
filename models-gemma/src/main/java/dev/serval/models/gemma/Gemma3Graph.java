package dev.serval.models.gemma;

import dev.serval.api.attention.AttentionSpec;
import dev.serval.api.attention.RopeSpec;
import dev.serval.api.graph.Geglu;
import dev.serval.api.graph.GraphBuilder;
import dev.serval.api.graph.KvValue;
import dev.serval.api.graph.Mark;
import dev.serval.api.graph.SoftCap;
import dev.serval.api.graph.Value;
import dev.serval.api.tensor.TensorView;
import java.util.Optional;

/**
 * The forward pass of Gemma 3, as in llama.cpp {@code src/models/gemma3.cpp}; the model is that of
 * arXiv 2503.19786.
 */
final class Gemma3Graph {

  private Gemma3Graph() {}

  /** Describes the pass; sizes in comments, outermost first. */
  static void describe(GemmaConfig c, GemmaTensors w, GraphBuilder g) {
    int dim = c.embeddingDim();
    int qDim = c.nHeads() * c.headDim(); // differs from dim in most sizes
    int kvDim = c.nKvHeads() * c.headDim();
    int ffn = c.ffnDim();
    float eps = c.rmsNormEps();

    g.mark(Mark.EMBED);
    TensorView embedding = w.tokenEmbedding(dim);
    Value x = g.scale(g.rows(embedding, g.tokens()), Math.sqrt(dim)); // [tokens, dim]
    g.embedding(x); // rows from outside, of images, are not scaled

    for (int i = 0; i < c.nLayers(); i++) {
      g.mark(Mark.layer(i));
      RopeSpec rope = c.rope(i);
      AttentionSpec spec = c.attention(i);

      // attention: q [tokens, nHeads, headDim], k and v [tokens, nKvHeads, headDim]
      Value h = g.rmsNorm(x, w.norm(i, "attn_norm", dim), eps); // [tokens, dim]
      Value q = g.heads(g.matmul(w.linearOrFused(i, "attn_q", dim, qDim), h), c.nHeads());
      Value k = g.heads(g.matmul(w.linearOrFused(i, "attn_k", dim, kvDim), h), c.nKvHeads());
      Value v = g.heads(g.matmul(w.linearOrFused(i, "attn_v", dim, kvDim), h), c.nKvHeads());
      q = g.rmsNorm(q, w.norm(i, "attn_q_norm", c.headDim()), eps); // over each head
      k = g.rmsNorm(k, w.norm(i, "attn_k_norm", c.headDim()), eps);
      q = g.rope(q, g.positions(), rope);
      k = g.rope(k, g.positions(), rope);
      KvValue kv = g.kvStore(g.slot(spec, Optional.of(rope)), k, v);
      Value a = g.joined(g.attend(q, kv, spec)); // [tokens, qDim]

      // no token looks at another any more: from here only the rows that are asked for
      if (i == c.nLayers() - 1) {
        a = g.wanted(a); // [wanted, qDim]
        x = g.wanted(x); // [wanted, dim]
      }
      a = g.matmul(w.linear(i, "attn_output", qDim, dim), a); // [tokens, dim]
      x = g.add(x, g.rmsNorm(a, w.norm(i, "post_attention_norm", dim), eps));

      // feed forward
      h = g.rmsNorm(x, w.norm(i, "ffn_norm", dim), eps); // [tokens, dim]
      Value gate = g.matmul(w.linear(i, "ffn_gate", dim, ffn), h); // [tokens, ffn]
      Value up = g.matmul(w.linear(i, "ffn_up", dim, ffn), h); // [tokens, ffn]
      h = g.apply(new Geglu(), gate, up).getFirst(); // [tokens, ffn]
      h = g.matmul(w.linear(i, "ffn_down", ffn, dim), h); // [tokens, dim]
      x = g.add(x, g.rmsNorm(h, w.norm(i, "post_ffw_norm", dim), eps));
    }

    g.mark(Mark.OUTPUT);
    x = g.rmsNorm(x, w.norm("output_norm", dim), eps); // [wanted, dim]
    Value logits = g.matmul(w.output(embedding), x); // [wanted, vocabSize]
    if (c.finalSoftCap() > 0) {
      logits = g.apply(new SoftCap(c.finalSoftCap()), logits).getFirst();
    }
    g.logits(logits);
  }
}
