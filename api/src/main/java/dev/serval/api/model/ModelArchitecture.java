package dev.serval.api.model;

import dev.serval.api.error.ModelRefusedException;
import dev.serval.api.graph.GraphBuilder;
import dev.serval.api.text.Tokenizer;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * What a model plugin implements, and registers as an OSGi service or {@link
 * java.util.ServiceLoader} provider. It describes; it never touches numbers, memory, devices or
 * file bytes.
 *
 * <p>Thread-safe and without state. Any method may throw {@link ModelRefusedException}.
 */
@ConsumerType
public interface ModelArchitecture {

  /** The values of {@code general.architecture} that the plugin serves, for reports. */
  List<String> names();

  /** Whether the plugin understands a file as it is. */
  Match match(ModelSource source);

  /**
   * Repairs dialects: renamed keys and tensors, views for fused or interleaved rows. Everything
   * else gets the result.
   */
  default ModelSource normalise(ModelSource source) {
    return source;
  }

  /** Describes one forward pass of a normalised file. */
  void describe(ModelSource source, GraphBuilder g);

  /** The tokens the model was trained on at once, of a normalised file. */
  default int trainedContext(ModelSource source) {
    return source
        .metadata()
        .requireInt(source.architecture() + ".context_length", 1, Integer.MAX_VALUE);
  }

  /** The tokenizer of a normalised file. */
  default Tokenizer tokenizer(ModelSource source, TokenizerFactory factory) {
    return factory.fromMetadata(source.metadata());
  }

  /**
   * What an embedding model was trained to read before a text, by the purpose of the text as the
   * model's card names it: {@code "query"} may be {@code "task: search result | query: "}. Nothing
   * is put before a text unless the caller asks for it.
   *
   * @return prefixes in the order to list them; empty for a model that has none
   */
  default Map<String, String> textPrefixes(ModelSource source) {
    return Map.of();
  }

  /** How a conversation becomes a prompt; empty for a model that has no such form. */
  default Optional<ChatFormat> chatFormat(ModelSource source) {
    return Optional.empty();
  }
}
