package dev.serval.backend.cpu;

import dev.serval.api.attention.AttentionSpec;
import dev.serval.api.attention.MaskKind;
import dev.serval.api.attention.RopeSpec;
import dev.serval.api.graph.Geglu;
import dev.serval.api.graph.Graph;
import dev.serval.api.graph.GraphBuilder;
import dev.serval.api.graph.KvValue;
import dev.serval.api.graph.Mark;
import dev.serval.api.graph.SoftCap;
import dev.serval.api.graph.Value;
import dev.serval.api.kv.KvSlot;
import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.TensorView;
import dev.serval.tck.weights.TestWeights;
import java.util.Optional;

/**
 * A small decoder of Gemma's shape: sliding and full layers, grouped queries, several weight types,
 * tied embeddings, sizes that fill no tile evenly. Big enough that products are split over threads.
 */
final class GemmaLike {

  static final int VOCAB = 1008;
  static final int EMBEDDING = 192;
  static final int LAYERS = 3;
  static final int WINDOW = 6;

  private static final int FFN = 320;
  private static final int HEADS = 4;
  private static final int KV_HEADS = 2;
  private static final int HEAD_DIM = 32;
  private static final float EPS = 1e-6f;

  final TestWeights weights = new TestWeights(11);
  final Graph graph;

  GemmaLike() {
    GraphBuilder g = new GraphBuilder();
    TensorView table = weights.around("token_embd", DataType.Q8_0, 0, 0.2, EMBEDDING, VOCAB);
    Value x = g.embedding(g.scale(g.rows(table, g.tokens()), Math.sqrt(EMBEDDING)));
    for (int i = 0; i < LAYERS; i++) {
      g.mark(Mark.layer(i));
      x = g.add(x, norm(g, attention(g, norm(g, x, i + ".attn_norm"), i), i + ".attn_post"));
      x = g.add(x, norm(g, ffn(g, norm(g, x, i + ".ffn_norm"), i), i + ".ffn_post"));
    }
    g.mark(Mark.OUTPUT);
    Value logits = g.matmul(table, norm(g, g.wanted(x), "output_norm"));
    g.logits(g.apply(new SoftCap(30), logits).getFirst());
    graph = g.build();
  }

  private Value norm(GraphBuilder g, Value x, String name) {
    return g.rmsNorm(x, weights.around(name, DataType.F32, 1, 0.2, x.type().last()), EPS);
  }

  private Value matmul(GraphBuilder g, Value x, String name, DataType type, int out) {
    int in = x.type().last();
    return g.matmul(weights.around(name, type, 0, 2 / Math.sqrt(in), in, out), x);
  }

  private Value attention(GraphBuilder g, Value x, int i) {
    MaskKind mask = i == LAYERS - 1 ? MaskKind.CAUSAL : MaskKind.sliding(WINDOW);
    RopeSpec rope = RopeSpec.neox(HEAD_DIM, i == LAYERS - 1 ? 1e6 : 1e4, 1);
    AttentionSpec spec = new AttentionSpec(HEADS, KV_HEADS, HEAD_DIM, 0.2f, mask);
    DataType type = i == 0 ? DataType.Q4_0 : DataType.F16;
    Value q = g.heads(matmul(g, x, i + ".q", type, HEADS * HEAD_DIM), HEADS);
    Value k = g.heads(matmul(g, x, i + ".k", DataType.Q8_0, KV_HEADS * HEAD_DIM), KV_HEADS);
    Value v = g.heads(matmul(g, x, i + ".v", DataType.BF16, KV_HEADS * HEAD_DIM), KV_HEADS);
    KvSlot slot = g.slot(spec, Optional.of(rope));
    Value rotated = g.rope(norm(g, k, i + ".k_norm"), g.positions(), rope);
    KvValue kv = g.kvStore(slot, rotated, v);
    Value a = g.attend(g.rope(norm(g, q, i + ".q_norm"), g.positions(), rope), kv, spec);
    return matmul(g, g.joined(a), i + ".o", DataType.F32, EMBEDDING);
  }

  private Value ffn(GraphBuilder g, Value x, int i) {
    Value gate = matmul(g, x, i + ".gate", DataType.Q8_0, FFN);
    Value up = matmul(g, x, i + ".up", DataType.Q8_0, FFN);
    return matmul(
        g, g.apply(new Geglu(), gate, up).getFirst(), i + ".down", DataType.Q8_0, EMBEDDING);
  }

  /** A made-up text. */
  static int[] text(int length) {
    int[] tokens = new int[length];
    for (int i = 0; i < length; i++) {
      tokens[i] = (i * 37 + i * i * 11 + 5) % VOCAB;
    }
    return tokens;
  }
}
