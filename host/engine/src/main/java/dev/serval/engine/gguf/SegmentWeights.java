package dev.serval.engine.gguf;

import dev.serval.api.tensor.TensorInfo;
import dev.serval.api.tensor.Weights;
import java.lang.foreign.MemorySegment;
import java.util.Map;

/** Tensors and the memory where each lies, which belongs to somebody else. Thread-safe. */
final class SegmentWeights implements Weights {

  private final String file;
  private final Map<TensorInfo, MemorySegment> segments;

  /**
   * Serves tensors.
   *
   * @param file name for messages
   * @param segments read-only memory by tensor; must not change afterwards
   */
  SegmentWeights(String file, Map<TensorInfo, MemorySegment> segments) {
    this.file = file;
    this.segments = segments;
  }

  /**
   * {@inheritDoc}
   *
   * @throws IllegalStateException if the memory was given back
   */
  @Override
  public MemorySegment data(TensorInfo tensor) {
    MemorySegment data = segments.get(tensor);
    if (data == null) {
      throw new IllegalArgumentException(file + " has no tensor " + tensor);
    }
    if (!data.scope().isAlive()) {
      throw new IllegalStateException(file + " is closed: tensor \"" + tensor.name() + "\"");
    }
    return data;
  }
}
