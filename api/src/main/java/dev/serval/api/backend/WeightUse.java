package dev.serval.api.backend;

import dev.serval.api.graph.Graph;
import dev.serval.api.tensor.TensorInfo;
import dev.serval.api.tensor.TensorView;
import dev.serval.api.tensor.Weights;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.Set;

/**
 * What a backend does with the tensors behind a graph's weights. Each is in one set or in both.
 *
 * @param inPlace read from {@link Weights} by placements and programs as long as they live
 * @param relaid read by {@link Backend#place} only, which re-lays, converts or uploads them; after
 *     it returned, memory of those that are not in place may be given back
 */
public record WeightUse(Set<TensorInfo> inPlace, Set<TensorInfo> relaid) {

  /** Copies the sets. */
  public WeightUse {
    inPlace = Collections.unmodifiableSet(new LinkedHashSet<>(inPlace));
    relaid = Collections.unmodifiableSet(new LinkedHashSet<>(relaid));
  }

  /** Every tensor in place. */
  public static WeightUse allInPlace(Graph graph) {
    return new WeightUse(tensors(graph), Set.of());
  }

  /** Every tensor re-laid. */
  public static WeightUse allRelaid(Graph graph) {
    return new WeightUse(Set.of(), tensors(graph));
  }

  private static Set<TensorInfo> tensors(Graph graph) {
    Set<TensorInfo> tensors = new LinkedHashSet<>();
    for (TensorView view : graph.weights()) {
      tensors.add(view.source());
    }
    return tensors;
  }

  /** Every tensor that is used. */
  public Set<TensorInfo> all() {
    Set<TensorInfo> all = new LinkedHashSet<>(inPlace);
    all.addAll(relaid);
    return all;
  }
}
