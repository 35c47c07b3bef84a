package dev.serval.api.tensor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Sizes follow the block table of GGUF. */
class DataTypeTest {

  @ParameterizedTest
  @CsvSource({
    // type, row, rows, bytes
    "F32, 3, 5, 60",
    "F16, 3, 5, 30",
    "BF16, 3, 5, 30",
    "I32, 3, 5, 60",
    "Q8_0, 1024, 1024, 1114112",
    "Q4_0, 1024, 1024, 589824",
    "Q4_1, 32, 1, 20",
    "Q5_0, 32, 1, 22",
    "Q5_1, 32, 1, 24",
    "Q2_K, 256, 2, 168",
    "Q3_K, 256, 2, 220",
    "Q4_K, 256, 2, 288",
    "Q5_K, 256, 2, 352",
    "Q6_K, 256, 2, 420",
    "IQ4_NL, 64, 1, 36",
    "MXFP4, 2880, 32, 48960",
    "Q8_0, 0, 7, 0",
    "F32, 7, 0, 0"
  })
  void countsBlocksAndNotElements(DataType type, long row, long rows, long bytes) {
    assertEquals(bytes, new TensorInfo("t", type, Shape.of(row, rows)).bytes());
  }

  @Test
  void countsWhatAQuantTakesForItsScales() {
    assertEquals(1.0625, DataType.Q8_0.bytes(32) / 32.0);
    assertEquals(0.5625, DataType.Q4_0.bytes(32) / 32.0);
  }

  @ParameterizedTest
  @EnumSource(DataType.class)
  void refusesRowsThatEndInsideABlock(DataType type) {
    assertEquals(3L * type.blockBytes(), type.bytes(3L * type.blockLength()));
    if (type.isQuantized()) {
      long odd = type.blockLength() + 1L;
      assertThrows(IllegalArgumentException.class, () -> type.bytes(odd));
      assertThrows(
          IllegalArgumentException.class,
          () -> new TensorInfo("t", type, Shape.of(odd, type.blockLength())));
    }
  }

  @Test
  void refusesSizesPastALong() {
    assertThrows(ArithmeticException.class, () -> DataType.F64.bytes(Long.MAX_VALUE / 4));
  }
}
