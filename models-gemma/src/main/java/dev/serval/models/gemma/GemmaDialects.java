package dev.serval.models.gemma;

import static dev.serval.models.gemma.GemmaConfig.BLOCK_COUNT;
import static dev.serval.models.gemma.GemmaConfig.CONTEXT_LENGTH;
import static dev.serval.models.gemma.GemmaConfig.FINAL_LOGIT_SOFTCAPPING;
import static dev.serval.models.gemma.GemmaConfig.MAX_LAYERS;
import static dev.serval.models.gemma.GemmaConfig.RMS_NORM_EPS;
import static dev.serval.models.gemma.GemmaConfig.ROPE_FREQ_BASE;
import static dev.serval.models.gemma.GemmaConfig.ROPE_FREQ_BASE_SWA;
import static dev.serval.models.gemma.GemmaConfig.ROPE_SCALING_FACTOR;
import static dev.serval.models.gemma.GemmaConfig.ROPE_SCALING_TYPE;
import static dev.serval.models.gemma.GemmaTensors.TOKENS;

import dev.serval.api.model.Metadata;
import dev.serval.api.model.ModelSource;
import dev.serval.api.model.TextArray;
import dev.serval.api.tensor.Shape;
import dev.serval.api.tensor.TensorView;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

/**
 * Turns the forms in which Gemma 3 files come into the one that {@link Gemma3Graph} reads, with
 * llama.cpp's names. Normalising a normalised file changes nothing.
 *
 * <p>Ollama's own files are told by their rope keys, or by having none at all; their repairs follow
 * Ollama's {@code llama/compat} and {@code model/models/gemma3}.
 */
final class GemmaDialects {

  /** Name of a layer's weight whose rows are those of q, then k, then v. */
  static final String FUSED_QKV = "attn_qkv";

  private static final String ROPE_KEYS = "gemma3.rope.";
  private static final String OLLAMA_ROPE_GLOBAL = "gemma3.rope.global.freq_base";
  private static final String OLLAMA_ROPE_LOCAL = "gemma3.rope.local.freq_base";
  private static final double ROPE_THETA = 1_000_000;
  private static final double RMS_NORM_EPS_DEFAULT = 1e-6;

  /** From this trained context on, frequencies of global layers are divided. */
  private static final int SCALED_CONTEXT = 131_072;

  private static final double SCALED_FACTOR = 8;

  /** 4b, 12b and 27b: their older files state a context of 8192 (ollama/ollama#9728). */
  private static final Set<Integer> SCALED_LAYERS = Set.of(34, 48, 62);

  /** The 1b: its cap of the logits in Ollama's files is a mistake that Ollama ignores. */
  private static final int LAYERS_WITHOUT_CAP = 26;

  private GemmaDialects() {}

  static ModelSource normalise(ModelSource source) {
    ModelSource s = withoutVision(source);
    if (isOllama(s.metadata())) {
      s = s.withMetadata(fromOllama(s.metadata()));
    }
    return splitFused(truncatedVocabulary(s));
  }

  private static boolean isOllama(Metadata m) {
    return m.has(OLLAMA_ROPE_GLOBAL)
        || m.has(OLLAMA_ROPE_LOCAL)
        || m.keys().stream().noneMatch(k -> k.startsWith(ROPE_KEYS));
  }

  private static Metadata fromOllama(Metadata file) {
    Metadata m =
        file.renamed(OLLAMA_ROPE_GLOBAL, ROPE_FREQ_BASE)
            .renamed(OLLAMA_ROPE_LOCAL, ROPE_FREQ_BASE_SWA);
    int nLayers = m.requireInt(BLOCK_COUNT, 1, MAX_LAYERS);
    int context = m.requireInt(CONTEXT_LENGTH, 1, Integer.MAX_VALUE);
    if (nLayers == LAYERS_WITHOUT_CAP) {
      m = m.without(FINAL_LOGIT_SOFTCAPPING);
    }
    m = withDefault(m, ROPE_FREQ_BASE, ROPE_THETA);
    m = withDefault(m, ROPE_FREQ_BASE_SWA, GemmaConfig.DEFAULT_ROPE_THETA_SWA);
    m = withDefault(m, RMS_NORM_EPS, RMS_NORM_EPS_DEFAULT);
    boolean scaled = context >= SCALED_CONTEXT || SCALED_LAYERS.contains(nLayers);
    if (scaled && !m.has(ROPE_SCALING_TYPE)) {
      m = withDefault(m, ROPE_SCALING_FACTOR, SCALED_FACTOR);
    }
    return m;
  }

  private static Metadata withDefault(Metadata m, String key, double value) {
    return m.has(key) ? m : m.toBuilder().put(key, value).build();
  }

  /** Without the vision tower that some files carry along: {@code v.*} and {@code mm.*}. */
  private static ModelSource withoutVision(ModelSource source) {
    List<TensorView> kept = new ArrayList<>();
    for (TensorView t : source.tensors()) {
      if (!t.name().startsWith("v.") && !t.name().startsWith("mm.")) {
        kept.add(t);
      }
    }
    return new ModelSource(source.name(), source.metadata(), kept);
  }

  /** With as many tokens as the embedding table has rows, where the file lists more. */
  private static ModelSource truncatedVocabulary(ModelSource source) {
    long rows = source.tensor("token_embd.weight").shape().ne1();
    Metadata m = source.metadata();
    Metadata.Builder cut = m.toBuilder();
    m.texts(TOKENS)
        .filter(t -> t.size() > rows)
        .ifPresent(t -> cut.put(TOKENS, firstOf(t, (int) rows)));
    m.reals("tokenizer.ggml.scores")
        .filter(a -> a.length > rows)
        .ifPresent(a -> cut.put("tokenizer.ggml.scores", Arrays.copyOf(a, (int) rows)));
    m.integers("tokenizer.ggml.token_type")
        .filter(a -> a.length > rows)
        .ifPresent(a -> cut.put("tokenizer.ggml.token_type", Arrays.copyOf(a, (int) rows)));
    return source.withMetadata(cut.build());
  }

  private static TextArray firstOf(TextArray texts, int n) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    int[] ends = new int[n];
    for (int i = 0; i < n; i++) {
      bytes.writeBytes(texts.bytes(i));
      ends[i] = bytes.size();
    }
    return new TextArray(bytes.toByteArray(), ends);
  }

  /** With three views in place of each fused Q/K/V weight, [in, (nHeads + 2·nKvHeads)·headDim]. */
  private static ModelSource splitFused(ModelSource source) {
    if (source.tensors().stream().noneMatch(t -> t.name().endsWith("." + FUSED_QKV + ".weight"))) {
      return source;
    }
    GemmaConfig c = GemmaConfig.of(source.metadata());
    int qDim = c.nHeads() * c.headDim();
    int kvDim = c.nKvHeads() * c.headDim();
    ModelSource s = source;
    for (int i = 0; i < c.nLayers(); i++) {
      String name = GemmaTensors.named(i, FUSED_QKV);
      TensorView fused = s.find(name).orElse(null);
      if (fused == null) {
        continue;
      }
      GemmaTensors.expect(fused, Shape.of(c.embeddingDim(), qDim + 2 * kvDim));
      s =
          s.withoutTensor(name)
              .withTensor(fused.rows(GemmaTensors.named(i, "attn_q"), 0, qDim))
              .withTensor(fused.rows(GemmaTensors.named(i, "attn_k"), qDim, qDim + kvDim))
              .withTensor(
                  fused.rows(GemmaTensors.named(i, "attn_v"), qDim + kvDim, qDim + 2 * kvDim));
    }
    return s;
  }
}
