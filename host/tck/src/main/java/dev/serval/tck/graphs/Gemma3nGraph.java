package dev.serval.tck.graphs;

import dev.serval.api.attention.AttentionSpec;
import dev.serval.api.attention.RopeSpec;
import dev.serval.api.graph.Dim;
import dev.serval.api.graph.Elementwise.UnaryKind;
import dev.serval.api.graph.Geglu;
import dev.serval.api.graph.GraphBuilder;
import dev.serval.api.graph.KvValue;
import dev.serval.api.graph.Mark;
import dev.serval.api.graph.Reduction.ReduceKind;
import dev.serval.api.graph.SoftCap;
import dev.serval.api.graph.Value;
import dev.serval.api.model.Metadata;
import dev.serval.api.model.ModelSource;
import dev.serval.api.tensor.Shape;
import dev.serval.api.tensor.TensorView;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Gemma 3n, text: four streams that are predicted and corrected (AltUp), a low-rank side path
 * (Laurel), inputs per layer, sparse activations in the first layers, and late layers that attend
 * to earlier caches. Source of the formulas: llama.cpp {@code src/models/gemma3n.cpp}.
 *
 * <p>Written from primitives only, to show that they suffice.
 */
public final class Gemma3nGraph {

  private static final int MAX = 1 << 24;
  private static final int STREAMS = 4;

  /** Layers whose gate is thinned out, and the quantile of the normal distribution for 95 %. */
  private static final int SPARSE_LAYERS = 10;

  private static final double SPARSE_QUANTILE = 1.6448533535003662;

  private final ModelSource source;
  private final GraphBuilder g;
  private final int nLayers;
  private final int nOwnCaches;
  private final int embeddingDim;
  private final int ffnDim;
  private final int nHeads;
  private final int nKvHeads;
  private final int headDim;
  private final int window;
  private final int period;
  private final int layerInput;
  private final float eps;
  private final List<KvValue> caches = new ArrayList<>();

  private Gemma3nGraph(ModelSource source, GraphBuilder g) {
    this.source = source;
    this.g = g;
    Metadata m = source.metadata();
    String a = source.architecture() + ".";
    nLayers = m.requireInt(a + "block_count", 1, MAX);
    nOwnCaches = nLayers - m.requireInt(a + "attention.shared_kv_layers", 0, nLayers - 1);
    embeddingDim = m.requireInt(a + "embedding_length", 1, MAX);
    ffnDim = m.requireInt(a + "feed_forward_length", 2, MAX);
    nHeads = m.requireInt(a + "attention.head_count", 1, MAX);
    nKvHeads = m.requireInt(a + "attention.head_count_kv", 1, MAX);
    headDim = m.requireInt(a + "attention.key_length", 1, MAX);
    window = m.requireInt(a + "attention.sliding_window", 1, MAX);
    period = m.intOr(a + "attention.sliding_window_pattern", 2, MAX, 5);
    layerInput = m.requireInt(a + "embedding_length_per_layer_input", 1, MAX);
    eps = (float) m.positiveOr(a + "attention.layer_norm_rms_epsilon", 1e-6);
  }

  /** Describes one forward pass. */
  public static void describe(ModelSource source, GraphBuilder g) {
    new Gemma3nGraph(source, g).describe();
  }

  private void describe() {
    g.mark(Mark.EMBED);
    Value rows = g.rows(weight("token_embd.weight"), g.tokens());
    Value x0 = g.embedding(g.scale(rows, Math.sqrt(embeddingDim)));
    Value perLayer = perLayerInputs(x0);
    Value streams = split(x0);
    for (int i = 0; i < nLayers; i++) {
      g.mark(Mark.layer(i));
      streams = layer(i, streams, perLayer);
    }
    g.mark(Mark.OUTPUT);
    Value merged = g.rmsNorm(g.wanted(merge(streams)), weight("output_norm.weight"), eps);
    Value logits = g.matmul(weight("token_embd.weight"), merged);
    g.logits(g.apply(new SoftCap(30), logits).getFirst());
  }

  private TensorView weight(String name) {
    return source.tensor(name);
  }

  /** [tokens, layers, width]: what each layer adds to its passive streams. */
  private Value perLayerInputs(Value x0) {
    Dim layers = Dim.of(nLayers);
    Dim width = Dim.of(layerInput);
    Value looked = g.rows(weight("per_layer_token_embd.weight"), g.tokens());
    Value own = g.scale(g.reshape(looked, Dim.TOKENS, layers, width), Math.sqrt(layerInput));
    Value projected = g.matmul(weight("per_layer_model_proj.weight"), x0);
    Value scaled =
        g.scale(g.reshape(projected, Dim.TOKENS, layers, width), 1 / Math.sqrt(embeddingDim));
    Value normed = g.rmsNorm(scaled, weight("per_layer_proj_norm.weight"), eps);
    return g.scale(g.add(normed, own), Math.sqrt(0.5));
  }

  /** √Σ x² of each row. */
  private Value magnitude(Value x) {
    return g.unary(UnaryKind.SQRT, g.reduce(ReduceKind.SUM_SQUARES, x));
  }

  /** Matrix {@code index} of a stack. */
  private TensorView matrix(String name, int index) {
    TensorView stack = weight(name);
    long out = stack.shape().ne1();
    long all = out * stack.shape().ne2();
    return stack
        .reshaped(Shape.of(stack.shape().ne0(), all))
        .rows(name + "[" + index + "]", index * out, (index + 1) * out);
  }

  private Value asStream(Value x) {
    return g.reshape(x, x.type().first(), Dim.of(1), Dim.of(x.type().last()));
  }

  private Value stream(Value streams, int from, int until) {
    return g.slice(streams, 1, from, until);
  }

  /** [tokens, E] → four streams of equal magnitude, [tokens, 4, E]. */
  private Value split(Value x0) {
    Value target = magnitude(x0);
    Value[] all = new Value[STREAMS];
    all[0] = asStream(x0);
    for (int j = 1; j < STREAMS; j++) {
      Value p = g.matmul(matrix("altup_proj.weight", j - 1), x0);
      all[j] = asStream(g.mul(p, g.div(target, magnitude(p))));
    }
    return g.concat(1, all);
  }

  /** Four streams → their mean at the magnitude of the first, [tokens, E]. */
  private Value merge(Value streams) {
    Value sum = g.joined(stream(streams, 0, 1));
    Value target = magnitude(sum);
    for (int j = 1; j < STREAMS; j++) {
      Value s = g.joined(stream(streams, j, j + 1));
      Value p = g.matmul(matrix("altup_unembd_proj.weight", j - 1), s);
      sum = g.add(sum, g.mul(p, g.div(target, magnitude(p))));
    }
    return g.scale(sum, 1.0 / STREAMS);
  }

  /** Four numbers per token that steer prediction and correction. */
  private Value modalities(String b, Value x) {
    Value normed = g.rmsNorm(x, weight(b + "altup_router_norm.weight"), eps);
    Value scaled = g.scale(normed, 1.0 / embeddingDim);
    return g.unary(UnaryKind.TANH, g.matmul(weight(b + "altup_router.weight"), scaled));
  }

  private Value layer(int i, Value streams, Value perLayer) {
    String b = "blk." + i + ".";
    Value active = g.joined(stream(streams, 0, 1));
    Value coefficients = g.matmul(weight(b + "altup_predict_coef.weight"), modalities(b, active));
    Value mix = g.reshape(coefficients, Dim.TOKENS, Dim.of(STREAMS), Dim.of(STREAMS));
    Value predicted = g.add(streams, g.batchMatmul(mix, streams));
    Value first = g.joined(stream(predicted, 0, 1));

    Value y = block(i, b, first);

    Value corrections =
        g.addScalar(g.matmul(weight(b + "altup_correct_coef.weight"), modalities(b, y)), 1);
    Value perStream = g.reshape(corrections, Dim.TOKENS, Dim.of(STREAMS), Dim.of(1));
    Value corrected = g.add(predicted, g.mul(asStream(g.sub(y, first)), perStream));

    Value scaled =
        g.mul(
            g.joined(stream(corrected, 0, 1)),
            g.constant(weight(b + "altup_correct_scale.weight")));
    Value gate = g.matmul(weight(b + "inp_gate.weight"), scaled);
    Value own = g.joined(stream(perLayer, i, i + 1));
    Value u = g.apply(new Geglu(), gate, own).getFirst();
    u = g.rmsNorm(g.matmul(weight(b + "proj.weight"), u), weight(b + "post_norm.weight"), eps);
    Value passive = g.add(stream(corrected, 1, STREAMS), asStream(u));
    return g.concat(1, stream(corrected, 0, 1), passive);
  }

  /** Attention, side path and feed-forward on the active stream. */
  private Value block(int i, String b, Value active) {
    Value h = g.rmsNorm(active, weight(b + "attn_norm.weight"), eps);
    Value low = g.matmul(weight(b + "laurel_r.weight"), g.matmul(weight(b + "laurel_l.weight"), h));
    Value laurel = g.add(h, g.rmsNorm(low, weight(b + "laurel_post_norm.weight"), eps));
    Value o = attention(i, b, h);
    o = g.add(g.rmsNorm(o, weight(b + "post_attention_norm.weight"), eps), active);
    Value z = g.scale(g.add(o, laurel), Math.sqrt(0.5));

    h = g.rmsNorm(z, weight(b + "ffn_norm.weight"), eps);
    Value gate = g.matmul(weight(b + "ffn_gate.weight"), h);
    gate = i < SPARSE_LAYERS ? sparse(gate) : gate;
    Value up = g.matmul(weight(b + "ffn_up.weight"), h);
    Value f = g.matmul(weight(b + "ffn_down.weight"), g.apply(new Geglu(), gate, up).getFirst());
    return g.add(g.rmsNorm(f, weight(b + "post_ffw_norm.weight"), eps), z);
  }

  private Value attention(int i, String b, Value h) {
    boolean local = i % period != period - 1;
    RopeSpec rope = RopeSpec.neox(headDim, local ? 1e4 : 1e6, 1);
    AttentionSpec spec =
        new AttentionSpec(nHeads, nKvHeads, headDim, 1, Gemma3Graph.decoderMask(local, window));
    Value q = Gemma3Graph.head(g, source, b + "attn_q", h, nHeads, eps, rope);
    if (i < nOwnCaches) {
      Value k = Gemma3Graph.head(g, source, b + "attn_k", h, nKvHeads, eps, rope);
      Value v = g.rmsNorm(g.heads(g.matmul(weight(b + "attn_v.weight"), h), nKvHeads), eps);
      caches.add(g.kvStore(g.slot(spec, Optional.of(rope)), k, v));
    }
    int cache = i < nOwnCaches ? i : nOwnCaches - (local ? 2 : 1);
    Value attended = g.attend(q, caches.get(cache), spec);
    return g.matmul(weight(b + "attn_output.weight"), g.joined(attended));
  }

  /** What exceeds the mean by the quantile of the standard deviation (divisor F − 1). */
  private Value sparse(Value gate) {
    Value mean = g.reduce(ReduceKind.MEAN, gate);
    Value squares = g.reduce(ReduceKind.SUM_SQUARES, g.sub(gate, mean));
    Value deviation = g.unary(UnaryKind.SQRT, g.scale(squares, 1.0 / (ffnDim - 1)));
    Value cutoff = g.add(mean, g.scale(deviation, SPARSE_QUANTILE));
    return g.unary(UnaryKind.RELU, g.sub(gate, cutoff));
  }
}
