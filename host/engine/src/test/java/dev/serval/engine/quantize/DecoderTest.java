package dev.serval.engine.quantize;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.tensor.DataType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Bits of the reference decoders: check sums of a probe block, made with gguf-py. */
class DecoderTest {

  private static final int BLOCKS = 2;

  /** One block of bytes (37·i + 11) mod 256 with its scale and minimum set, twice. */
  private static byte[] probe(DataType type, int dAt, int minAt, String d, String min) {
    byte[] block = new byte[type.blockBytes()];
    for (int i = 0; i < block.length; i++) {
      block[i] = (byte) (37 * i + 11);
    }
    byte[] scale = HexFormat.of().parseHex(d);
    System.arraycopy(scale, 0, block, dAt, scale.length);
    if (minAt >= 0) {
      System.arraycopy(HexFormat.of().parseHex(min), 0, block, minAt, 2);
    }
    byte[] all = Arrays.copyOf(block, BLOCKS * block.length);
    System.arraycopy(block, 0, all, block.length, block.length);
    return all;
  }

  private static String crc(DataType type, byte[] bytes) {
    int n = BLOCKS * type.blockLength();
    float[] values = new float[n];
    Decoder.of(type).orElseThrow().decode(bytes, values, n);
    assertArrayEquals(
        Arrays.copyOf(values, n / 2), Arrays.copyOfRange(values, n / 2, n), "both blocks alike");
    ByteBuffer b = ByteBuffer.allocate(2 * n).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < n / 2; i++) {
      b.putFloat(values[i]);
    }
    CRC32 crc = new CRC32();
    crc.update(b.array());
    return HexFormat.of().toHexDigits((int) crc.getValue());
  }

  @ParameterizedTest
  @CsvSource({
    // type, offset of d, offset of the minimum, check sums with (1, 0.5) and (0.01, 0.005)
    "Q4_0, 0, -1, 4a5055fd, 715819e6",
    "Q4_1, 0, 2, cfc74bef, 83b61b39",
    "Q5_0, 0, -1, 79815bb9, 85b00d8f",
    "Q5_1, 0, 2, 7cf668d2, c3a91027",
    "Q8_0, 0, -1, 7e733bfa, bf8a965e",
    "IQ4_NL, 0, -1, 27bc646e, 765f23cd",
    "Q2_K, 80, 82, 8d2c6be8, 9e6a25af",
    "Q3_K, 108, -1, c1029dac, 1f050013",
    "Q4_K, 0, 2, 5c4c0a49, 59ee66b6",
    "Q5_K, 0, 2, 0e9ce32f, 1990c248",
    "Q6_K, 208, -1, a84ce1f7, bd21c259",
    "IQ4_XS, 0, -1, 59b1032b, 4ddaa342"
  })
  void decodesTheProbe(DataType type, int dAt, int minAt, String crcA, String crcB) {
    assertEquals(crcA, crc(type, probe(type, dAt, minAt, "003c", "0038")));
    assertEquals(crcB, crc(type, probe(type, dAt, minAt, "1f21", "0c1d")));
  }

  @Test
  void decodesTheProbeOfMxfp4() {
    assertEquals("a8bddec7", crc(DataType.MXFP4, probe(DataType.MXFP4, 0, -1, "7f", "")));
    assertEquals("191b8a41", crc(DataType.MXFP4, probe(DataType.MXFP4, 0, -1, "78", "")));
  }

  @Test
  void decodesSubnormalScalesOfMxfp4() {
    assertEquals(0x1p-128f, Mxfp4.scale(0));
    assertEquals(0x1p-127f, Mxfp4.scale(1));
    assertEquals(0x1p-126f, Mxfp4.scale(2));
    assertEquals(0x1p127f, Mxfp4.scale(255));
  }

  @Test
  void decodesPlainTypes() {
    float[] out = new float[2];
    Decoder.of(DataType.F32)
        .orElseThrow()
        .decode(HexFormat.of().parseHex("0000803f000020c0"), out, 2);
    assertArrayEquals(new float[] {1, -2.5f}, out);
    Decoder.of(DataType.F16).orElseThrow().decode(HexFormat.of().parseHex("003c00c1"), out, 2);
    assertArrayEquals(new float[] {1, -2.5f}, out);
    Decoder.of(DataType.BF16).orElseThrow().decode(HexFormat.of().parseHex("803f20c0"), out, 2);
    assertArrayEquals(new float[] {1, -2.5f}, out);
  }

  @Test
  void hasNoDecoderForOtherTypes() {
    assertTrue(Decoder.of(DataType.IQ1_M).isEmpty());
  }
}
