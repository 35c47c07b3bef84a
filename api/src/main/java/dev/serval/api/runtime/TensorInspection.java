package dev.serval.api.runtime;

import java.util.List;
import java.util.Objects;
import java.util.Set;

/**
 * Which values of each step are looked at, and by whom: to find out where a new architecture or
 * backend goes wrong. Part of a load, since the model's program has to hand these values out; it
 * computes the same bits all the same. They take memory that the plan counts as staging: {@link
 * LoadRequest#chunkTokens} times the width of each, 4 bytes per element.
 *
 * @param patterns which values, by their names in the model's graph ({@code blk.0.attn_q}); {@code
 *     *} stands for any text and {@code ?} for one character; at least one, and each must match
 * @param layers only values of these layers; empty for those of any part of the model
 * @param sink who looks
 */
public record TensorInspection(List<String> patterns, Set<Integer> layers, TensorSink sink) {

  /** Copies the collections and checks that there is a pattern. */
  public TensorInspection {
    patterns = List.copyOf(patterns);
    layers = Set.copyOf(layers);
    Objects.requireNonNull(sink);
    if (patterns.isEmpty()) {
      throw new IllegalArgumentException("an inspection needs a pattern; * stands for every value");
    }
  }

  /** Values with names like a pattern, of any part of the model. */
  public static TensorInspection of(String pattern, TensorSink sink) {
    return new TensorInspection(List.of(pattern), Set.of(), sink);
  }
}
