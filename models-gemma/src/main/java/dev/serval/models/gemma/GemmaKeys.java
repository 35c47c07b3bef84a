package dev.serval.models.gemma;

import dev.serval.api.error.ModelRefusedException;
import dev.serval.api.error.ModelRefusedException.Reason;
import dev.serval.api.model.Metadata;
import java.util.OptionalDouble;

/**
 * The keys of a file that are below the name of its architecture, asked for without it: {@code
 * block_count} for {@code gemma3.block_count}. All of these throw {@link ModelRefusedException}
 * ({@code KEY_MISSING} or {@code KEY_INVALID}) naming the whole key.
 *
 * @param metadata all keys
 * @param architecture {@code general.architecture}
 */
record GemmaKeys(Metadata metadata, String architecture) {

  /** The keys of a file. */
  static GemmaKeys of(Metadata m) {
    return new GemmaKeys(m, m.requireText(Metadata.ARCHITECTURE));
  }

  /** The whole name of a key. */
  String whole(String key) {
    return architecture + "." + key;
  }

  boolean has(String key) {
    return metadata.has(whole(key));
  }

  /** An integer that must be there. */
  int requireInt(String key, int least, int most) {
    return metadata.requireInt(whole(key), least, most);
  }

  int intOr(String key, int least, int most, int absent) {
    return metadata.intOr(whole(key), least, most, absent);
  }

  OptionalDouble real(String key) {
    return metadata.real(whole(key));
  }

  double positiveOr(String key, double absent) {
    return metadata.positiveOr(whole(key), absent);
  }

  /** A positive finite number that must be there. */
  double requirePositive(String key) {
    if (!has(key)) {
      throw missing(key);
    }
    return positiveOr(key, 0);
  }

  String textOr(String key, String absent) {
    return metadata.text(whole(key)).orElse(absent);
  }

  boolean isArray(String key) {
    return metadata.isArray(whole(key));
  }

  /** A number, or an array with that number for each layer. */
  int count(String key, int nLayers, int most) {
    if (!isArray(key)) {
      return requireInt(key, 1, most);
    }
    long[] all = perLayer(key, nLayers);
    for (long n : all) {
      if (n != all[0] || n < 1 || n > most) {
        throw invalid(key, "one value in 1.." + most + " for all layers", all[0] + " and " + n);
      }
    }
    return (int) all[0];
  }

  /** An array that must be there, with one entry for each layer. */
  long[] perLayer(String key, int nLayers) {
    long[] all = metadata.integers(whole(key)).orElseThrow(() -> missing(key));
    if (all.length != nLayers) {
      throw invalid(key, "one entry for each of " + nLayers + " layers", all.length + " entries");
    }
    return all;
  }

  private ModelRefusedException missing(String key) {
    return new ModelRefusedException(Reason.KEY_MISSING, "key " + whole(key) + " is missing");
  }

  /** What to throw for a key of which something else was expected. */
  ModelRefusedException invalid(String key, String expected, Object got) {
    return new ModelRefusedException(
        Reason.KEY_INVALID, "key " + whole(key) + ": expected " + expected + ", got " + got);
  }
}
