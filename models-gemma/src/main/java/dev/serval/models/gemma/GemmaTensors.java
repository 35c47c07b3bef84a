package dev.serval.models.gemma;

import dev.serval.api.error.ModelRefusedException;
import dev.serval.api.error.ModelRefusedException.Reason;
import dev.serval.api.model.ModelSource;
import dev.serval.api.tensor.Shape;
import dev.serval.api.tensor.TensorView;
import java.util.Optional;

/**
 * The tensors of a normalised file, each asked for with the sizes it must have. All of these throw
 * {@link ModelRefusedException}: {@code TENSOR_MISSING} naming all accepted names, or {@code
 * SHAPE_MISMATCH} naming the tensor, what it is and what was expected.
 *
 * @param source the file
 */
record GemmaTensors(ModelSource source) {

  /** Key of the vocabulary. */
  static final String TOKENS = "tokenizer.ggml.tokens";

  /** The token embedding, [embeddingDim, vocabSize]; one row per token of the vocabulary. */
  TensorView tokenEmbedding(int embeddingDim) {
    TensorView table = source.tensor("token_embd.weight");
    long vocabSize =
        source.metadata().texts(TOKENS).map(t -> (long) t.size()).orElse(table.shape().ne1());
    return expect(table, Shape.of(embeddingDim, vocabSize));
  }

  /**
   * The output projection, [embeddingDim, vocabSize]; the token embedding unless it has its own.
   */
  TensorView output(TensorView tokenEmbedding) {
    return expect(source.find("output.weight").orElse(tokenEmbedding), tokenEmbedding.shape());
  }

  /** A norm of the whole model, [n]. */
  TensorView norm(String name, int n) {
    return expect(source.tensor(name + ".weight"), Shape.of(n));
  }

  /** A norm of a layer, [n]. */
  TensorView norm(int layer, String name, int n) {
    return expect(source.tensor(named(layer, name)), Shape.of(n));
  }

  /** A linear layer, [in, out]. */
  TensorView linear(int layer, String name, int in, int out) {
    return expect(source.tensor(named(layer, name)), Shape.of(in, out));
  }

  /** A linear layer that normalising would have split from the fused Q/K/V, [in, out]. */
  TensorView linearOrFused(int layer, String name, int in, int out) {
    String fused = named(layer, GemmaDialects.FUSED_QKV);
    return expect(source.tensor(named(layer, name), fused), Shape.of(in, out));
  }

  /**
   * Two linear layers after pooling.
   *
   * @param first [embeddingDim, hidden]
   * @param second [hidden, outputDim]
   */
  record Dense(TensorView first, TensorView second) {}

  /**
   * The layers after pooling, [embeddingDim, hidden] and [hidden, outputDim]; both or neither are
   * there. Keys that state their sizes must agree.
   */
  Optional<Dense> dense(int embeddingDim) {
    if (source.find("dense_2.weight").isEmpty() && source.find("dense_3.weight").isEmpty()) {
      return Optional.empty();
    }
    TensorView first = source.tensor("dense_2.weight");
    int hidden = outputs(first, "dense_2");
    TensorView second = source.tensor("dense_3.weight");
    int outputDim = outputs(second, "dense_3");
    requireStated("dense_2", embeddingDim, hidden);
    requireStated("dense_3", hidden, outputDim);
    return Optional.of(
        new Dense(
            expect(first, Shape.of(embeddingDim, hidden)),
            expect(second, Shape.of(hidden, outputDim))));
  }

  private static int outputs(TensorView t, String name) {
    long n = t.shape().ne1();
    if (n < 1 || n > GemmaConfig.MAX_WIDTH) {
      throw new ModelRefusedException(
          Reason.SHAPE_MISMATCH,
          "tensor " + t + ": expected 1.." + GemmaConfig.MAX_WIDTH + " outputs of " + name);
    }
    return (int) n;
  }

  /** Keys such as {@code gemma-embedding.dense_2_feat_in}: llama.cpp src/llama-arch.cpp. */
  private void requireStated(String name, int in, int out) {
    GemmaKeys keys = GemmaKeys.of(source.metadata());
    requireStated(keys, name + "_feat_in", in);
    requireStated(keys, name + "_feat_out", out);
  }

  private static void requireStated(GemmaKeys keys, String key, int size) {
    int stated = keys.intOr(key, 1, Integer.MAX_VALUE, size);
    if (stated != size) {
      throw keys.invalid(key, size + ", as the tensor has", stated);
    }
  }

  /** The full name of a layer's weight. */
  static String named(int layer, String name) {
    return "blk." + layer + "." + name + ".weight";
  }

  /**
   * The tensor itself, if it has exactly these sizes.
   *
   * @throws ModelRefusedException ({@code SHAPE_MISMATCH}) if not
   */
  static TensorView expect(TensorView t, Shape expected) {
    if (!t.shape().sameSizes(expected)) {
      throw new ModelRefusedException(
          Reason.SHAPE_MISMATCH, "tensor " + t + ": expected " + expected);
    }
    return t;
  }
}
