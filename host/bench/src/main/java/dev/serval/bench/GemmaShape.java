package dev.serval.bench;

import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.Shape;
import dev.serval.api.tensor.TensorInfo;
import java.util.ArrayList;
import java.util.List;

/**
 * Sizes of a Gemma 3 model, as published.
 *
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
    int nLayers,
    int embeddingDim,
    int ffnDim,
    int nHeads,
    int nKvHeads,
    int headDim,
    int slidingWindow,
    int contextLength,
    int vocabSize) {

  /**
   * A published size, or a tiny one for tests.
   *
   * @param name {@code gemma3-270m}, {@code gemma3-1b} or {@code tiny}
   */
  static GemmaShape named(String name) {
    return switch (name) {
      case "gemma3-270m" -> new GemmaShape(18, 640, 2048, 4, 1, 256, 512, 32768, 262144);
      case "gemma3-1b" -> new GemmaShape(26, 1152, 6912, 4, 1, 256, 512, 32768, 262144);
      case "tiny" -> new GemmaShape(6, 64, 128, 2, 1, 32, 16, 256, 600);
      default ->
          throw new IllegalArgumentException(
              "shape: expected gemma3-270m, gemma3-1b or tiny, got " + name);
    };
  }

  /** The tensors, matrices in {@code type}, norms in F32. */
  List<TensorInfo> tensors(DataType type) {
    List<TensorInfo> all = new ArrayList<>();
    all.add(matrix("token_embd.weight", type, embeddingDim, vocabSize));
    all.add(norm("output_norm.weight", embeddingDim));
    int q = nHeads * headDim;
    int kv = nKvHeads * headDim;
    for (int i = 0; i < nLayers; i++) {
      String b = "blk." + i + ".";
      all.add(norm(b + "attn_norm.weight", embeddingDim));
      all.add(matrix(b + "attn_q.weight", type, embeddingDim, q));
      all.add(matrix(b + "attn_k.weight", type, embeddingDim, kv));
      all.add(matrix(b + "attn_v.weight", type, embeddingDim, kv));
      all.add(norm(b + "attn_q_norm.weight", headDim));
      all.add(norm(b + "attn_k_norm.weight", headDim));
      all.add(matrix(b + "attn_output.weight", type, q, embeddingDim));
      all.add(norm(b + "post_attention_norm.weight", embeddingDim));
      all.add(norm(b + "ffn_norm.weight", embeddingDim));
      all.add(matrix(b + "ffn_gate.weight", type, embeddingDim, ffnDim));
      all.add(matrix(b + "ffn_up.weight", type, embeddingDim, ffnDim));
      all.add(matrix(b + "ffn_down.weight", type, ffnDim, embeddingDim));
      all.add(norm(b + "post_ffw_norm.weight", embeddingDim));
    }
    return all;
  }

  private static TensorInfo matrix(String name, DataType type, int in, int out) {
    return new TensorInfo(name, type, Shape.of(in, out));
  }

  private static TensorInfo norm(String name, int n) {
    return new TensorInfo(name, DataType.F32, Shape.of(n));
  }
}
