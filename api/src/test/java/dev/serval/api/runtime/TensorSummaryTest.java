package dev.serval.api.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.serval.api.tensor.DataType;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import org.junit.jupiter.api.Test;

class TensorSummaryTest {

  private static InspectedTensor tensor(DataType type, MemorySegment data) {
    return new InspectedTensor(
        0, "x", OptionalInt.of(3), "add", type, List.of(1), List.of(), data.asReadOnly());
  }

  private static InspectedTensor floats(float... elements) {
    return tensor(DataType.F32, MemorySegment.ofArray(elements));
  }

  @Test
  void tellsExtremesMeanAndEnds() {
    TensorSummary s = TensorSummary.of(floats(3, -1.5f, 0.25f, 7, 2), 2);
    assertEquals(
        new TensorSummary(-1.5, 7, 10.75 / 5, 0, List.of(3.0, -1.5), List.of(7.0, 2.0)), s);
  }

  @Test
  void leavesOutAndCountsWhatIsNotFinite() {
    TensorSummary s =
        TensorSummary.of(
            floats(Float.NaN, 4, Float.POSITIVE_INFINITY, 2, Float.NEGATIVE_INFINITY), 1);
    assertEquals(
        new TensorSummary(2, 4, 3, 3, List.of(Double.NaN), List.of(Double.NEGATIVE_INFINITY)), s);
    TensorSummary none = TensorSummary.of(floats(Float.NaN), 0);
    assertEquals(
        new TensorSummary(Double.NaN, Double.NaN, Double.NaN, 1, List.of(), List.of()), none);
  }

  @Test
  void takesIntegersAsTheyAreAndFewElementsTwice() {
    MemorySegment data = MemorySegment.ofArray(new int[] {Integer.MAX_VALUE, -5});
    TensorSummary s = TensorSummary.of(tensor(DataType.I32, data), 3);
    List<Double> both = List.of(2147483647.0, -5.0);
    assertEquals(new TensorSummary(-5, 2147483647.0, 2147483642.0 / 2, 0, both, both), s);
  }

  @Test
  void emptyTensorHasNoNumbers() {
    TensorSummary s = TensorSummary.of(floats(), 3);
    assertEquals(new TensorSummary(Double.NaN, Double.NaN, Double.NaN, 0, List.of(), List.of()), s);
  }

  @Test
  void inspectionNeedsAPattern() {
    assertThrows(
        IllegalArgumentException.class,
        () -> new TensorInspection(List.of(), Set.of(), tensor -> {}));
  }
}
