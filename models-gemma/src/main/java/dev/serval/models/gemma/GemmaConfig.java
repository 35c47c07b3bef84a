package dev.serval.models.gemma;

import dev.serval.api.attention.AttentionSpec;
import dev.serval.api.attention.MaskKind;
import dev.serval.api.attention.RopeSpec;
import dev.serval.api.error.ModelRefusedException;
import dev.serval.api.error.ModelRefusedException.Reason;
import dev.serval.api.model.Metadata;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * The hyper-parameters of a Gemma 3.
 *
 * @param nLayers layers
 * @param embeddingDim width of the residual stream
 * @param ffnDim width of the feed-forward layers
 * @param nHeads query heads
 * @param nKvHeads key and value heads; divides {@code nHeads}
 * @param headDim width of a head, even
 * @param rmsNormEps added to the mean of squares in every norm
 * @param slidingWindow tokens that a local layer sees, itself included; 0 without local layers
 * @param isLocal for each layer whether it sees the window only
 * @param ropeTheta frequency base of global layers
 * @param ropeThetaSwa frequency base of local layers
 * @param ropeFactor frequency divisor of global layers, 1 for none
 * @param finalSoftCap cap of the logits, 0 for none
 */
record GemmaConfig(
    int nLayers,
    int embeddingDim,
    int ffnDim,
    int nHeads,
    int nKvHeads,
    int headDim,
    float rmsNormEps,
    int slidingWindow,
    List<Boolean> isLocal,
    double ropeTheta,
    double ropeThetaSwa,
    double ropeFactor,
    double finalSoftCap) {

  // Keys: llama.cpp src/llama-arch.cpp, below the name of the architecture.
  static final String CONTEXT_LENGTH = "gemma3.context_length";
  static final String BLOCK_COUNT = "gemma3.block_count";
  static final String EMBEDDING_LENGTH = "gemma3.embedding_length";
  static final String FEED_FORWARD_LENGTH = "gemma3.feed_forward_length";
  static final String HEAD_COUNT = "gemma3.attention.head_count";
  static final String HEAD_COUNT_KV = "gemma3.attention.head_count_kv";
  static final String KEY_LENGTH = "gemma3.attention.key_length";
  static final String VALUE_LENGTH = "gemma3.attention.value_length";
  static final String RMS_NORM_EPS = "gemma3.attention.layer_norm_rms_epsilon";
  static final String SLIDING_WINDOW = "gemma3.attention.sliding_window";
  static final String SLIDING_WINDOW_PATTERN = "gemma3.attention.sliding_window_pattern";
  static final String ROPE_DIMENSION_COUNT = "gemma3.rope.dimension_count";
  static final String ROPE_FREQ_BASE = "gemma3.rope.freq_base";
  static final String ROPE_FREQ_BASE_SWA = "gemma3.rope.freq_base_swa";
  static final String ROPE_SCALING_TYPE = "gemma3.rope.scaling.type";
  static final String ROPE_SCALING_FACTOR = "gemma3.rope.scaling.factor";
  static final String FINAL_LOGIT_SOFTCAPPING = "gemma3.final_logit_softcapping";

  static final double DEFAULT_ROPE_THETA_SWA = 10_000;

  // Bounds far above every published size, so small that widths of heads · headDim fit an int.
  static final int MAX_LAYERS = 512; // llama.cpp src/llama-hparams.h, LLAMA_MAX_LAYERS
  private static final int MAX_WIDTH = 1 << 24;
  private static final int MAX_HEADS = 1 << 13;
  private static final int MAX_HEAD_DIM = 1 << 13;

  /** Five local layers, then a global one. */
  private static final int DEFAULT_PATTERN = 6;

  /** The layers of the 27b, the only size whose attention scale is not 1/√headDim. */
  private static final int LAYERS_OF_27B = 62;

  /** Copies the list. */
  GemmaConfig {
    isLocal = List.copyOf(isLocal);
  }

  /**
   * Reads the keys of a normalised file.
   *
   * @throws ModelRefusedException ({@code KEY_MISSING} or {@code KEY_INVALID}) naming the key
   */
  static GemmaConfig of(Metadata m) {
    int nLayers = m.requireInt(BLOCK_COUNT, 1, MAX_LAYERS);
    int embeddingDim = m.requireInt(EMBEDDING_LENGTH, 1, MAX_WIDTH);
    int nHeads = count(m, HEAD_COUNT, nLayers);
    int nKvHeads = m.has(HEAD_COUNT_KV) ? count(m, HEAD_COUNT_KV, nLayers) : nHeads;
    if (nHeads % nKvHeads != 0) {
      throw invalid(HEAD_COUNT_KV, "a divisor of " + HEAD_COUNT + "=" + nHeads, nKvHeads);
    }
    int headDim = m.intOr(KEY_LENGTH, 2, MAX_HEAD_DIM, embeddingDim / nHeads);
    if (headDim < 2 || headDim % 2 != 0 || headDim > MAX_HEAD_DIM) {
      throw invalid(KEY_LENGTH, "an even number in 2.." + MAX_HEAD_DIM, headDim);
    }
    requireSame(m, VALUE_LENGTH, headDim);
    requireSame(m, ROPE_DIMENSION_COUNT, headDim);
    int slidingWindow = m.intOr(SLIDING_WINDOW, 0, Integer.MAX_VALUE, 0);
    return new GemmaConfig(
        nLayers,
        embeddingDim,
        count(m, FEED_FORWARD_LENGTH, nLayers, MAX_WIDTH),
        nHeads,
        nKvHeads,
        headDim,
        rmsNormEps(m),
        slidingWindow,
        slidingWindow > 0 ? localLayers(m, nLayers) : Collections.nCopies(nLayers, false),
        requirePositive(m, ROPE_FREQ_BASE),
        m.positiveOr(ROPE_FREQ_BASE_SWA, DEFAULT_ROPE_THETA_SWA),
        ropeFactor(m),
        finalSoftCap(m));
  }

  /** The factor of attention scores: 1/√headDim, but 1/√(embeddingDim/nHeads) in the 27b. */
  double attentionScale() {
    double queryDim = nLayers == LAYERS_OF_27B ? (double) embeddingDim / nHeads : headDim;
    return 1 / Math.sqrt(queryDim);
  }

  /**
   * How queries and keys of a layer are rotated: over whole heads, scaled in global layers only.
   */
  RopeSpec rope(int layer) {
    return isLocal.get(layer)
        ? RopeSpec.neox(headDim, ropeThetaSwa, 1)
        : RopeSpec.neox(headDim, ropeTheta, ropeFactor);
  }

  /** What a layer's attention computes. */
  AttentionSpec attention(int layer) {
    MaskKind mask = isLocal.get(layer) ? MaskKind.sliding(slidingWindow) : MaskKind.CAUSAL;
    return new AttentionSpec(nHeads, nKvHeads, headDim, (float) attentionScale(), mask);
  }

  /**
   * An array has one entry per layer, true for local; a number is the distance of global layers.
   */
  private static List<Boolean> localLayers(Metadata m, int nLayers) {
    List<Boolean> local = new ArrayList<>();
    if (m.isArray(SLIDING_WINDOW_PATTERN)) {
      for (long n : perLayer(m, SLIDING_WINDOW_PATTERN, nLayers)) {
        local.add(n != 0);
      }
      return local;
    }
    int period = m.intOr(SLIDING_WINDOW_PATTERN, 1, MAX_LAYERS, DEFAULT_PATTERN);
    for (int i = 0; i < nLayers; i++) {
      local.add(i % period < period - 1);
    }
    return local;
  }

  private static float rmsNormEps(Metadata m) {
    float eps = (float) requirePositive(m, RMS_NORM_EPS);
    if (!(eps > 0) || Float.isInfinite(eps)) {
      throw invalid(RMS_NORM_EPS, "a positive finite 32-bit float", m.describe(RMS_NORM_EPS));
    }
    return eps;
  }

  private static double ropeFactor(Metadata m) {
    String type = m.text(ROPE_SCALING_TYPE).orElse("linear");
    return switch (type) {
      case "none" -> 1;
      case "linear" -> m.positiveOr(ROPE_SCALING_FACTOR, 1);
      default -> throw invalid(ROPE_SCALING_TYPE, "linear or none", type);
    };
  }

  private static double finalSoftCap(Metadata m) {
    double cap = m.real(FINAL_LOGIT_SOFTCAPPING).orElse(0);
    return cap == 0 ? 0 : m.positiveOr(FINAL_LOGIT_SOFTCAPPING, 0);
  }

  private static double requirePositive(Metadata m, String key) {
    if (!m.has(key)) {
      throw missing(key);
    }
    return m.positiveOr(key, 0);
  }

  private static void requireSame(Metadata m, String key, int headDim) {
    int n = m.intOr(key, 0, Integer.MAX_VALUE, headDim);
    if (n != headDim) {
      throw invalid(key, headDim + ", the width of a head", n);
    }
  }

  private static int count(Metadata m, String key, int nLayers) {
    return count(m, key, nLayers, MAX_HEADS);
  }

  /** A number, or an array with that number for each layer. */
  private static int count(Metadata m, String key, int nLayers, int most) {
    if (!m.isArray(key)) {
      return m.requireInt(key, 1, most);
    }
    long[] all = perLayer(m, key, nLayers);
    for (long n : all) {
      if (n != all[0] || n < 1 || n > most) {
        throw invalid(key, "one value in 1.." + most + " for all layers", all[0] + " and " + n);
      }
    }
    return (int) all[0];
  }

  private static long[] perLayer(Metadata m, String key, int nLayers) {
    long[] all = m.integers(key).orElseThrow(() -> missing(key));
    if (all.length != nLayers) {
      throw invalid(key, "one entry for each of " + nLayers + " layers", all.length + " entries");
    }
    return all;
  }

  private static ModelRefusedException missing(String key) {
    return new ModelRefusedException(Reason.KEY_MISSING, "key " + key + " is missing");
  }

  private static ModelRefusedException invalid(String key, String expected, Object got) {
    return new ModelRefusedException(
        Reason.KEY_INVALID, "key " + key + ": expected " + expected + ", got " + got);
  }
}
