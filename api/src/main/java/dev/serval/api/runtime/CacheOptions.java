package dev.serval.api.runtime;

/**
 * What a model keeps of texts beyond what it needs to go on with them, so that a later text that
 * begins like one of them has less to compute. Matters to models some of whose layers see only a
 * window; what other layers have computed is kept as a whole.
 *
 * @param windowMemory positions kept beyond each window: a text may go back as far at no cost
 * @param checkpointBytes host memory for copies of windows, made at the end of each prompt and at
 *     most a window apart: from the latest of them a text goes on that goes back further; those
 *     used least recently make room for new ones; 0 for none
 */
public record CacheOptions(int windowMemory, long checkpointBytes) {

  /** 512 positions beyond each window, 1 GiB of copies. */
  public static final CacheOptions DEFAULT = new CacheOptions(512, 1L << 30);

  /** Checks the ranges. */
  public CacheOptions {
    if (windowMemory < 0 || checkpointBytes < 0) {
      throw new IllegalArgumentException(
          "windowMemory and checkpointBytes must be 0 or more: "
              + windowMemory
              + ", "
              + checkpointBytes);
    }
  }
}
