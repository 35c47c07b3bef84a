package dev.serval.models.gemma;

import dev.serval.api.attention.AttentionSpec;
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

    g.mark(Mark.EMBED);
    TensorView embedding = w.tokenEmbedding(dim);
    Value x = g.scale(g.rows(embedding, g.tokens()), Math.sqrt(dim)); // [tokens, dim]
    g.embedding(x); // rows from outside, of images, are not scaled

    for (int i = 0; i < c.nLayers(); i++) {
      g.mark(Mark.layer(i));
      GemmaLayer layer = new GemmaLayer(c, w, g, i);
      AttentionSpec spec = c.attention(i);
      GemmaLayer.Heads heads = layer.heads(x);
      KvValue kv = g.kvStore(g.slot(spec, Optional.of(c.rope(i))), heads.k(), heads.v());
      Value a = g.joined(g.attend(heads.q(), kv, spec)); // [tokens, nHeads · headDim]

      // no token looks at another any more: from here only the rows that are asked for
      if (i == c.nLayers() - 1) {
        a = g.wanted(a); // [wanted, nHeads · headDim]
        x = g.wanted(x); // [wanted, dim]
      }
      x = layer.withFeedForward(layer.withAttention(x, a)); // [tokens, dim]
    }

    g.mark(Mark.OUTPUT);
    x = g.rmsNorm(x, w.norm("output_norm", dim), c.rmsNormEps()); // [wanted, dim]
    Value logits = g.matmul(w.output(embedding), x); // [wanted, vocabSize]
    if (c.finalSoftCap() > 0) {
      logits = g.apply(new SoftCap(c.finalSoftCap()), logits).getFirst();
    }
    g.logits(logits);
  }
}
