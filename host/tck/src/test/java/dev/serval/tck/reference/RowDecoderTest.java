package dev.serval.tck.reference;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.serval.api.tensor.DataType;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Checksums and examples computed with gguf-py and numpy. */
class RowDecoderTest {

  @ParameterizedTest
  @CsvSource({
    "Q4_0, 4a5055fd, 715819e6, -3, -21",
    "Q4_1, cfc74bef, 83b61b39, 15.5, 261",
    "Q5_0, 79815bb9, 85b00d8f, 9, 15",
    "Q5_1, 7cf668d2, c3a91027, 19.5, 521",
    "Q8_0, 7e733bfa, bf8a965e, 85, -176",
    "Q2_K, 8d2c6be8, 9e6a25af, 33, 2059",
    "Q3_K, c1029dac, 1f050013, 81, 958",
    "Q4_K, 5c4c0a49, 59ee66b6, 315.5, 54440",
    "Q5_K, 0e9ce32f, 1990c248, 811.5, 116216",
    "Q6_K, a84ce1f7, bd21c259, -1431, 4612",
    "IQ4_NL, 27bc646e, 765f23cd, -35, -257",
    "IQ4_XS, 59b1032b, 4ddaa342, 65, -11005",
    "MXFP4, a8bddec7, 191b8a41, 0, 12.5"
  })
  void probeBlocksDecodeToTheBit(DataType type, String crcA, String crcB, float first, double sum) {
    float[] a = decode(type, probe(type, 0x3c00, 0x3800, 0x7f));
    double got = 0;
    for (float x : a) {
      got += x;
    }
    assertEquals(first, a[0]);
    assertEquals(sum, got);
    assertEquals(crcA, crc(a));
    assertEquals(crcB, crc(decode(type, probe(type, 0x211f, 0x1d0c, 0x78))));
  }

  private static byte[] probe(DataType type, int d, int m, int e) {
    byte[] b = new byte[type.blockBytes()];
    for (int i = 0; i < b.length; i++) {
      b[i] = (byte) (37 * i + 11);
    }
    ByteBuffer buffer = ByteBuffer.wrap(b).order(ByteOrder.LITTLE_ENDIAN);
    switch (type) {
      case MXFP4 -> b[0] = (byte) e;
      case Q2_K -> buffer.putShort(80, (short) d).putShort(82, (short) m);
      case Q3_K -> buffer.putShort(108, (short) d);
      case Q6_K -> buffer.putShort(208, (short) d);
      case Q4_1, Q5_1, Q4_K, Q5_K -> buffer.putShort(0, (short) d).putShort(2, (short) m);
      default -> buffer.putShort(0, (short) d);
    }
    return b;
  }

  private static float[] decode(DataType type, byte[] bytes) {
    float[] out = new float[bytes.length / type.blockBytes() * type.blockLength()];
    RowDecoder.decode(type, MemorySegment.ofArray(bytes), out);
    return out;
  }

  private static String crc(float[] x) {
    ByteBuffer b = ByteBuffer.allocate(4 * x.length).order(ByteOrder.LITTLE_ENDIAN);
    for (float v : x) {
      b.putFloat(v);
    }
    CRC32 crc = new CRC32();
    crc.update(b.array());
    return HexFormat.of().toHexDigits((int) crc.getValue());
  }

  @Test
  void plainTypesDecodeElementByElement() {
    byte[] f16 = HexFormat.of().parseHex("003c00c1662eff7b01000000");
    float[] halves = {1, -2.5f, 0x1.998p-4f, 65504, 0x1p-24f, 0};
    assertArrayEquals(halves, decode(DataType.F16, f16));
    byte[] bf16 = HexFormat.of().parseHex("803f20c04940cd3d");
    assertArrayEquals(new float[] {1, -2.5f, 3.140625f, 0x1.9ap-4f}, decode(DataType.BF16, bf16));
    byte[] f32 = HexFormat.of().parseHex("0000803f0000c0ff");
    assertArrayEquals(new float[] {1, Float.NaN}, decode(DataType.F32, f32));
  }

  @Test
  void smallestScalesOfMxfp4AreSubnormal() {
    byte[] block = new byte[17];
    block[1] = 1;
    assertEquals(0x1p-128f, decode(DataType.MXFP4, block)[0]);
    block[0] = 1;
    assertEquals(0x1p-127f, decode(DataType.MXFP4, block)[0]);
    block[0] = 2;
    assertEquals(0x1p-126f, decode(DataType.MXFP4, block)[0]);
    block[0] = (byte) 255;
    assertEquals(0x1p127f, decode(DataType.MXFP4, block)[0]);
  }

  @Test
  void otherTypesAreRefusedByName() {
    Exception e =
        assertThrows(IllegalArgumentException.class, () -> decode(DataType.IQ1_S, new byte[50]));
    assertTrue(e.toString().contains("not IQ1_S"), e::toString);
  }
}
