package dev.serval.it;

import dev.serval.api.model.Metadata;
import dev.serval.api.model.ModelSource;
import dev.serval.api.model.TextArray;
import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.Shape;
import dev.serval.api.tensor.TensorInfo;
import dev.serval.api.tensor.TensorView;
import dev.serval.api.tensor.Weights;
import dev.serval.tck.weights.TestWeights;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * A Gemma 3 as other writers would have stored it: Ollama's rope keys and no epsilon, more tokens
 * than the embedding table has rows, a vision tower, and the rows of q, k and v in one tensor.
 *
 * @param source its header
 * @param weights its tensors
 */
record OllamaTwin(ModelSource source, Weights weights) {

  private static final String TOKENS = "tokenizer.ggml.tokens";

  /** The twin of a file that names things as llama.cpp does. */
  static OllamaTwin of(ModelSource plain, Weights plainWeights) {
    TestWeights weights = new TestWeights(1);
    for (TensorView t : plain.tensors()) {
      if (t.name().endsWith(".attn_q.weight")) {
        TensorView k = plain.tensor(t.name().replace("attn_q", "attn_k"));
        TensorView v = plain.tensor(t.name().replace("attn_q", "attn_v"));
        long rows = t.shape().rows() + k.shape().rows() + v.shape().rows();
        TensorInfo fused =
            new TensorInfo(
                t.name().replace("attn_q", "attn_qkv"), t.type(), Shape.of(t.shape().ne0(), rows));
        weights.add(fused, bytes(plainWeights, t, k, v));
      } else if (!t.name().endsWith(".attn_k.weight") && !t.name().endsWith(".attn_v.weight")) {
        weights.add(t.source(), bytes(plainWeights, t));
      }
    }
    weights.random("v.patch_embedding.weight", DataType.F16, 14, 14, 3);
    weights.random("mm.mm_input_projection.weight", DataType.F16, 64, 4);
    ModelSource source = new ModelSource("twin", metadata(plain.metadata()), weights.tensors());
    return new OllamaTwin(source, weights);
  }

  private static Metadata metadata(Metadata plain) {
    TextArray tokens = plain.texts(TOKENS).orElseThrow();
    String[] longer = new String[tokens.size() + 1];
    Arrays.setAll(longer, i -> i < tokens.size() ? tokens.get(i) : "<image_soft_token>");
    return plain
        .without("gemma3.attention.layer_norm_rms_epsilon")
        .renamed("gemma3.rope.freq_base", "gemma3.rope.global.freq_base")
        .toBuilder()
        .put("gemma3.rope.local.freq_base", 1e4)
        .put(TOKENS, TextArray.of(longer))
        .build();
  }

  private static byte[] bytes(Weights weights, TensorView... tensors) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (TensorView t : tensors) {
      all.writeBytes(weights.data(t.source()).toArray(ValueLayout.JAVA_BYTE));
    }
    return all.toByteArray();
  }
}
