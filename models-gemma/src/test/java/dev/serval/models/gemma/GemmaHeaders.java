package dev.serval.models.gemma;

import dev.serval.api.model.Metadata;
import dev.serval.api.model.ModelSource;
import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.Shape;
import dev.serval.api.tensor.TensorInfo;
import dev.serval.api.tensor.TensorView;
import java.util.ArrayList;
import java.util.List;

/** Headers of Gemma 3 files without their data: metadata and tensor infos, for tests. */
public final class GemmaHeaders {

  private GemmaHeaders() {}

  /**
   * A size of the model and what is published about it.
   *
   * @param nLayers layers
   * @param embeddingDim width
   * @param ffnDim width of the feed-forward layers
   * @param nHeads query heads
   * @param nKvHeads key and value heads
   * @param headDim width of a head
   * @param slidingWindow window of local layers
   * @param context trained context
   * @param ropeFactor frequency divisor of global layers
   * @param globalLayers how many layers are global
   * @param queryDim 1 over the square of the attention scale
   * @param vocabSize tokens
   */
  public record Size(
      int nLayers,
      int embeddingDim,
      int ffnDim,
      int nHeads,
      int nKvHeads,
      int headDim,
      int slidingWindow,
      int context,
      int ropeFactor,
      int globalLayers,
      int queryDim,
      int vocabSize) {}

  private static final int VOCAB_SIZE = 262_144;

  /** 270m. */
  public static final Size M270 =
      new Size(18, 640, 2048, 4, 1, 256, 512, 32_768, 1, 3, 256, VOCAB_SIZE);

  /** 1b. */
  public static final Size B1 =
      new Size(26, 1152, 6912, 4, 1, 256, 512, 32_768, 1, 4, 256, VOCAB_SIZE);

  /** 4b. */
  public static final Size B4 =
      new Size(34, 2560, 10_240, 8, 4, 256, 1024, 131_072, 8, 5, 256, VOCAB_SIZE);

  /** 12b. */
  public static final Size B12 =
      new Size(48, 3840, 15_360, 16, 8, 256, 1024, 131_072, 8, 8, 256, VOCAB_SIZE);

  /** 27b. */
  public static final Size B27 =
      new Size(62, 5376, 21_504, 32, 16, 128, 1024, 131_072, 8, 10, 168, VOCAB_SIZE);

  /** A small one, quick to build. */
  public static final Size MINI = new Size(7, 64, 128, 4, 2, 32, 16, 512, 1, 1, 32, 958);

  /** All published sizes. */
  public static final List<Size> SIZES = List.of(M270, B1, B4, B12, B27);

  /** The header llama.cpp's converter writes. */
  public static ModelSource llamaCpp(Size size) {
    Metadata.Builder m =
        common(size)
            .put("gemma3.attention.layer_norm_rms_epsilon", (double) 1e-6f)
            .put("gemma3.rope.freq_base", 1e6);
    if (size.ropeFactor() != 1) {
      m.put("gemma3.rope.scaling.type", "linear")
          .put("gemma3.rope.scaling.factor", (double) size.ropeFactor());
    }
    return new ModelSource("llamacpp.gguf", m.build(), tensors(size));
  }

  /** The header Ollama's converter writes: other rope keys, no scaling, a vision tower. */
  public static ModelSource ollama(Size size) {
    Metadata m =
        common(size)
            .put("gemma3.attention.layer_norm_rms_epsilon", (double) 1e-6f)
            .put("gemma3.rope.global.freq_base", 1e6)
            .put("gemma3.rope.local.freq_base", 1e4)
            .put("gemma3.vision.block_count", 27)
            .build();
    List<TensorView> tensors = new ArrayList<>(tensors(size));
    tensors.add(tensor("v.patch_embedding.weight", DataType.F16, 14, 14, 3, 1152));
    tensors.add(tensor("mm.mm_input_projection.weight", DataType.F16, size.embeddingDim(), 1152));
    return new ModelSource("ollama.gguf", m, tensors);
  }

  /** A header with another pair. */
  public static ModelSource with(ModelSource source, String key, long value) {
    return source.withMetadata(source.metadata().toBuilder().put(key, value).build());
  }

  /** A header with another pair. */
  public static ModelSource with(ModelSource source, String key, double value) {
    return source.withMetadata(source.metadata().toBuilder().put(key, value).build());
  }

  /** A header with another pair. */
  public static ModelSource with(ModelSource source, String key, String value) {
    return source.withMetadata(source.metadata().toBuilder().put(key, value).build());
  }

  /** A header without a pair. */
  public static ModelSource without(ModelSource source, String key) {
    return source.withMetadata(source.metadata().without(key));
  }

  /** A header with the q, k and v weights of a layer in one tensor. */
  public static ModelSource fused(ModelSource source, Size size, int layer) {
    String block = "blk." + layer + ".";
    int rows = (size.nHeads() + 2 * size.nKvHeads()) * size.headDim();
    return source
        .withoutTensor(block + "attn_q.weight")
        .withoutTensor(block + "attn_k.weight")
        .withoutTensor(block + "attn_v.weight")
        .withTensor(tensor(block + "attn_qkv.weight", DataType.F16, size.embeddingDim(), rows));
  }

  /** A whole tensor. */
  public static TensorView tensor(String name, DataType type, long... ne) {
    return TensorView.of(new TensorInfo(name, type, Shape.of(ne)));
  }

  private static Metadata.Builder common(Size size) {
    return new Metadata.Builder()
        .put("general.architecture", "gemma3")
        .put("gemma3.context_length", size.context())
        .put("gemma3.embedding_length", size.embeddingDim())
        .put("gemma3.block_count", size.nLayers())
        .put("gemma3.feed_forward_length", size.ffnDim())
        .put("gemma3.attention.head_count", size.nHeads())
        .put("gemma3.attention.head_count_kv", size.nKvHeads())
        .put("gemma3.attention.key_length", size.headDim())
        .put("gemma3.attention.value_length", size.headDim())
        .put("gemma3.attention.sliding_window", size.slidingWindow());
  }

  private static List<TensorView> tensors(Size size) {
    int dim = size.embeddingDim();
    int headDim = size.headDim();
    int qDim = size.nHeads() * headDim;
    int kvDim = size.nKvHeads() * headDim;
    List<TensorView> all = new ArrayList<>();
    all.add(tensor("token_embd.weight", DataType.F16, dim, size.vocabSize()));
    all.add(tensor("output_norm.weight", DataType.F32, dim));
    for (int i = 0; i < size.nLayers(); i++) {
      String block = "blk." + i + ".";
      all.add(tensor(block + "attn_norm.weight", DataType.F32, dim));
      all.add(tensor(block + "attn_q.weight", DataType.F16, dim, qDim));
      all.add(tensor(block + "attn_k.weight", DataType.F16, dim, kvDim));
      all.add(tensor(block + "attn_v.weight", DataType.F16, dim, kvDim));
      all.add(tensor(block + "attn_q_norm.weight", DataType.F32, headDim));
      all.add(tensor(block + "attn_k_norm.weight", DataType.F32, headDim));
      all.add(tensor(block + "attn_output.weight", DataType.F16, qDim, dim));
      all.add(tensor(block + "post_attention_norm.weight", DataType.F32, dim));
      all.add(tensor(block + "ffn_norm.weight", DataType.F32, dim));
      all.add(tensor(block + "ffn_gate.weight", DataType.F16, dim, size.ffnDim()));
      all.add(tensor(block + "ffn_up.weight", DataType.F16, dim, size.ffnDim()));
      all.add(tensor(block + "ffn_down.weight", DataType.F16, size.ffnDim(), dim));
      all.add(tensor(block + "post_ffw_norm.weight", DataType.F32, dim));
    }
    return all;
  }
}
