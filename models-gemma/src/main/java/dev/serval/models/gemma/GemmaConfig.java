package dev.serval.models.gemma;

import dev.serval.api.attention.AttentionSpec;
import dev.serval.api.attention.MaskKind;
import dev.serval.api.attention.RopeSpec;
import dev.serval.api.error.ModelRefusedException;
import dev.serval.api.model.Metadata;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * The hyper-parameters of a Gemma 3 or an EmbeddingGemma.
 *
 * @param isEncoder whether tokens see what comes after them, as in EmbeddingGemma
 * @param nLayers layers
 * @param embeddingDim width of the residual stream
 * @param ffnDim width of the feed-forward layers
 * @param nHeads query heads
 * @param nKvHeads key and value heads; divides {@code nHeads}
 * @param headDim width of a head, even
 * @param rmsNormEps added to the mean of squares in every norm
 * @param slidingWindow tokens that a local layer sees, itself included, of an encoder half of them
 *     to either side; 0 without local layers
 * @param isLocal for each layer whether it sees the window only
 * @param ropeTheta frequency base of global layers
 * @param ropeThetaSwa frequency base of local layers
 * @param ropeFactor frequency divisor of global layers, 1 for none
 * @param finalSoftCap cap of the logits, 0 for none
 */
record GemmaConfig(
    boolean isEncoder,
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

  /** The architecture of language models. */
  static final String GEMMA3 = "gemma3";

  /** The architecture of encoders. */
  static final String GEMMA_EMBEDDING = "gemma-embedding";

  // Keys: llama.cpp src/llama-arch.cpp, below the name of the architecture.
  static final String CONTEXT_LENGTH = "context_length";
  static final String BLOCK_COUNT = "block_count";
  static final String EMBEDDING_LENGTH = "embedding_length";
  static final String FEED_FORWARD_LENGTH = "feed_forward_length";
  static final String HEAD_COUNT = "attention.head_count";
  static final String HEAD_COUNT_KV = "attention.head_count_kv";
  static final String KEY_LENGTH = "attention.key_length";
  static final String VALUE_LENGTH = "attention.value_length";
  static final String RMS_NORM_EPS = "attention.layer_norm_rms_epsilon";
  static final String SLIDING_WINDOW = "attention.sliding_window";
  static final String SLIDING_WINDOW_PATTERN = "attention.sliding_window_pattern";
  static final String ROPE_DIMENSION_COUNT = "rope.dimension_count";
  static final String ROPE_FREQ_BASE = "rope.freq_base";
  static final String ROPE_FREQ_BASE_SWA = "rope.freq_base_swa";
  static final String ROPE_SCALING_TYPE = "rope.scaling.type";
  static final String ROPE_SCALING_FACTOR = "rope.scaling.factor";
  static final String FINAL_LOGIT_SOFTCAPPING = "final_logit_softcapping";

  static final double DEFAULT_ROPE_THETA_SWA = 10_000;

  // Bounds far above every published size, so small that widths of heads · headDim fit an int.
  static final int MAX_LAYERS = 512; // llama.cpp src/llama-hparams.h, LLAMA_MAX_LAYERS
  static final int MAX_WIDTH = 1 << 24;
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
    GemmaKeys k = GemmaKeys.of(m);
    int nLayers = k.requireInt(BLOCK_COUNT, 1, MAX_LAYERS);
    int embeddingDim = k.requireInt(EMBEDDING_LENGTH, 1, MAX_WIDTH);
    int nHeads = k.count(HEAD_COUNT, nLayers, MAX_HEADS);
    int nKvHeads = k.has(HEAD_COUNT_KV) ? k.count(HEAD_COUNT_KV, nLayers, MAX_HEADS) : nHeads;
    if (nHeads % nKvHeads != 0) {
      throw k.invalid(
          HEAD_COUNT_KV, "a divisor of " + k.whole(HEAD_COUNT) + "=" + nHeads, nKvHeads);
    }
    int headDim = k.intOr(KEY_LENGTH, 2, MAX_HEAD_DIM, embeddingDim / nHeads);
    if (headDim < 2 || headDim % 2 != 0 || headDim > MAX_HEAD_DIM) {
      throw k.invalid(KEY_LENGTH, "an even number in 2.." + MAX_HEAD_DIM, headDim);
    }
    requireSame(k, VALUE_LENGTH, headDim);
    requireSame(k, ROPE_DIMENSION_COUNT, headDim);
    int slidingWindow = k.intOr(SLIDING_WINDOW, 0, Integer.MAX_VALUE, 0);
    return new GemmaConfig(
        k.architecture().equals(GEMMA_EMBEDDING),
        nLayers,
        embeddingDim,
        k.count(FEED_FORWARD_LENGTH, nLayers, MAX_WIDTH),
        nHeads,
        nKvHeads,
        headDim,
        rmsNormEps(k),
        slidingWindow,
        slidingWindow > 0 ? localLayers(k, nLayers) : Collections.nCopies(nLayers, false),
        k.requirePositive(ROPE_FREQ_BASE),
        k.positiveOr(ROPE_FREQ_BASE_SWA, DEFAULT_ROPE_THETA_SWA),
        ropeFactor(k),
        finalSoftCap(k));
  }

  /** The factor of attention scores: 1/√headDim, but 1/√(embeddingDim/nHeads) in the 27b. */
  double attentionScale() {
    boolean is27b = !isEncoder && nLayers == LAYERS_OF_27B;
    double queryDim = is27b ? (double) embeddingDim / nHeads : headDim;
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
    return new AttentionSpec(nHeads, nKvHeads, headDim, (float) attentionScale(), mask(layer));
  }

  private MaskKind mask(int layer) {
    if (isEncoder) {
      return isLocal.get(layer) ? MaskKind.symmetric(slidingWindow) : MaskKind.BIDIRECTIONAL;
    }
    return isLocal.get(layer) ? MaskKind.sliding(slidingWindow) : MaskKind.CAUSAL;
  }

  /**
   * An array has one entry per layer, true for local; a number is the distance of global layers.
   */
  private static List<Boolean> localLayers(GemmaKeys k, int nLayers) {
    List<Boolean> local = new ArrayList<>();
    if (k.isArray(SLIDING_WINDOW_PATTERN)) {
      for (long n : k.perLayer(SLIDING_WINDOW_PATTERN, nLayers)) {
        local.add(n != 0);
      }
      return local;
    }
    int period = k.intOr(SLIDING_WINDOW_PATTERN, 1, MAX_LAYERS, DEFAULT_PATTERN);
    for (int i = 0; i < nLayers; i++) {
      local.add(i % period < period - 1);
    }
    return local;
  }

  private static float rmsNormEps(GemmaKeys k) {
    float eps = (float) k.requirePositive(RMS_NORM_EPS);
    if (!(eps > 0) || Float.isInfinite(eps)) {
      throw k.invalid(
          RMS_NORM_EPS,
          "a positive finite 32-bit float",
          k.metadata().describe(k.whole(RMS_NORM_EPS)));
    }
    return eps;
  }

  private static double ropeFactor(GemmaKeys k) {
    String type = k.textOr(ROPE_SCALING_TYPE, "linear");
    return switch (type) {
      case "none" -> 1;
      case "linear" -> k.positiveOr(ROPE_SCALING_FACTOR, 1);
      default -> throw k.invalid(ROPE_SCALING_TYPE, "linear or none", type);
    };
  }

  private static double finalSoftCap(GemmaKeys k) {
    double cap = k.real(FINAL_LOGIT_SOFTCAPPING).orElse(0);
    return cap == 0 ? 0 : k.positiveOr(FINAL_LOGIT_SOFTCAPPING, 0);
  }

  private static void requireSame(GemmaKeys k, String key, int headDim) {
    int n = k.intOr(key, 0, Integer.MAX_VALUE, headDim);
    if (n != headDim) {
      throw k.invalid(key, headDim + ", the width of a head", n);
    }
  }
}
