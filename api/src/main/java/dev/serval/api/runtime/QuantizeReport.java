package dev.serval.api.runtime;

import dev.serval.api.tensor.DataType;
import java.util.List;

/**
 * What was written.
 *
 * @param inputBytes size of the tensors that were read
 * @param outputBytes size of the file that was written
 * @param nanos time it took, until the file was on disk under its name
 * @param tensors what became of each tensor, in file order
 */
public record QuantizeReport(
    long inputBytes, long outputBytes, long nanos, List<Converted> tensors) {

  /**
   * What became of a tensor.
   *
   * @param name name in both files
   * @param from type in the input
   * @param to type in the output
   * @param reason why it has not the type that was asked for; empty if it has
   */
  public record Converted(String name, DataType from, DataType to, String reason) {}

  /** Copies the list. */
  public QuantizeReport {
    tensors = List.copyOf(tensors);
  }
}
