package dev.serval.api.runtime;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What an embedding model makes of texts.
 *
 * @param width elements of a vector
 * @param maxTextTokens tokens of the longest text that the model takes as it was loaded
 * @param prefixes texts that the model was trained to read before a text, by its purpose; see
 *     {@link EmbedRequest#withPrefix}
 */
public record EmbeddingInfo(int width, int maxTextTokens, Map<String, String> prefixes) {

  /** Copies the map, in its order. */
  public EmbeddingInfo {
    prefixes = Collections.unmodifiableMap(new LinkedHashMap<>(prefixes));
  }
}
