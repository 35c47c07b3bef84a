package dev.serval.bench;

import static dev.serval.bench.BenchShape.matrix;
import static dev.serval.bench.BenchShape.vector;

import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.TensorInfo;
import java.util.ArrayList;
import java.util.List;

/**
 * Sizes of a Gemma 3 model or of EmbeddingGemma, as published.
 *
 * @param isEncoder whether it turns texts into vectors
 * @param nLayers layers, every sixth global
 * @param embeddingDim width of the residual
 * @param ffnDim width of the feed-forward
 * @param nHeads query heads
 * @param nKvHeads key and value heads
 * @param headDim width of a head
 * @param slidingWindow tokens that local layers see
 * @param contextLength trained context
 * @param vocabSize tokens
 */
record GemmaShape(
    boolean isEncoder,
    int nLayers,
    int embeddingDim,
    int ffnDim,
    int nHeads,
    int nKvHeads,
    int headDim,
    int slidingWindow,
    int contextLength,
    int vocabSize)
    implements BenchShape {

  /** llama.cpp include/llama.h, enum llama_pooling_type. */
  private static final int MEAN = 1;

  @Override
  public String architecture() {
    return isEncoder ? "gemma-embedding" : "gemma3";
  }

  @Override
  public void describe(BenchHeader h) {
    h.number("context_length", contextLength);
    h.number("embedding_length", embeddingDim);
    h.number("block_count", nLayers);
    h.number("feed_forward_length", ffnDim);
    h.number("attention.head_count", nHeads);
    h.number("attention.head_count_kv", nKvHeads);
    h.number("attention.key_length", headDim);
    h.number("attention.value_length", headDim);
    h.real("attention.layer_norm_rms_epsilon", 1e-6f);
    h.number("attention.sliding_window", slidingWindow);
    h.real("rope.freq_base", 1e6f);
    if (isEncoder) {
      h.number("pooling_type", MEAN);
    }
    h.spmVocabulary(vocabSize);
  }

  @Override
  public List<TensorInfo> tensors(DataType type) {
    List<TensorInfo> all = new ArrayList<>();
    all.add(matrix("token_embd.weight", type, embeddingDim, vocabSize));
    all.add(vector("output_norm.weight", embeddingDim));
    int q = nHeads * headDim;
    int kv = nKvHeads * headDim;
    for (int i = 0; i < nLayers; i++) {
      String b = "blk." + i + ".";
      all.add(vector(b + "attn_norm.weight", embeddingDim));
      all.add(matrix(b + "attn_q.weight", type, embeddingDim, q));
      all.add(matrix(b + "attn_k.weight", type, embeddingDim, kv));
      all.add(matrix(b + "attn_v.weight", type, embeddingDim, kv));
      all.add(vector(b + "attn_q_norm.weight", headDim));
      all.add(vector(b + "attn_k_norm.weight", headDim));
      all.add(matrix(b + "attn_output.weight", type, q, embeddingDim));
      all.add(vector(b + "post_attention_norm.weight", embeddingDim));
      all.add(vector(b + "ffn_norm.weight", embeddingDim));
      all.add(matrix(b + "ffn_gate.weight", type, embeddingDim, ffnDim));
      all.add(matrix(b + "ffn_up.weight", type, embeddingDim, ffnDim));
      all.add(matrix(b + "ffn_down.weight", type, ffnDim, embeddingDim));
      all.add(vector(b + "post_ffw_norm.weight", embeddingDim));
    }
    return all;
  }
}
