package dev.serval.engine.plan;

/**
 * Sizes as Ollama estimated them before it loaded a model ({@code fs/ggml/ggml.go}, {@code
 * GraphSize}), to check placements against its known results. Serval does not estimate: it asks
 * backends.
 *
 * @param embedding width of activations, E
 * @param heads query heads, H
 * @param kvHeads key/value heads, Hk
 * @param keyLength width of a key head, dk; values are as wide
 * @param vocabulary tokens, V
 * @param blocks layers
 */
record OriginEstimate(
    int embedding, int heads, int kvHeads, int keyLength, long vocabulary, int blocks) {

  /** 4096 cells that gpt-oss keeps for each sequence of a window layer, whatever its window. */
  private static final long GPT_OSS_MEMORY = 4096;

  /** What a request wants. */
  record Run(long context, int parallel, long batch, double elementBytes) {
    static Run f16(long contextLength, int parallel) {
      return new Run(contextLength * parallel, parallel, 512, 2);
    }
  }

  /** Bytes of both further sizes of a device. */
  record Graphs(long full, long partial) {}

  private long kvBytes(long cells, Run r) {
    return (long) (cells * 2 * keyLength * kvHeads * r.elementBytes());
  }

  long kvPerBlock(Run r) {
    return kvBytes(r.context(), r);
  }

  /** Gemma 3: five window layers, then one that sees everything. */
  long gemma3Kv(int block, Run r, long window) {
    return (block + 1) % 6 != 0 ? kvBytes(r.parallel() * window + r.batch(), r) : kvPerBlock(r);
  }

  long gemma3Kv(Run r, long window) {
    long sum = 0;
    for (int i = 0; i < blocks; i++) {
      sum += gemma3Kv(i, r, window);
    }
    return sum;
  }

  /** gpt-oss: window layers and others in turn. */
  long gptOssKv(int block, Run r) {
    return block % 2 == 0 ? kvBytes(r.parallel() * GPT_OSS_MEMORY + r.batch(), r) : kvPerBlock(r);
  }

  long gptOssKv(Run r) {
    long sum = 0;
    for (int i = 0; i < blocks; i++) {
      sum += gptOssKv(i, r);
    }
    return sum;
  }

  /** Without flash attention from the cache, as if every block held all of it. */
  long gptOssGraph(Run r, boolean flash) {
    if (flash) {
      return (4L * r.parallel() + (r.context() >> 10) + 110) << 20;
    }
    return 2L * heads / Math.max(kvHeads, 1) * blocks * kvPerBlock(r) / 6;
  }

  Graphs llamaGraphs(Run r) {
    long b = r.batch();
    long c = r.context();
    long e = embedding;
    long v = vocabulary;
    long full = Math.max(4 * b * (1 + 4 * e + c * (1 + heads)), 4 * b * (e + v));
    long partial =
        4 * b * e
            + Math.max(
                4 * b * (1 + e + Math.max(c, e))
                    + e * e * 9 / 16
                    + 4 * c * (b * heads + e / heads * kvHeads),
                4 * b * (e + v) + e * v * 105 / 128);
    return new Graphs(full, partial);
  }

  Graphs gemma3Graphs(Run r) {
    long b = r.batch();
    long c = r.context();
    long e = embedding;
    long v = vocabulary;
    long qWidth = (long) keyLength * heads;
    long full = Math.max(4 * b * (e + v), 4 * b * (2 + c + c * heads + 2 * e + 2 * qWidth));
    long partial =
        Math.max(
            4 * e * b + e * v * 105 / 128 + 4 * v * b,
            4 * b * (2 * e + 1 + 2 * qWidth + c + c * heads)
                + 4 * c * keyLength * 8
                + e * qWidth * 9 / 16);
    return new Graphs(full, partial);
  }

  /** The graph of a vision tower. */
  static long visionGraph(long image, long patch, long channels, long width, long visionHeads) {
    long patches = (image / patch) * (image / patch);
    return 4 * (image * image * channels + width * patch + patches * patches * visionHeads);
  }
}
