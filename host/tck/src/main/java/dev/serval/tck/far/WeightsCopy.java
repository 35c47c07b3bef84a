package dev.serval.tck.far;

import dev.serval.api.backend.CompileSpec;
import dev.serval.api.graph.Graph;
import dev.serval.api.memory.BufferPool;
import dev.serval.api.tensor.TensorInfo;
import dev.serval.api.tensor.TensorView;
import dev.serval.api.tensor.Weights;
import dev.serval.tck.memory.Lease;
import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The tensors that a graph reads, copied to memory of their own. All that a wrapped backend sees of
 * a model file. Read-only once made; thread-safe.
 */
final class WeightsCopy implements Weights, AutoCloseable {

  private final Map<TensorInfo, MemorySegment> data = new LinkedHashMap<>();
  private final Optional<Lease> lease;

  /** Copies the tensors behind a graph's weights. */
  WeightsCopy(Weights weights, Graph graph, CompileSpec.Resources resources) {
    long bytes = bytes(graph);
    lease = bytes == 0 ? Optional.empty() : Optional.of(Lease.of(bytes, "weights", resources));
    boolean copied = false;
    try {
      MemorySegment memory = lease.map(Lease::segment).orElse(MemorySegment.NULL);
      long at = 0;
      for (TensorInfo tensor : tensors(graph)) {
        MemorySegment part = memory.asSlice(at, tensor.bytes());
        data.put(tensor, part.copyFrom(weights.data(tensor)).asReadOnly());
        at += aligned(tensor.bytes());
      }
      copied = true;
    } finally {
      if (!copied) {
        lease.ifPresent(Lease::close);
      }
    }
  }

  private static Set<TensorInfo> tensors(Graph graph) {
    Set<TensorInfo> tensors = new LinkedHashSet<>();
    for (TensorView view : graph.weights()) {
      tensors.add(view.source());
    }
    return tensors;
  }

  private static long bytes(Graph graph) {
    return tensors(graph).stream().mapToLong(t -> aligned(t.bytes())).sum();
  }

  private static long aligned(long n) {
    return (n + BufferPool.ALIGNMENT_BYTES - 1) & -BufferPool.ALIGNMENT_BYTES;
  }

  /** Bytes that a copy of a graph's weights takes, tier rounding included. */
  static long leasedBytes(Graph graph) {
    long bytes = bytes(graph);
    return bytes == 0 ? 0 : BufferPool.leasedBytes(bytes);
  }

  /** Bytes that this copy takes, tier rounding included. */
  long leasedBytes() {
    return lease.map(Lease::leasedBytes).orElse(0L);
  }

  /** Tensors in the copy. */
  int count() {
    return data.size();
  }

  @Override
  public MemorySegment data(TensorInfo tensor) {
    MemorySegment bytes = data.get(tensor);
    if (bytes == null) {
      throw new IllegalArgumentException("not a weight of the placed graph: " + tensor);
    }
    return bytes;
  }

  @Override
  public void close() {
    lease.ifPresent(Lease::close);
  }
}
