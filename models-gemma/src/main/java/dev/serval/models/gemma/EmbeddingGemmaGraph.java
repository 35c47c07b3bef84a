package dev.serval.models.gemma;

import dev.serval.api.attention.AttentionSpec;
import dev.serval.api.graph.GraphBuilder;
import dev.serval.api.graph.Mark;
import dev.serval.api.graph.Value;
import dev.serval.api.tensor.TensorView;
import java.util.Optional;

/**
 * The forward pass of EmbeddingGemma, as in llama.cpp {@code src/models/gemma-embedding.cpp}; the
 * model is that of arXiv 2509.20354. The layers are Gemma 3's, but tokens see to either side, and
 * there is no cache.
 */
final class EmbeddingGemmaGraph {

  private EmbeddingGemmaGraph() {}

  /** Describes the pass; sizes in comments, outermost first. */
  static void describe(GemmaConfig c, GemmaTensors w, GraphBuilder g) {
    int dim = c.embeddingDim();
    g.wholeSequences();

    g.mark(Mark.EMBED);
    Value x = g.scale(g.rows(w.tokenEmbedding(dim), g.tokens()), Math.sqrt(dim)); // [tokens, dim]
    g.embedding(x);

    for (int i = 0; i < c.nLayers(); i++) {
      g.mark(Mark.layer(i));
      GemmaLayer layer = new GemmaLayer(c, w, g, i);
      AttentionSpec spec = c.attention(i);
      GemmaLayer.Heads heads = layer.heads(x);
      Value a = g.joined(g.attendStep(heads.q(), heads.k(), heads.v(), spec));
      x = layer.withFeedForward(layer.withAttention(x, a)); // [tokens, dim]
    }

    g.mark(Mark.OUTPUT);
    x = g.rmsNorm(x, w.norm("output_norm", dim), c.rmsNormEps()); // [tokens, dim]
    Value pooled = g.poolMean(x); // [sequences, dim], over all tokens, <bos> and <eos> too
    Optional<GemmaTensors.Dense> dense = w.dense(dim);
    if (dense.isPresent()) {
      // no bias, no activation between; google/embeddinggemma-300m, 2_Dense and 3_Dense
      TensorView first = dense.get().first();
      pooled = g.matmul(dense.get().second(), g.matmul(first, pooled)); // [sequences, outputDim]
    }
    g.pooled(pooled);
  }
}
