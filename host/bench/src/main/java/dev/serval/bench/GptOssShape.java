package dev.serval.bench;

import static dev.serval.bench.BenchShape.matrix;
import static dev.serval.bench.BenchShape.vector;

import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.Shape;
import dev.serval.api.tensor.TensorInfo;
import java.util.ArrayList;
import java.util.List;

/**
 * Sizes of a gpt-oss model, as published but for its layers. The experts are in MXFP4 as in every
 * published file; the type that is asked for is that of the other matrices.
 *
 * @param nLayers layers, every second global
 * @param embeddingDim width of the residual
 * @param ffnDim width of an expert
 * @param nHeads query heads
 * @param nKvHeads key and value heads
 * @param headDim width of a head
 * @param slidingWindow tokens that local layers see
 * @param nExperts experts of a layer
 * @param nUsed experts of a token
 * @param vocabSize tokens
 */
record GptOssShape(
    int nLayers,
    int embeddingDim,
    int ffnDim,
    int nHeads,
    int nKvHeads,
    int headDim,
    int slidingWindow,
    int nExperts,
    int nUsed,
    int vocabSize)
    implements BenchShape {

  private static final int ORIGINAL_CONTEXT = 4096;
  private static final int FACTOR = 32;

  @Override
  public String architecture() {
    return "gpt-oss";
  }

  @Override
  public void describe(BenchHeader h) {
    h.number("context_length", FACTOR * ORIGINAL_CONTEXT);
    h.number("embedding_length", embeddingDim);
    h.number("block_count", nLayers);
    h.number("feed_forward_length", ffnDim);
    h.number("expert_feed_forward_length", ffnDim);
    h.number("expert_count", nExperts);
    h.number("expert_used_count", nUsed);
    h.number("attention.head_count", nHeads);
    h.number("attention.head_count_kv", nKvHeads);
    h.number("attention.key_length", headDim);
    h.number("attention.value_length", headDim);
    h.real("attention.layer_norm_rms_epsilon", 1e-5f);
    h.number("attention.sliding_window", slidingWindow);
    h.real("rope.freq_base", 150_000);
    h.text("rope.scaling.type", "yarn");
    h.real("rope.scaling.factor", FACTOR);
    h.number("rope.scaling.original_context_length", ORIGINAL_CONTEXT);
    h.bpeVocabulary(vocabSize);
  }

  @Override
  public List<TensorInfo> tensors(DataType type) {
    List<TensorInfo> all = new ArrayList<>();
    all.add(matrix("token_embd.weight", type, embeddingDim, vocabSize));
    all.add(vector("output_norm.weight", embeddingDim));
    all.add(matrix("output.weight", type, embeddingDim, vocabSize));
    int q = nHeads * headDim;
    int kv = nKvHeads * headDim;
    for (int i = 0; i < nLayers; i++) {
      String b = "blk." + i + ".";
      all.add(vector(b + "attn_norm.weight", embeddingDim));
      linear(all, b + "attn_q", type, embeddingDim, q);
      linear(all, b + "attn_k", type, embeddingDim, kv);
      linear(all, b + "attn_v", type, embeddingDim, kv);
      linear(all, b + "attn_output", type, q, embeddingDim);
      all.add(vector(b + "attn_sinks.weight", nHeads));
      all.add(vector(b + "post_attention_norm.weight", embeddingDim));
      linear(all, b + "ffn_gate_inp", DataType.F32, embeddingDim, nExperts);
      experts(all, b + "ffn_gate_exps", embeddingDim, ffnDim);
      experts(all, b + "ffn_up_exps", embeddingDim, ffnDim);
      experts(all, b + "ffn_down_exps", ffnDim, embeddingDim);
    }
    return all;
  }

  private static void linear(List<TensorInfo> all, String name, DataType type, int in, int out) {
    all.add(matrix(name + ".weight", type, in, out));
    all.add(vector(name + ".bias", out));
  }

  private void experts(List<TensorInfo> all, String name, int in, int out) {
    all.add(new TensorInfo(name + ".weight", DataType.MXFP4, Shape.of(in, out, nExperts)));
    all.add(new TensorInfo(name + ".bias", DataType.F32, Shape.of(out, nExperts)));
  }
}
