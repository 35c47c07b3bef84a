package dev.serval.engine.gguf;

import dev.serval.api.tensor.TensorInfo;
import dev.serval.api.tensor.Weights;
import dev.serval.engine.gguf.TensorTable.Stored;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

/** Tensor data in a mapped file. Thread-safe; the mapping belongs to {@link GgufFile}. */
final class MappedWeights implements Weights {

  private final String file;
  private final MemorySegment data;
  private final Map<String, Stored> byName;

  /**
   * Serves tensors from a data section.
   *
   * @param file name for messages
   * @param data the data section up to the end of the last tensor
   */
  MappedWeights(String file, MemorySegment data, TensorTable tensors) {
    this.file = file;
    this.data = data.asReadOnly();
    this.byName =
        tensors.tensors().stream()
            .collect(Collectors.toUnmodifiableMap(t -> t.info().name(), Function.identity()));
  }

  /**
   * {@inheritDoc}
   *
   * @throws IllegalStateException if the file is closed
   */
  @Override
  public MemorySegment data(TensorInfo tensor) {
    Stored stored = byName.get(tensor.name());
    if (stored == null || !stored.info().equals(tensor)) {
      throw new IllegalArgumentException(file + " has no tensor " + tensor);
    }
    if (!data.scope().isAlive()) {
      throw new IllegalStateException(file + " is closed: tensor \"" + tensor.name() + "\"");
    }
    long bytes = tensor.bytes();
    return data.asSlice(bytes == 0 ? 0 : stored.offset(), bytes);
  }
}
