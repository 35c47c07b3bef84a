package dev.serval.api.tensor;

import java.util.Objects;

/**
 * A tensor of a model file: its name, element type and shape.
 *
 * @param name name in the file
 * @param type element type
 * @param shape sizes, fastest first; {@code ne0} is a multiple of the type's block length
 */
public record TensorInfo(String name, DataType type, Shape shape) {

  /** Checks that rows consist of whole blocks. */
  public TensorInfo {
    Objects.requireNonNull(name);
    if (shape.ne0() % type.blockLength() != 0) {
      throw new IllegalArgumentException(
          "tensor \""
              + name
              + "\": row length "
              + shape.ne0()
              + " is not a multiple of the block length "
              + type.blockLength()
              + " of "
              + type);
    }
  }

  /** Bytes of one row of {@code ne0} elements. */
  public long rowBytes() {
    return type.bytes(shape.ne0());
  }

  /** Bytes of the whole tensor. */
  public long bytes() {
    return Math.multiplyExact(rowBytes(), shape.rows());
  }
}
