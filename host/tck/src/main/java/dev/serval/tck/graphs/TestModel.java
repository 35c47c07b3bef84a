package dev.serval.tck.graphs;

import dev.serval.api.graph.Graph;
import dev.serval.api.graph.GraphBuilder;
import dev.serval.api.model.Metadata;
import dev.serval.api.model.ModelSource;
import dev.serval.api.tensor.DataType;
import dev.serval.tck.weights.TestWeights;
import java.util.function.BiConsumer;

/**
 * A small model with made-up weights: what a file would say, its tensors, and the graph.
 *
 * @param source metadata and tensors
 * @param weights the tensors' bytes
 * @param graph one forward pass
 */
public record TestModel(ModelSource source, TestWeights weights, Graph graph) {

  /** Tokens of the vocabulary of each model here. */
  public static final int VOCABULARY = 96;

  /** Width of activations of each model here. */
  public static final int EMBEDDING = 64;

  private static final int HEAD = 32;
  private static final int FFN = 96;
  private static final int WINDOW = 6;
  private static final int EXPERTS = 6;

  /** Collects metadata and tensors of one architecture. */
  private static final class Maker {
    private final String architecture;
    private final TestWeights weights;
    private final DataType type;
    private Metadata.Builder metadata;

    Maker(String architecture, DataType type, long seed, int nLayers) {
      this.architecture = architecture;
      this.weights = new TestWeights(seed);
      this.type = type;
      this.metadata = new Metadata.Builder().put(Metadata.ARCHITECTURE, architecture);
      key("block_count", nLayers);
      key("embedding_length", EMBEDDING);
      key("feed_forward_length", FFN);
      key("attention.head_count", 4);
      key("attention.head_count_kv", 2);
      key("attention.key_length", HEAD);
      key("attention.sliding_window", WINDOW);
      matrix("token_embd.weight", EMBEDDING, VOCABULARY);
      norm("output_norm.weight", EMBEDDING);
    }

    void key(String name, long value) {
      metadata = metadata.put(architecture + "." + name, value);
    }

    /** A weight in the model's type, of a size that keeps activations near 1. */
    void matrix(String name, long... sizes) {
      weights.around(name, type, 0, Math.sqrt(3.0 / sizes[0]), sizes);
    }

    /** A small F32 tensor near 1. */
    void norm(String name, long... sizes) {
      weights.around(name, DataType.F32, 1, 0.5, sizes);
    }

    /** A small F32 tensor near 0. */
    void vector(String name, long... sizes) {
      weights.around(name, DataType.F32, 0, 0.5, sizes);
    }

    /** The tensors that every Gemma block has. */
    void gemmaBlock(String b, int headDim) {
      for (String n : new String[] {"attn_norm", "post_attention_norm", "ffn_norm"}) {
        norm(b + n + ".weight", EMBEDDING);
      }
      norm(b + "post_ffw_norm.weight", EMBEDDING);
      norm(b + "attn_q_norm.weight", headDim);
      norm(b + "attn_k_norm.weight", headDim);
      matrix(b + "attn_q.weight", EMBEDDING, 4L * headDim);
      matrix(b + "attn_k.weight", EMBEDDING, 2L * headDim);
      matrix(b + "attn_output.weight", 4L * headDim, EMBEDDING);
      matrix(b + "ffn_gate.weight", EMBEDDING, FFN);
      matrix(b + "ffn_up.weight", EMBEDDING, FFN);
      matrix(b + "ffn_down.weight", FFN, EMBEDDING);
    }

    TestModel finish(BiConsumer<ModelSource, GraphBuilder> describe) {
      ModelSource source = new ModelSource(architecture, metadata.build(), weights.tensors());
      GraphBuilder g = new GraphBuilder();
      describe.accept(source, g);
      return new TestModel(source, weights, g.build());
    }
  }

  private static Maker gemma3(String architecture, DataType type, long seed) {
    Maker m = new Maker(architecture, type, seed, 4);
    m.key("attention.sliding_window_pattern", 3);
    for (int i = 0; i < 4; i++) {
      m.gemmaBlock("blk." + i + ".", HEAD);
      m.matrix("blk." + i + ".attn_v.weight", EMBEDDING, 2L * HEAD);
    }
    return m;
  }

  /** A decoder of four layers, the third global, window 6. */
  public static TestModel gemma3(DataType type, long seed) {
    return gemma3("gemma3", type, seed).finish(Gemma3Graph::describe);
  }

  /** An encoder of four layers that pools. */
  public static TestModel encoder(DataType type, long seed) {
    return gemma3("gemma-embedding", type, seed).finish(Gemma3Graph::describeEncoder);
  }

  /** Four layers, six experts of which two are used. */
  public static TestModel gptOss(DataType type, long seed) {
    Maker m = new Maker("gpt-oss", type, seed, 4);
    m.key("expert_used_count", 2);
    m.key("rope.scaling.factor", 32);
    m.key("rope.scaling.original_context_length", 64);
    for (int i = 0; i < 4; i++) {
      String b = "blk." + i + ".";
      m.norm(b + "attn_norm.weight", EMBEDDING);
      m.norm(b + "post_attention_norm.weight", EMBEDDING);
      m.vector(b + "attn_sinks.weight", 4);
      linear(m, b + "attn_q", EMBEDDING, 4 * HEAD);
      linear(m, b + "attn_k", EMBEDDING, 2 * HEAD);
      linear(m, b + "attn_v", EMBEDDING, 2 * HEAD);
      linear(m, b + "attn_output", 4 * HEAD, EMBEDDING);
      m.vector(b + "ffn_gate_inp.weight", EMBEDDING, EXPERTS);
      m.vector(b + "ffn_gate_inp.bias", EXPERTS);
      experts(m, b + "ffn_gate_exps", EMBEDDING, FFN);
      experts(m, b + "ffn_up_exps", EMBEDDING, FFN);
      experts(m, b + "ffn_down_exps", FFN, EMBEDDING);
    }
    return m.finish(GptOssGraph::describe);
  }

  private static void linear(Maker m, String name, int in, int out) {
    m.matrix(name + ".weight", in, out);
    m.vector(name + ".bias", out);
  }

  private static void experts(Maker m, String name, int in, int out) {
    m.matrix(name + ".weight", in, out, EXPERTS);
    m.vector(name + ".bias", out, EXPERTS);
  }

  /** Twelve layers, the last four without caches of their own; every fourth global. */
  public static TestModel gemma3n(DataType type, long seed) {
    int nLayers = 12;
    int width = 32;
    Maker m = new Maker("gemma3n", type, seed, nLayers);
    m.key("attention.shared_kv_layers", 4);
    m.key("attention.sliding_window_pattern", 4);
    m.key("embedding_length_per_layer_input", width);
    m.matrix("per_layer_token_embd.weight", (long) width * nLayers, VOCABULARY);
    m.matrix("per_layer_model_proj.weight", EMBEDDING, (long) width * nLayers);
    m.norm("per_layer_proj_norm.weight", width);
    m.matrix("altup_proj.weight", EMBEDDING, EMBEDDING, 3);
    m.matrix("altup_unembd_proj.weight", EMBEDDING, EMBEDDING, 3);
    for (int i = 0; i < nLayers; i++) {
      String b = "blk." + i + ".";
      m.gemmaBlock(b, HEAD);
      m.matrix(b + "attn_v.weight", EMBEDDING, 2L * HEAD);
      m.matrix(b + "inp_gate.weight", EMBEDDING, width);
      m.matrix(b + "proj.weight", width, EMBEDDING);
      m.norm(b + "post_norm.weight", EMBEDDING);
      m.vector(b + "altup_correct_coef.weight", 4, 4);
      m.norm(b + "altup_correct_scale.weight", EMBEDDING);
      m.vector(b + "altup_predict_coef.weight", 4, 16);
      m.vector(b + "altup_router.weight", EMBEDDING, 4);
      m.norm(b + "altup_router_norm.weight", EMBEDDING);
      m.matrix(b + "laurel_l.weight", EMBEDDING, 32);
      m.matrix(b + "laurel_r.weight", 32, EMBEDDING);
      m.norm(b + "laurel_post_norm.weight", EMBEDDING);
    }
    return m.finish(Gemma3nGraph::describe);
  }

  /** Three layers, the last global with wider heads and keys as values; six experts. */
  public static TestModel gemma4(DataType type, long seed) {
    Maker m = new Maker("gemma4", type, seed, 3);
    m.key("attention.sliding_window_pattern", 3);
    m.key("attention.key_length_swa", HEAD);
    m.key("attention.key_length", 2 * HEAD);
    m.key("rope.freq_base_swa", 10000);
    m.key("expert_used_count", 3);
    m.norm("rope_freqs.weight", HEAD);
    for (int i = 0; i < 3; i++) {
      String b = "blk." + i + ".";
      m.gemmaBlock(b, i == 2 ? 2 * HEAD : HEAD);
      if (i < 2) {
        m.matrix(b + "attn_v.weight", EMBEDDING, 2L * HEAD);
      }
      m.norm(b + "post_ffw_norm_1.weight", EMBEDDING);
      m.norm(b + "post_ffw_norm_2.weight", EMBEDDING);
      m.norm(b + "pre_ffw_norm_2.weight", EMBEDDING);
      m.norm(b + "layer_output_scale.weight", 1);
      m.norm(b + "ffn_gate_inp.scale", EMBEDDING);
      m.vector(b + "ffn_gate_inp.weight", EMBEDDING, EXPERTS);
      m.matrix(b + "ffn_gate_up_exps.weight", EMBEDDING, 2L * FFN, EXPERTS);
      m.matrix(b + "ffn_down_exps.weight", FFN, EMBEDDING, EXPERTS);
      m.norm(b + "ffn_down_exps.scale", EXPERTS);
    }
    return m.finish(Gemma4Graph::describe);
  }
}
