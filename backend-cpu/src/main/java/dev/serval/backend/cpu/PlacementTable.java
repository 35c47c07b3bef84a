package dev.serval.backend.cpu;

import dev.serval.api.backend.CompileSpec;
import dev.serval.api.graph.Graph;
import dev.serval.api.memory.BufferPool;
import dev.serval.api.memory.MemoryBudget;
import dev.serval.api.tensor.TensorView;
import dev.serval.api.tensor.Weights;
import dev.serval.backend.cpu.layout.WeightLayout;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The placed weights of a backend: placements of the same weights for the same graph share their
 * memory, counted by references. Thread-safe; placing one set of weights does not hold up another.
 */
final class PlacementTable {

  /**
   * What makes two placements the same. The source, pool and budget count by identity; the list of
   * weights tells the stages of one graph apart.
   */
  private record Key(
      Weights source,
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
          && k.digest.equals(digest)
          && k.weights.equals(weights);
    }

    @Override
    public int hashCode() {
      return 31 * System.identityHashCode(source) + digest.hashCode();
    }
  }

  /** One set of weights and the number of placements that use it. */
  private static final class Entry {
    private int users;
    private final Lazy weights = new Lazy();
  }

  /** Weights that the first user makes while the others wait. */
  private static final class Lazy {
    private @Nullable PlacedWeights made;

    synchronized PlacedWeights get(Supplier<PlacedWeights> maker) {
      PlacedWeights w = made;
      if (w == null) {
        w = maker.get();
        made = w;
      }
      return w;
    }

    synchronized void close() {
      PlacedWeights w = made;
      if (w != null) {
        made = null;
        w.close();
      }
    }
  }

  private final Map<Key, Entry> entries = new HashMap<>();
  private final CpuDevice device;

  PlacementTable(CpuDevice device) {
    this.device = device;
  }

  /**
   * Places the weights of a lowered graph, or joins those who did.
   *
   * @param lowered the graph
   * @param resources where memory comes from
   */
  CpuPlacement place(Weights source, Graph lowered, CompileSpec.Resources resources) {
    Key key =
        new Key(source, lowered.digest(), lowered.weights(), resources.pool(), resources.budget());
    Entry entry;
    synchronized (entries) {
      entry = entries.computeIfAbsent(key, k -> new Entry());
      entry.users++;
    }
    boolean placed = false;
    try {
      PlacedWeights weights = entry.weights.get(() -> fill(source, lowered, resources));
      placed = true;
      return new CpuPlacement(device.description(), lowered.digest(), weights, () -> leave(key));
    } finally {
      if (!placed) {
        leave(key);
      }
    }
  }

  private PlacedWeights fill(Weights source, Graph lowered, CompileSpec.Resources resources) {
    PlacedWeights weights = new PlacedWeights(source, new WeightLayout(lowered), resources);
    boolean filled = false;
    try {
      weights.fill(device);
      filled = true;
      return weights;
    } finally {
      if (!filled) {
        weights.close();
      }
    }
  }

  private void leave(Key key) {
    Entry entry;
    synchronized (entries) {
      entry = entries.get(key);
      if (entry == null || --entry.users > 0) {
        return;
      }
      entries.remove(key);
    }
    entry.weights.close();
  }
}
