package dev.serval.engine.quantize;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.tensor.DataType;
import java.util.Arrays;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Bytes of the reference quantizers: worked examples made with gguf-py, and the edges. */
class EncoderTest {

  private static final HexFormat HEX = HexFormat.of();
  private static final int BLOCK = 32;

  /** x[i] = (−1)^i · (i/8 − 1.5). */
  private static float[] example() {
    float[] x = new float[BLOCK];
    for (int i = 0; i < BLOCK; i++) {
      x[i] = (i % 2 == 0 ? 1 : -1) * (i / 8f - 1.5f);
    }
    return x;
  }

  private static byte[] encode(DataType type, float... values) {
    byte[] target = new byte[(int) type.bytes(values.length)];
    assertEquals(
        Encoder.FITS, Encoder.of(type).orElseThrow().encode(values, values.length, target));
    return target;
  }

  private static String hex(DataType type, float... values) {
    return HEX.formatHex(encode(type, values));
  }

  private static float[] decode(DataType type, byte[] bytes) {
    float[] values = new float[BLOCK];
    Decoder.of(type).orElseThrow().decode(bytes, values, BLOCK);
    return values;
  }

  private static float[] block(float... first) {
    return Arrays.copyOf(first, BLOCK);
  }

  private static float[] filled(float value) {
    float[] x = new float[BLOCK];
    Arrays.fill(x, value);
    return x;
  }

  @ParameterizedTest
  @CsvSource({
    "Q8_0, ca24b04abd3ccb2fd821e514f30700f90dec1bdf28d135c443b650a95e9c6b8e7881",
    "Q4_0, c034a36db45cb54bc53ad639e728f818f907",
    "MXFP4, 7e2da53cb44cc34bd25ad159e060e061e9"
  })
  void encodesTheWorkedExample(DataType type, String expected) {
    assertEquals(expected, hex(type, example()));
  }

  @ParameterizedTest
  @CsvSource({
    "F16, 1.0, 003c",
    "F16, -2.5, 00c1",
    "F16, 0.1, 662e",
    "F16, 65504, ff7b",
    "F16, 6e-8, 0100",
    "F16, 2e-8, 0000",
    "BF16, 1.0, 803f",
    "BF16, -2.5, 20c0",
    "BF16, 3.140625, 4940",
    "BF16, 0.1, cd3d",
    "BF16, 1.00390625, 803f",
    "BF16, 1.01171875, 823f",
    "F32, 0.1, cdcccc3d",
    "F32, -0.0, 00000080"
  })
  void encodesPlainTypes(DataType type, float value, String expected) {
    assertEquals(expected, hex(type, value));
  }

  @Test
  void encodesEveryBlockOfManyInItsPlace() {
    float[] two = Arrays.copyOf(example(), 2 * BLOCK);
    for (DataType type : new DataType[] {DataType.Q8_0, DataType.Q4_0, DataType.MXFP4}) {
      String zeros = hex(type, filled(0));
      assertEquals(hex(type, example()) + zeros, hex(type, two));
    }
  }

  @Test
  void encodesZeros() {
    assertEquals("00".repeat(34), hex(DataType.Q8_0, filled(0)));
    assertEquals("00".repeat(17), hex(DataType.MXFP4, filled(0)));
    // 0 / −8 is −0, and nibble 8 is zero
    assertEquals("0080" + "88".repeat(16), hex(DataType.Q4_0, filled(0)));
  }

  @Test
  void roundsQ8HalvesAwayFromZero() {
    // the scale is 1, so that values are quants
    byte[] q = encode(DataType.Q8_0, block(127, 0.5f, -0.5f, 1.5f, 2.5f, -2.5f, 0.49999997f));
    assertArrayEquals(
        new byte[] {0x00, 0x3c, 127, 1, -1, 2, 3, -3, 0}, Arrays.copyOf(q, 9), HEX.formatHex(q));
  }

  @Test
  void takesTheSignOfTheFirstLargestForQ4() {
    // of −2 and 2 the first counts: d = −2 / −8 = 0.25, and d = 2 / −8 = −0.25
    assertEquals("0034", hex(DataType.Q4_0, block(-2, 2)).substring(0, 4));
    assertEquals("00b4", hex(DataType.Q4_0, block(2, -2)).substring(0, 4));
    // the largest is −8 quants, its opposite is cut to 7
    assertArrayEquals(
        new float[] {-2, 1.75f},
        Arrays.copyOf(decode(DataType.Q4_0, encode(DataType.Q4_0, block(-2, 2))), 2));
  }

  @Test
  void cutsQ4TiesUpward() {
    // d = 1: x + 8.5 is cut, so that 0.5 becomes 1 and −0.5 becomes 0
    float[] x = block(-8, 0.5f, -0.5f, 1.5f);
    assertArrayEquals(
        new float[] {-8, 1, 0, 2},
        Arrays.copyOf(decode(DataType.Q4_0, encode(DataType.Q4_0, x)), 4));
  }

  @Test
  void storesScalesThatAreSubnormalHalves() {
    // d = 2^-20 is a subnormal half; quants come from the exact scale
    float d = 0x1p-20f;
    byte[] q8 = encode(DataType.Q8_0, block(127 * d, 3 * d));
    assertEquals("1000" + "7f03", HEX.formatHex(q8, 0, 4));
    byte[] q4 = encode(DataType.Q4_0, block(-8 * d, 3 * d));
    assertEquals("1000" + "80" + "8b", HEX.formatHex(q4, 0, 4));
  }

  @Test
  void keepsQuantsOfScalesTooSmallForAHalf() {
    // d = 2^-30 is zero as a half, and still divides
    float d = 0x1p-30f;
    assertEquals(
        "0000" + "7f03", HEX.formatHex(encode(DataType.Q8_0, block(127 * d, 3 * d)), 0, 4));
  }

  @Test
  void givesZeroQuantsWhereTheScaleCannotDivide() {
    // 1 / d is infinite
    float tiny = Float.MIN_VALUE * 127 * 4;
    assertEquals("00".repeat(34), hex(DataType.Q8_0, block(tiny, -tiny)));
    assertEquals("0080" + "88".repeat(16), hex(DataType.Q4_0, block(Float.MIN_VALUE * 80, 0)));
  }

  @ParameterizedTest
  @CsvSource({
    // largest, exponent byte, code of the largest
    "1.0, 125, 6",
    "0.99999994, 124, 7",
    "2.0, 126, 6",
    "6.0, 127, 7",
    "7.9, 127, 7",
    "8.0, 128, 6",
    "1.4e-45, 0, 0",
    "5.877472e-39, 0, 2",
    "1.17549435e-38, 0, 4",
    "2.3509887e-38, 0, 6",
    "4.7019774e-38, 1, 6",
    "9.403955e-38, 2, 6",
    "1.7014118e38, 252, 6",
    "3.4028235e38, 252, 7"
  })
  void choosesTheScaleOfMxfp4ByTheExponent(float largest, int e, int code) {
    byte[] block = encode(DataType.MXFP4, block(0, -largest));
    assertEquals(e, block[0] & 0xFF, "exponent");
    assertEquals(code == 0 ? 0 : code + 8, block[2] & 15, "code");
  }

  @Test
  void takesTheLowestOfTwoNearestMxfp4Codes() {
    // largest 6: the scale is 1; 2.5 lies between 2 (code 4) and 3 (code 5), 0.25 between 0 and 0.5
    byte[] block = encode(DataType.MXFP4, block(6, 2.5f, -2.5f, 0.25f, -0.25f));
    assertArrayEquals(
        new float[] {6, 2, -2, 0, 0}, Arrays.copyOf(decode(DataType.MXFP4, block), 5));
  }

  @Test
  void everyMxfp4ValueAndScaleSurvives() {
    for (int e = 2; e <= 252; e++) {
      float[] x = new float[BLOCK];
      for (int code = 0; code < Mxfp4.CODES; code++) {
        x[code] = Mxfp4.doubled(code) * Mxfp4.scale(e);
      }
      assertArrayEquals(x, decode(DataType.MXFP4, encode(DataType.MXFP4, x)), "scale " + e);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "F16, 65520",
    "F16, -1e10",
    "BF16, 3.4028235e38",
    "BF16, -3.4028235e38",
    "Q8_0, 1e7",
    "Q4_0, -6e5"
  })
  void tellsTheValueThatDoesNotFit(DataType type, float large) {
    float[] x = block(1, 2, large);
    int at = Encoder.of(type).orElseThrow().encode(x, BLOCK, new byte[4 * BLOCK]);
    assertEquals(2, at);
  }

  @Test
  void hasNoEncoderForOtherTypes() {
    assertTrue(Encoder.of(DataType.Q4_K).isEmpty());
  }
}
