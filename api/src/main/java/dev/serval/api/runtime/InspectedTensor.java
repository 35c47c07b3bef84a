package dev.serval.api.runtime;

import dev.serval.api.tensor.DataType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.OptionalInt;

/**
 * A value that one step of a model computed. A step holds tokens of every text that runs, so the
 * value may have rows of several.
 *
 * @param step number of the step, of those that are looked at since the model was loaded, from 0
 * @param name name of the value in the model's graph
 * @param layer number of the layer that makes it; absent outside layers
 * @param op name of the op that makes it
 * @param type {@link DataType#F32} or {@link DataType#I32}
 * @param shape sizes in this step, outermost first; never empty
 * @param rows whose the rows of the first dimension are, in order; empty where that counts no
 *     tokens
 * @param data the elements, row-major in native order, 4 bytes each; read-only, valid during the
 *     call that hands it over
 */
public record InspectedTensor(
    long step,
    String name,
    OptionalInt layer,
    String op,
    DataType type,
    List<Integer> shape,
    List<Rows> rows,
    MemorySegment data) {

  /**
   * Rows one after the other that belong to neighbouring tokens of one text.
   *
   * @param sequence number of the text among those that the model holds now
   * @param position position of the first token in its text; of a pooled row the last one
   * @param count how many
   */
  public record Rows(int sequence, int position, int count) {}

  /** Copies the lists. */
  public InspectedTensor {
    shape = List.copyOf(shape);
    rows = List.copyOf(rows);
  }

  /** Number of elements. */
  public long elements() {
    return data.byteSize() / Float.BYTES;
  }

  /** Element {@code i} of all, exactly. */
  public double element(long i) {
    return type == DataType.F32
        ? data.getAtIndex(ValueLayout.JAVA_FLOAT, i)
        : data.getAtIndex(ValueLayout.JAVA_INT, i);
  }
}
