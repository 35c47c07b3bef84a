package dev.serval.api.tensor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class TensorViewTest {

  private static final TensorInfo FUSED = new TensorInfo("qkv", DataType.Q8_0, Shape.of(64, 12));
  private static final TensorInfo EXPERTS =
      new TensorInfo("gate_up", DataType.MXFP4, Shape.of(32, 6, 3));

  private static long[] sourceRows(TensorView v) {
    return LongStream.range(0, v.shape().rows()).map(v::sourceRow).toArray();
  }

  @Test
  void wholeTensorIsItsOwnView() {
    TensorView v = TensorView.of(EXPERTS);
    assertArrayEquals(LongStream.range(0, 18).toArray(), sourceRows(v));
    assertTrue(v.isContiguous());
    assertEquals(17, v.rowBytes());
    assertEquals(18 * 17, v.bytes());
    assertEquals(EXPERTS.bytes(), v.bytes());
  }

  @Test
  void rowRangeSplitsAFusedTensor() {
    TensorView v = TensorView.of(FUSED).rows("k", 8, 10);
    assertArrayEquals(new long[] {8, 9}, sourceRows(v));
    assertEquals(Shape.of(64, 2), v.shape());
    assertEquals("k", v.name());
    assertTrue(v.isContiguous());
  }

  @Test
  void interleavedRowsAreEverySecondOfEachExpert() {
    TensorView all = TensorView.of(EXPERTS);
    TensorView gate = all.everyRow("gate", 0, 2);
    TensorView up = all.everyRow("up", 1, 2);
    assertEquals(Shape.of(32, 3, 3), gate.shape());
    assertArrayEquals(new long[] {0, 2, 4, 6, 8, 10, 12, 14, 16}, sourceRows(gate));
    assertArrayEquals(new long[] {1, 3, 5, 7, 9, 11, 13, 15, 17}, sourceRows(up));
    assertFalse(gate.isContiguous());
  }

  @Test
  void halfOfEachExpertIsAViewInGroups() {
    TensorView all = TensorView.of(EXPERTS);
    TensorView up = all.partOfEach("up", 1, 2);
    assertEquals(Shape.of(32, 3, 3), up.shape());
    assertArrayEquals(new long[] {3, 4, 5, 9, 10, 11, 15, 16, 17}, sourceRows(up));
    assertFalse(up.isContiguous());
    assertThrows(IllegalArgumentException.class, () -> up.rows("again", 0, 1));
    assertThrows(IllegalArgumentException.class, () -> up.everyRow("again", 0, 3));
  }

  @Test
  void viewsOfViewsCompose() {
    TensorView odd = TensorView.of(FUSED).everyRow("odd", 1, 2);
    assertArrayEquals(new long[] {5, 7}, sourceRows(odd.rows("two", 2, 4)));
    assertArrayEquals(new long[] {3, 7, 11}, sourceRows(odd.everyRow("fourth", 1, 2)));
    TensorView stack = TensorView.of(EXPERTS).reshaped(Shape.of(32, 18)).rows("second", 6, 12);
    assertArrayEquals(LongStream.range(6, 12).toArray(), sourceRows(stack));
  }

  @Test
  void reshapeKeepsRows() {
    TensorView v = TensorView.of(EXPERTS);
    assertArrayEquals(sourceRows(v), sourceRows(v.reshaped(Shape.of(32, 9, 2))));
    assertThrows(IllegalArgumentException.class, () -> v.reshaped(Shape.of(64, 9)));
    assertThrows(IllegalArgumentException.class, () -> v.reshaped(Shape.of(32, 17)));
  }

  @Test
  void rowsOutsideTheSourceAreRefusedByName() {
    TensorView v = TensorView.of(FUSED);
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> v.rows("v", 10, 13));
    assertTrue(e.toString().contains("\"qkv\""), e::toString);
    assertThrows(IllegalArgumentException.class, () -> v.everyRow("x", 0, 5));
    assertThrows(IllegalArgumentException.class, () -> v.partOfEach("x", 2, 2));
    IllegalArgumentException past =
        assertThrows(
            IllegalArgumentException.class,
            () -> new TensorView("x", FUSED, Shape.of(64, 7), 0, 2, 7, 0));
    assertTrue(past.toString().contains("last row 12"), past::toString);
  }

  @Test
  void rowsAreWholeBlocks() {
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class,
            () -> new TensorInfo("w", DataType.Q4_0, Shape.of(48, 2)));
    assertTrue(e.toString().contains("\"w\""), e::toString);
  }
}
