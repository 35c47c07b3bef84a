package dev.serval.engine.tokenizer;

import dev.serval.api.error.ModelRefusedException;
import dev.serval.api.error.ModelRefusedException.Reason;
import dev.serval.api.model.Metadata;
import dev.serval.api.model.TokenizerFactory;
import dev.serval.api.text.Tokenizer;

/** Builds the tokenizers that the engine knows, by {@code tokenizer.ggml.model}. Thread-safe. */
public final class Tokenizers implements TokenizerFactory {

  private static final String MODEL = "tokenizer.ggml.model";

  /** Creates the factory. */
  public Tokenizers() {}

  @Override
  public Tokenizer fromMetadata(Metadata metadata) {
    String model = metadata.requireText(MODEL);
    return switch (model) {
      case "llama" -> new SpmTokenizer(metadata);
      case "gpt2" -> new ByteLevelTokenizer(metadata);
      case "gemma4" -> new Gemma4Tokenizer(metadata);
      default ->
          throw new ModelRefusedException(
              Reason.VOCABULARY,
              "key " + MODEL + ": expected one of llama, gpt2, gemma4, got " + model);
    };
  }
}
