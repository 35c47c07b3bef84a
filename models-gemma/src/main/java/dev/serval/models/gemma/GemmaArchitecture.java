package dev.serval.models.gemma;

import dev.serval.api.graph.GraphBuilder;
import dev.serval.api.model.ChatFormat;
import dev.serval.api.model.Match;
import dev.serval.api.model.Metadata;
import dev.serval.api.model.ModelArchitecture;
import dev.serval.api.model.ModelSource;
import dev.serval.api.model.TextArray;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.osgi.service.component.annotations.Component;

/**
 * Gemma 3 language models, in files of llama.cpp and of Ollama. Thread-safe and without state; an
 * OSGi service, and a {@link java.util.ServiceLoader} provider.
 */
@Component(service = ModelArchitecture.class)
public final class GemmaArchitecture implements ModelArchitecture {

  /** Creates the plugin. */
  public GemmaArchitecture() {}

  @Override
  public List<String> names() {
    return List.of(GemmaConfig.GEMMA3);
  }

  @Override
  public Match match(ModelSource source) {
    Metadata m = source.metadata();
    List<String> reasons = new ArrayList<>();
    String architecture = m.text(Metadata.ARCHITECTURE).orElse("absent");
    if (!architecture.equals(GemmaConfig.GEMMA3)) {
      reasons.add("general.architecture is " + architecture + ", not " + GemmaConfig.GEMMA3);
    }
    String type = m.text("general.type").orElse("model");
    if (!type.equals("model")) {
      reasons.add("general.type is " + type + ", not model");
    }
    if (GemmaDialects.isOllamaEncoder(source)) {
      reasons.add("tensor \"dense.0.weight\" marks an EmbeddingGemma, not a language model");
    }
    return reasons.isEmpty() ? new Match.Yes(100) : new Match.No(reasons);
  }

  /**
   * Turns Ollama's spellings into llama.cpp's, drops the vision tower, truncates a token list
   * longer than the embedding table, and splits fused Q/K/V.
   */
  @Override
  public ModelSource normalise(ModelSource source) {
    return GemmaDialects.normalise(source);
  }

  @Override
  public void describe(ModelSource source, GraphBuilder g) {
    Gemma3Graph.describe(GemmaConfig.of(source.metadata()), new GemmaTensors(source), g);
  }

  /** Turns of user and model; empty if the vocabulary lacks the markers of turns. */
  @Override
  public Optional<ChatFormat> chatFormat(ModelSource source) {
    Optional<TextArray> tokens = source.metadata().texts(GemmaTensors.TOKENS);
    boolean turns =
        tokens.isPresent()
            && has(tokens.get(), GemmaChatFormat.START_OF_TURN)
            && has(tokens.get(), GemmaChatFormat.END_OF_TURN);
    return turns ? Optional.of(new GemmaChatFormat()) : Optional.empty();
  }

  private static boolean has(TextArray tokens, String text) {
    for (int i = 0; i < tokens.size(); i++) {
      if (tokens.get(i).equals(text)) {
        return true;
      }
    }
    return false;
  }
}
