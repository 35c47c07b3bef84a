package dev.serval.engine.gguf;

import dev.serval.api.tensor.TensorInfo;
import dev.serval.api.tensor.Weights;
import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The tensors that a graph uses, mapped or copied as a {@link WeightLoad} planned. Reading is
 * thread-safe; closed once, by its owner, after everything that was placed from it.
 */
public final class LoadedWeights implements Weights, AutoCloseable {

  private final String file;
  private final Map<TensorInfo, MemorySegment> lasting;
  private final Optional<TensorCopies> kept;
  private Optional<TensorCopies> passing;
  private volatile SegmentWeights readable;

  /**
   * Takes over copies.
   *
   * @param file name for messages
   * @param mapped read-only segments of mapped tensors, which are somebody else's
   * @param kept copies to be closed in the end
   * @param passing copies to be closed when the weights are placed
   */
  LoadedWeights(
      String file,
      Map<TensorInfo, MemorySegment> mapped,
      Optional<TensorCopies> kept,
      Optional<TensorCopies> passing) {
    this.file = file;
    this.kept = kept;
    this.passing = passing;
    lasting = new LinkedHashMap<>(mapped);
    kept.ifPresent(c -> addTo(lasting, c));
    Map<TensorInfo, MemorySegment> all = new LinkedHashMap<>(lasting);
    passing.ifPresent(c -> addTo(all, c));
    readable = new SegmentWeights(file, all);
  }

  private static void addTo(Map<TensorInfo, MemorySegment> segments, TensorCopies copies) {
    copies.segments().forEach((tensor, memory) -> segments.put(tensor, memory.asReadOnly()));
  }

  @Override
  public MemorySegment data(TensorInfo tensor) {
    return readable.data(tensor);
  }

  /** Gives back the copies of tensors that a backend has re-laid; they cannot be read any more. */
  public synchronized void placed() {
    readable = new SegmentWeights(file, lasting);
    passing.ifPresent(TensorCopies::close);
    passing = Optional.empty();
  }

  /** Bytes of copies leased until {@link #close}, tier rounding included. */
  public long keptBytes() {
    return kept.map(TensorCopies::leasedBytes).orElse(0L);
  }

  @Override
  public synchronized void close() {
    placed();
    kept.ifPresent(TensorCopies::close);
  }
}
