package dev.serval.tck.weights;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.tensor.DataType;
import dev.serval.api.tensor.TensorView;
import dev.serval.tck.ops.Bound;
import dev.serval.tck.reference.RowDecoder;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HexFormat;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Bytes computed with gguf-py. */
class QuantizersTest {

  /** x[i] = (−1)^i · (i/8 − 1.5). */
  private static float[] example() {
    float[] x = new float[32];
    for (int i = 0; i < 32; i++) {
      x[i] = (i % 2 == 0 ? 1 : -1) * (i / 8f - 1.5f);
    }
    return x;
  }

  @ParameterizedTest
  @CsvSource({
    "Q8_0, ca24b04abd3ccb2fd821e514f30700f90dec1bdf28d135c443b650a95e9c6b8e7881",
    "Q4_0, c034a36db45cb54bc53ad639e728f818f907",
    "Q4_1, ef34c0c0936ca45bb44bc53ad629d728e817f906",
    "Q5_0, c030aa5a555536c958a879868b74ad53ce31d02ff20d",
    "Q5_1, c630c0c0aa5a555536c958a779868b74ad52ce31d02ff20d",
    "MXFP4, 7e2da53cb44cc34bd25ad159e060e061e9"
  })
  void workedExampleIsEncodedToTheByte(DataType type, String expected) {
    MemorySegment bytes = MemorySegment.ofArray(new byte[type.blockBytes()]);
    Quantizers.encode(type, example(), bytes);
    assertEquals(expected, HexFormat.of().formatHex(bytes.toArray(ValueLayout.JAVA_BYTE)));
  }

  @Test
  void bf16RoundsToEven() {
    MemorySegment bytes = MemorySegment.ofArray(new byte[6]);
    Quantizers.encode(DataType.BF16, new float[] {0.1f, 0x1.01p0f, -2.5f}, bytes);
    assertEquals("cd3d803f20c0", HexFormat.of().formatHex(bytes.toArray(ValueLayout.JAVA_BYTE)));
  }

  @Test
  void blockOfZerosStaysZero() {
    for (DataType type : Quantizers.types()) {
      float[] out = new float[256];
      MemorySegment bytes = MemorySegment.ofArray(new byte[(int) type.bytes(256)]);
      Quantizers.encode(type, new float[256], bytes);
      RowDecoder.decode(type, bytes, out);
      Bound.EQUAL.check(type.name(), new float[256], out);
    }
  }

  /**
   * Numbers in ±1 are off by half a step, plus what the rounding of scales and minima to small
   * integers adds; numbers past the end of an uneven range by a step.
   */
  @ParameterizedTest
  @CsvSource({
    "Q2_K, 0.42",
    "Q3_K, 0.27",
    "Q4_K, 0.09",
    "Q5_K, 0.05",
    "Q6_K, 0.04",
    "IQ4_NL, 0.11",
    "IQ4_XS, 0.14"
  })
  void encodedNumbersDecodeToTheirNeighbourhood(DataType type, double bound) {
    float[] x = new float[1024];
    SplittableRandom random = new SplittableRandom(5);
    for (int i = 0; i < x.length; i++) {
      x[i] = (float) random.nextDouble(-1, 1);
    }
    MemorySegment bytes = MemorySegment.ofArray(new byte[(int) type.bytes(x.length)]);
    Quantizers.encode(type, x, bytes);
    float[] out = new float[x.length];
    RowDecoder.decode(type, bytes, out);
    Bound.absolute(bound).check(type.name(), x, out);
  }

  @Test
  void numbersThatAreNotFiniteAreRefused() {
    float[] x = example();
    x[7] = Float.NaN;
    MemorySegment bytes = MemorySegment.ofArray(new byte[34]);
    assertThrows(IllegalArgumentException.class, () -> Quantizers.encode(DataType.Q8_0, x, bytes));
  }

  @Test
  void sameSeedGivesTheSameBytes() {
    TestWeights a = new TestWeights(1);
    TestWeights b = new TestWeights(1);
    TensorView x = a.random("x", DataType.Q4_0, 64, 3);
    b.random("x", DataType.Q4_0, 64, 3);
    assertEquals(-1, a.data(x.source()).mismatch(b.data(x.source())));
    TestWeights c = new TestWeights(2);
    c.random("x", DataType.Q4_0, 64, 3);
    assertTrue(a.data(x.source()).mismatch(c.data(x.source())) >= 0);
  }
}
