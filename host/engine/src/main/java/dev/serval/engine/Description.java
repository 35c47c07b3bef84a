package dev.serval.engine;

import dev.serval.api.error.ModelRefusedException;
import dev.serval.api.error.ModelRefusedException.Reason;
import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.graph.Graph;
import dev.serval.api.graph.GraphBuilder;
import dev.serval.api.graph.NamedValue;
import dev.serval.api.graph.OutputKind;
import dev.serval.api.model.ChatFormat;
import dev.serval.api.model.ModelArchitecture;
import dev.serval.api.model.ModelSource;
import dev.serval.api.runtime.TensorInspection;
import dev.serval.api.text.Tokenizer;
import dev.serval.engine.inspect.Selection;
import dev.serval.engine.tokenizer.Tokenizers;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a model bundle said about a file.
 *
 * @param source the file as the bundle wants it read
 * @param graph one forward pass, which hands out what somebody wants to look at
 * @param inspected those values
 * @param tokenizer text to ids and back
 * @param chatFormat conversation to prompt, guarded against the bundle's exceptions
 * @param textPrefixes what comes before texts to embed, by task
 * @param trainedContext tokens the model was trained for
 * @param bundle package of the architecture's class
 */
record Description(
    ModelSource source,
    Graph graph,
    List<NamedValue> inspected,
    Tokenizer tokenizer,
    Optional<ChatFormat> chatFormat,
    Map<String, String> textPrefixes,
    int trainedContext,
    String bundle) {

  /**
   * Asks the architecture that knows a file.
   *
   * @param inspection what somebody wants to look at
   * @throws ModelRefusedException if none does, or what it says is of no use
   * @throws RequestRejectedException if there is nothing like what is to be looked at
   */
  static Description of(
      ArchitectureRegistry architectures, ModelSource raw, Optional<TensorInspection> inspection) {
    ModelArchitecture a = architectures.choose(raw);
    ModelSource source = ArchitectureRegistry.call(a, "normalise", () -> a.normalise(raw));
    Graph graph =
        ArchitectureRegistry.call(
            a,
            "describe",
            () -> {
              GraphBuilder g = new GraphBuilder();
              a.describe(source, g);
              return g.build();
            });
    if (graph.wholeSequences() != (graph.outputKind() == OutputKind.POOLED)) {
      throw new ModelRefusedException(
          Reason.NO_BACKEND,
          source.name()
              + ": expected a model that continues texts, or pools whole ones; "
              + source.architecture()
              + " makes "
              + graph.outputKind()
              + (graph.wholeSequences() ? " of whole sequences" : ""));
    }
    Selection selection = Selection.of(graph, inspection);
    return new Description(
        source,
        selection.graph(),
        selection.values(),
        ArchitectureRegistry.call(a, "tokenizer", () -> a.tokenizer(source, new Tokenizers())),
        ArchitectureRegistry.call(a, "chatFormat", () -> a.chatFormat(source))
            .map(f -> new GuardedChatFormat(source.name(), f)),
        ArchitectureRegistry.call(
            a, "textPrefixes", () -> new LinkedHashMap<>(a.textPrefixes(source))),
        ArchitectureRegistry.call(a, "trainedContext", () -> a.trainedContext(source)),
        a.getClass().getPackageName());
  }

  /** Name from the file, or the file's name. */
  String name() {
    return source.metadata().text("general.name").orElse(source.name());
  }
}
