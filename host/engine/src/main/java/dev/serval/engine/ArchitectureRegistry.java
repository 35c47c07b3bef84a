package dev.serval.engine;

import dev.serval.api.error.ModelRefusedException;
import dev.serval.api.error.ModelRefusedException.Reason;
import dev.serval.api.error.ServalException;
import dev.serval.api.model.Match;
import dev.serval.api.model.Metadata;
import dev.serval.api.model.ModelArchitecture;
import dev.serval.api.model.ModelSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The model architectures that are installed now. Thread-safe. */
final class ArchitectureRegistry {

  private final List<ModelArchitecture> installed = new CopyOnWriteArrayList<>();

  void add(ModelArchitecture architecture) {
    installed.add(architecture);
  }

  void remove(ModelArchitecture architecture) {
    installed.remove(architecture);
  }

  /** Names that the installed architectures serve, sorted, each once. */
  List<String> names() {
    return installed.stream().flatMap(a -> names(a).stream()).distinct().sorted().toList();
  }

  private static List<String> names(ModelArchitecture a) {
    try {
      return call(a, "names", a::names);
    } catch (ServalException e) {
      return List.of(a.getClass().getName());
    }
  }

  /**
   * The architecture that understands a file best.
   *
   * @throws ModelRefusedException ({@code ARCHITECTURE_UNKNOWN}) naming the file's architecture,
   *     and what is installed with its reasons
   */
  ModelArchitecture choose(ModelSource source) {
    @Nullable ModelArchitecture best = null;
    int bestScore = 0;
    List<String> refusals = new ArrayList<>();
    for (ModelArchitecture a : installed) {
      switch (match(a, source)) {
        case Match.Yes yes -> {
          if (yes.score() > bestScore) {
            best = a;
            bestScore = yes.score();
          }
        }
        case Match.No no ->
            refusals.add(
                String.join(", ", names(a)) + " refuses: " + String.join("; ", no.reasons()));
      }
    }
    if (best != null) {
      return best;
    }
    String wanted = source.metadata().text(Metadata.ARCHITECTURE).orElse("(none)");
    throw new ModelRefusedException(
        Reason.ARCHITECTURE_UNKNOWN,
        source.name()
            + ": architecture "
            + wanted
            + "; installed: "
            + (installed.isEmpty() ? "none" : String.join(", ", names()))
            + (refusals.isEmpty() ? "" : " (" + String.join("; ", refusals) + ")"));
  }

  private static Match match(ModelArchitecture a, ModelSource source) {
    try {
      return call(a, "match", () -> a.match(source));
    } catch (ServalException e) {
      return Match.no(String.valueOf(e.getMessage()));
    }
  }

  /**
   * Calls a plugin. What it throws that is not a {@link ServalException} becomes a refusal with the
   * text only: an exception of a bundle must not outlive the call.
   */
  static <T> T call(ModelArchitecture a, String what, Supplier<T> body) {
    try {
      return body.get();
    } catch (ServalException e) {
      throw e;
    } catch (RuntimeException | LinkageError e) {
      throw new ModelRefusedException(
          Reason.PLUGIN_FAILED,
          "architecture " + a.getClass().getName() + " failed in " + what + ": " + e);
    }
  }
}
