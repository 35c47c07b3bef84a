package dev.serval.api.model;

import dev.serval.api.error.ModelRefusedException;
import dev.serval.api.text.Tokenizer;
import org.osgi.annotation.versioning.ProviderType;

/** Builds the tokenizers that the host knows. Thread-safe. */
@ProviderType
public interface TokenizerFactory {

  /**
   * The tokenizer that {@code tokenizer.ggml.*} describes.
   *
   * @throws ModelRefusedException ({@code VOCABULARY}, {@code KEY_MISSING} or {@code KEY_INVALID})
   *     naming the key
   */
  Tokenizer fromMetadata(Metadata metadata);
}
