package dev.serval.engine.inspect;

import dev.serval.api.error.RequestRejectedException;
import dev.serval.api.error.RequestRejectedException.Reason;
import dev.serval.api.graph.Graph;
import dev.serval.api.graph.NamedValue;
import dev.serval.api.runtime.TensorInspection;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The values that an inspection asks for.
 *
 * @param graph the graph that hands them out
 * @param values in execution order
 */
public record Selection(Graph graph, List<NamedValue> values) {

  /** Names that a refusal offers. */
  private static final int MAX_NEAREST = 6;

  /** Copies the list. */
  public Selection {
    values = List.copyOf(values);
  }

  /**
   * Finds the values; none of the graph as it is if nobody asks.
   *
   * @param graph as the model described it
   * @throws RequestRejectedException ({@code OPTION_INVALID}) if a pattern matches no value, naming
   *     some that are like it
   */
  public static Selection of(Graph graph, Optional<TensorInspection> inspection) {
    return inspection.map(i -> of(graph, i)).orElseGet(() -> new Selection(graph, List.of()));
  }

  private static Selection of(Graph graph, TensorInspection asked) {
    List<NamedValue> candidates =
        graph.namedValues().stream().filter(v -> isIn(asked.layers(), v)).toList();
    Set<NamedValue> found = new HashSet<>();
    for (String text : asked.patterns()) {
      NamePattern pattern = new NamePattern(text);
      List<NamedValue> matches =
          candidates.stream().filter(v -> pattern.matches(v.name())).toList();
      if (matches.isEmpty()) {
        throw new RequestRejectedException(
            Reason.OPTION_INVALID, noMatch(graph, asked, candidates, pattern));
      }
      found.addAll(matches);
    }
    List<NamedValue> chosen = candidates.stream().filter(found::contains).toList();
    return new Selection(graph.observing(chosen.stream().map(NamedValue::value).toList()), chosen);
  }

  private static boolean isIn(Set<Integer> layers, NamedValue v) {
    return layers.isEmpty() || v.layer().stream().anyMatch(layers::contains);
  }

  private static String noMatch(
      Graph graph, TensorInspection asked, List<NamedValue> candidates, NamePattern pattern) {
    String where =
        asked.layers().isEmpty() ? "" : " in layers " + asked.layers().stream().sorted().toList();
    List<NamedValue> all = candidates.isEmpty() ? graph.namedValues() : candidates;
    List<String> nearest =
        pattern.nearest(all.stream().map(NamedValue::name).toList(), MAX_NEAREST);
    return "inspection: pattern \""
        + pattern.text()
        + "\" matches none of "
        + candidates.size()
        + " values"
        + where
        + "; nearest names: "
        + String.join(", ", nearest);
  }
}
