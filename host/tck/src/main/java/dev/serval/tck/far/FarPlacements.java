package dev.serval.tck.far;

import dev.serval.api.backend.Backend;
import dev.serval.api.backend.CompileSpec;
import dev.serval.api.backend.Placement;
import dev.serval.api.graph.Graph;
import dev.serval.api.memory.BufferPool;
import dev.serval.api.memory.MemoryBudget;
import dev.serval.api.tensor.TensorView;
import dev.serval.api.tensor.Weights;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The copies of weights that are in use: placements of the same weights, graph and device share
 * one, counted by references. Thread-safe.
 */
final class FarPlacements {

  /**
   * What makes two placements the same. Source, pool and budget count by identity; the list of
   * weights tells the stages of a graph apart.
   */
  private record Key(
      Weights source,
      String device,
      String digest,
      List<TensorView> weights,
      BufferPool pool,
      MemoryBudget budget) {

    @Override
    @SuppressWarnings("ReferenceEquality") // two files, pools or budgets are never interchangeable
    public boolean equals(Object o) {
      return o instanceof Key k
          && k.source == source
          && k.pool == pool
          && k.budget == budget
          && k.device.equals(device)
          && k.digest.equals(digest)
          && k.weights.equals(weights);
    }

    @Override
    public int hashCode() {
      return 31 * System.identityHashCode(source) + digest.hashCode();
    }
  }

  private static final class Entry {
    private final WeightsCopy copy;
    private int users;

    Entry(WeightsCopy copy) {
      this.copy = copy;
    }
  }

  private final Map<Key, Entry> entries = new HashMap<>();

  FarPlacements() {}

  /** Copies the weights of a graph, or finds them copied, and places the copy. */
  synchronized FarPlacement place(
      Backend inner, Weights weights, Graph graph, CompileSpec spec, FarDevice device) {
    CompileSpec.Resources r = spec.resources();
    Key key =
        new Key(
            weights,
            device.description().id(),
            graph.digest(),
            graph.weights(),
            r.pool(),
            r.budget());
    Entry entry = entries.computeIfAbsent(key, _ -> new Entry(new WeightsCopy(weights, graph, r)));
    entry.users++;
    boolean placed = false;
    try {
      Placement there = device.call(() -> inner.place(entry.copy, graph, spec, device.there()));
      placed = true;
      return new FarPlacement(device, entry.copy, there, () -> leave(key, entry));
    } finally {
      if (!placed) {
        leave(key, entry);
      }
    }
  }

  private synchronized void leave(Key key, Entry entry) {
    if (--entry.users == 0) {
      entries.remove(key);
      entry.copy.close();
    }
  }
}
