package dev.serval.models.gemma;

import static dev.serval.models.gemma.GemmaConfig.GEMMA_EMBEDDING;

import dev.serval.api.error.ModelRefusedException;
import dev.serval.api.graph.GraphBuilder;
import dev.serval.api.model.Match;
import dev.serval.api.model.Metadata;
import dev.serval.api.model.ModelArchitecture;
import dev.serval.api.model.ModelSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.osgi.service.component.annotations.Component;

/**
 * EmbeddingGemma, in files of llama.cpp and of Ollama. Thread-safe and without state; an OSGi
 * service, and a {@link java.util.ServiceLoader} provider.
 */
@Component(service = ModelArchitecture.class)
public final class EmbeddingGemmaArchitecture implements ModelArchitecture {

  private static final String POOLING_TYPE = "pooling_type";

  /** Kinds of pooling by number: llama.cpp include/llama.h, enum llama_pooling_type. */
  private static final List<String> POOLING = List.of("none", "mean", "cls", "last", "rank");

  private static final int MEAN = POOLING.indexOf("mean");

  /** Creates the plugin. */
  public EmbeddingGemmaArchitecture() {}

  @Override
  public List<String> names() {
    return List.of(GEMMA_EMBEDDING);
  }

  @Override
  public Match match(ModelSource source) {
    Metadata m = source.metadata();
    List<String> reasons = new ArrayList<>();
    String architecture = m.text(Metadata.ARCHITECTURE).orElse("absent");
    if (!architecture.equals(GEMMA_EMBEDDING) && !GemmaDialects.isOllamaEncoder(source)) {
      reasons.add("general.architecture is " + architecture + ", not " + GEMMA_EMBEDDING);
    }
    String type = m.text("general.type").orElse("model");
    if (!type.equals("model")) {
      reasons.add("general.type is " + type + ", not model");
    }
    return reasons.isEmpty() ? new Match.Yes(100) : new Match.No(reasons);
  }

  /**
   * Turns Ollama's spellings into llama.cpp's, drops a vision tower, truncates a token list longer
   * than the embedding table, and splits fused Q/K/V.
   */
  @Override
  public ModelSource normalise(ModelSource source) {
    return GemmaDialects.normalise(source);
  }

  /**
   * Describes the pass.
   *
   * @throws ModelRefusedException ({@code KEY_INVALID}) if the file asks for another pooling than
   *     the mean, the only one the model was trained with; a file that does not say means it
   */
  @Override
  public void describe(ModelSource source, GraphBuilder g) {
    GemmaKeys keys = GemmaKeys.of(source.metadata());
    int pooling = keys.intOr(POOLING_TYPE, 0, POOLING.size() - 1, MEAN);
    if (pooling != MEAN) {
      throw keys.invalid(
          POOLING_TYPE, MEAN + " (mean)", pooling + " (" + POOLING.get(pooling) + ")");
    }
    EmbeddingGemmaGraph.describe(GemmaConfig.of(source.metadata()), new GemmaTensors(source), g);
  }

  /** The prompts of the model card of google/embeddinggemma-300m, by their names there. */
  @Override
  public Map<String, String> textPrefixes(ModelSource source) {
    Map<String, String> prefixes = new LinkedHashMap<>();
    prefixes.put("query", task("search result"));
    prefixes.put("document", "title: none | text: ");
    prefixes.put("question-answering", task("question answering"));
    prefixes.put("fact-verification", task("fact checking"));
    prefixes.put("classification", task("classification"));
    prefixes.put("clustering", task("clustering"));
    prefixes.put("similarity", task("sentence similarity"));
    prefixes.put("code-retrieval", task("code retrieval"));
    prefixes.put("summarization", task("summarization"));
    return prefixes;
  }

  private static String task(String description) {
    return "task: " + description + " | query: ";
  }
}
