package dev.serval.api.runtime;

import dev.serval.api.tensor.DataType;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;

/**
 * A model file to write with its weights in another type.
 *
 * @param input the model, in one file or split
 * @param output the file to write
 * @param type element type of its matrices, one of {@link #TYPES}
 * @param overwrite whether an existing output is replaced
 */
public record QuantizeRequest(Path input, Path output, DataType type, boolean overwrite) {

  /** The types that weights can be written in. */
  public static final List<DataType> TYPES =
      List.of(DataType.F16, DataType.BF16, DataType.Q8_0, DataType.Q4_0, DataType.MXFP4);

  /** Checks the type. */
  public QuantizeRequest {
    Objects.requireNonNull(input);
    Objects.requireNonNull(output);
    if (!TYPES.contains(type)) {
      throw new IllegalArgumentException("type: expected one of " + TYPES + ", got " + type);
    }
  }
}
