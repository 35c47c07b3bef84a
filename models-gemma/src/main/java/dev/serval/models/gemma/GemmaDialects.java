package dev.serval.models.gemma;

import static dev.serval.models.gemma.GemmaConfig.BLOCK_COUNT;
import static dev.serval.models.gemma.GemmaConfig.CONTEXT_LENGTH;
import static dev.serval.models.gemma.GemmaConfig.FINAL_LOGIT_SOFTCAPPING;
import static dev.serval.models.gemma.GemmaConfig.GEMMA3;
import static dev.serval.models.gemma.GemmaConfig.GEMMA_EMBEDDING;
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
import java.util.Map;
import java.util.Set;

/**
 * Turns the forms in which Gemma 3 and EmbeddingGemma files come into the one that {@link
 * Gemma3Graph} and {@link EmbeddingGemmaGraph} read, with llama.cpp's names. Normalising a
 * normalised file changes nothing.
 *
 * <p>Ollama's own files are told by their rope keys, or by having none at all; their repairs follow
 * Ollama's {@code llama/compat} and {@code model/models/gemma3}.
 */
final class GemmaDialects {

  /** Name of a layer's weight whose rows are those of q, then k, then v. */
  static final String FUSED_QKV = "attn_qkv";

  private static final String ROPE_KEYS = "rope.";
  private static final String OLLAMA_ROPE_GLOBAL = "rope.global.freq_base";
  private static final String OLLAMA_ROPE_LOCAL = "rope.local.freq_base";

  /** In Ollama's files an EmbeddingGemma is a gemma3 with this tensor. */
  private static final String OLLAMA_DENSE_0 = "dense.0.weight";

  private static final Map<String, String> OLLAMA_ENCODER_NAMES =
      Map.of(
          OLLAMA_DENSE_0,
          "dense_2.weight",
          "dense.1.weight",
          "dense_3.weight",
          "norm.weight",
          "output_norm.weight");

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
    ModelSource s = withoutVision(isOllamaEncoder(source) ? asEncoder(source) : source);
    GemmaKeys keys = GemmaKeys.of(s.metadata());
    if (isOllama(keys)) {
      s = s.withMetadata(fromOllama(keys));
    }
    return splitFused(truncatedVocabulary(s));
  }

  /** Whether a file calls itself a Gemma 3 and is an EmbeddingGemma. */
  static boolean isOllamaEncoder(ModelSource source) {
    return source.metadata().text(Metadata.ARCHITECTURE).orElse("").equals(GEMMA3)
        && source.find(OLLAMA_DENSE_0).isPresent();
  }

  /** With the architecture, keys and tensor names of an EmbeddingGemma. */
  private static ModelSource asEncoder(ModelSource source) {
    Metadata m = source.metadata();
    for (String key : source.metadata().keys()) {
      if (key.startsWith(GEMMA3 + ".")) {
        m = m.renamed(key, GEMMA_EMBEDDING + key.substring(GEMMA3.length()));
      }
    }
    m = m.toBuilder().put(Metadata.ARCHITECTURE, GEMMA_EMBEDDING).build();
    List<TensorView> tensors = new ArrayList<>();
    for (TensorView t : source.tensors()) {
      tensors.add(t.named(OLLAMA_ENCODER_NAMES.getOrDefault(t.name(), t.name())));
    }
    return new ModelSource(source.name(), m, tensors);
  }

  private static boolean isOllama(GemmaKeys k) {
    return k.has(OLLAMA_ROPE_GLOBAL)
        || k.has(OLLAMA_ROPE_LOCAL)
        || k.metadata().keys().stream().noneMatch(key -> key.startsWith(k.whole(ROPE_KEYS)));
  }

  private static Metadata fromOllama(GemmaKeys k) {
    Metadata m =
        k.metadata()
            .renamed(k.whole(OLLAMA_ROPE_GLOBAL), k.whole(ROPE_FREQ_BASE))
            .renamed(k.whole(OLLAMA_ROPE_LOCAL), k.whole(ROPE_FREQ_BASE_SWA));
    int nLayers = k.requireInt(BLOCK_COUNT, 1, MAX_LAYERS);
    int context = k.requireInt(CONTEXT_LENGTH, 1, Integer.MAX_VALUE);
    if (nLayers == LAYERS_WITHOUT_CAP) {
      m = m.without(k.whole(FINAL_LOGIT_SOFTCAPPING));
    }
    m = withDefault(m, k.whole(ROPE_FREQ_BASE), ROPE_THETA);
    m = withDefault(m, k.whole(ROPE_FREQ_BASE_SWA), GemmaConfig.DEFAULT_ROPE_THETA_SWA);
    m = withDefault(m, k.whole(RMS_NORM_EPS), RMS_NORM_EPS_DEFAULT);
    boolean scaled = context >= SCALED_CONTEXT || SCALED_LAYERS.contains(nLayers);
    if (scaled && !k.has(ROPE_SCALING_TYPE)) {
      m = withDefault(m, k.whole(ROPE_SCALING_FACTOR), SCALED_FACTOR);
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
