package dev.serval.api.tensor;

import java.lang.foreign.MemorySegment;
import org.osgi.annotation.versioning.ProviderType;

/**
 * The bytes behind the tensors of one model file. Backends read them when they place a graph; model
 * plugins never see them.
 *
 * <p>Thread-safe. Segments of tensors that a backend uses in place stay readable until the engine
 * closes the model, which it does only after every placement made from these weights is closed;
 * those of the others until the weights are placed.
 */
@ProviderType
public interface Weights {

  /**
   * All rows of a tensor in file layout.
   *
   * @return read-only, little-endian, {@link TensorInfo#bytes()} long, not necessarily aligned
   * @throws IllegalArgumentException if the file has no such tensor
   */
  MemorySegment data(TensorInfo tensor);

  /**
   * One row of a view.
   *
   * @param view window on a tensor of this file
   * @param row 0 until {@code view.shape().rows()}
   * @return read-only, {@link TensorView#rowBytes()} long
   */
  default MemorySegment row(TensorView view, long row) {
    long bytes = view.rowBytes();
    return data(view.source()).asSlice(view.sourceRow(row) * bytes, bytes);
  }
}
